"""A request is stored, and only its secrets are replaced: in the same way in its raw and in its parsed form."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Callable
from typing import Any

import pytest
from sealing_support import everything_in, sealed

from snapagent.placeholder import Placeholder

SECRETS = {
    "bearer": "bearer-s3cret-01",
    "cookie": "cookie-s3cret-02",
    "csrf": "csrfsecret",  # a plain word: the header alone says that it is secret
    "query": "query-s3cret 04",
    "body": 'body-s3cr"et ü/05',
    "deep": "deep-s3cret-06",
    "key": "key-s3cret-07",
}
PATH = "/orders?uri=/p0/&api_key=query-s3cret%2004&page=2"
HEADERS = {
    "Authorization": f"Bearer {SECRETS['bearer']}",
    "Cookie": f"lang=english; sid={SECRETS['cookie']}",
    "X-CSRF-Token": SECRETS["csrf"],
    "X-Api-Key": SECRETS["key"],
    "Accept-Language": "en-GB",
}
DOCUMENT = {"user": "ann", "password": SECRETS["body"], "lines": [{"item": "tea", "tokens": [SECRETS["deep"]]}], "n": 1}
FORM = {"user": "ann", "password": SECRETS["body"], "token": SECRETS["deep"], "note": "two = 2 & more"}


def view(request: Any, *more: Any) -> None: ...


def environ(**more: Any) -> dict[str, Any]:
    from werkzeug.test import EnvironBuilder

    return EnvironBuilder(path=PATH, method="POST", headers=HEADERS, **more).get_environ()


def stored(request: Any, *more: Any, result: Any = None) -> Any:
    """The call as it was stored, in no byte of which there is a secret."""
    found = sealed(view, request, *more, result=result)
    data = everything_in(found.file)
    assert [name for name, secret in SECRETS.items() if any(form in data for form in spellings(secret))] == []
    return found


def spellings(secret: str) -> set[bytes]:
    from urllib.parse import quote, quote_plus

    return {form.encode() for form in (secret, quote(secret), quote_plus(secret), json.dumps(secret)[1:-1])}


def flask_request(**more: Any) -> Any:
    import flask

    return flask.Request(environ(**more))


def test_flask_request_with_json_says_the_same_raw_and_parsed() -> None:
    request = flask_request(json=DOCUMENT)
    assert (request.get_json(), request.args, request.cookies, request.authorization) != ()

    found = stored(request, result=[SECRETS["body"], SECRETS["cookie"]])

    again = found.args[0]
    password = again.get_json()["password"]
    assert password.startswith("redacted-")
    assert json.loads(again.get_data()) == again.get_json()
    assert {**again.get_json(), "password": "", "lines": ""} == {"user": "ann", "password": "", "lines": "", "n": 1}
    assert again.get_json()["lines"][0]["item"] == "tea"
    assert again.args.to_dict() == {"uri": "/p0/", "api_key": again.args["api_key"], "page": "2"}
    assert again.args["api_key"].startswith("redacted-")
    assert again.environ["HTTP_COOKIE"] == f"lang={again.cookies['lang']}; sid={again.cookies['sid']}"
    assert again.environ["HTTP_AUTHORIZATION"] == f"Bearer {again.authorization.token}"
    assert again.headers["X-CSRF-Token"].startswith("redacted-")
    assert again.accept_languages.best == "en-GB"
    assert found.outcome == [password, again.cookies["sid"]]


def test_request_that_nobody_has_parsed_is_parsed_at_replay() -> None:
    unread = flask_request(json=DOCUMENT)
    parsed = flask_request(json=DOCUMENT)
    parsed.get_json(), parsed.args, parsed.cookies

    first, second = (stored(request).args[0] for request in (unread, parsed))

    assert first.get_json() == second.get_json()
    assert first.args == second.args and first.cookies == second.cookies


@pytest.mark.parametrize("files", [{}, {"file": (io.BytesIO(b"hello"), "hello.txt")}], ids=["urlencoded", "multipart"])
def test_forms_keep_their_other_fields_and_the_length_of_their_body(files: dict[str, Any]) -> None:
    unread = flask_request(data={**FORM, **{name: (io.BytesIO(b"hello"), "hello.txt") for name in files}})
    position = unread.environ["wsgi.input"].tell()

    again = stored(unread).args[0]

    assert unread.environ["wsgi.input"].tell() == position
    assert again.form["user"] == "ann" and again.form["note"] == FORM["note"]
    assert again.form["password"].startswith("redacted-") and again.form["token"].startswith("redacted-")
    assert [file.read() for file in again.files.values()] == [b"hello" for _ in files]
    assert unread.form["password"] == SECRETS["body"]
    assert stored(unread).args[0].form["password"] == again.form["password"]


def test_stream_that_was_read_in_part_goes_on_where_it_was() -> None:
    found = environ(data=json.dumps(DOCUMENT), content_type="application/json")
    body = found["wsgi.input"].getvalue()
    found["wsgi.input"].seek(body.index(b'"lines"'))

    again = stored(found).args[0]

    assert again["wsgi.input"].read().startswith(b'"lines": [{"item": "tea"')


def test_basic_authorization_stays_readable() -> None:
    credentials = base64.b64encode(f"ann:{SECRETS['key']}".encode()).decode()
    again = stored({**environ(), "HTTP_AUTHORIZATION": f"Basic {credentials}"}).args[0]

    user, _, password = base64.b64decode(again["HTTP_AUTHORIZATION"].split()[1]).decode().partition(":")
    assert user == "ann"
    assert password == again["HTTP_X_API_KEY"]


def test_digest_authorization_loses_its_values_only() -> None:
    header = f'Digest username="ann", realm="shop", response="{SECRETS["key"]}", uri="/x", qop=auth'
    again = stored({**environ(), "HTTP_AUTHORIZATION": header}).args[0]

    assert again["HTTP_AUTHORIZATION"] == header.replace(SECRETS["key"], again["HTTP_X_API_KEY"])


def starlette_scope() -> dict[str, Any]:
    path, _, query = PATH.partition("?")
    headers = [(name.lower().encode(), value.encode()) for name, value in HEADERS.items()]
    session = {"cart": 3, "csrf": SECRETS["csrf"]}
    return {"type": "http", "method": "POST", "path": path, "query_string": query.encode(), "headers": headers,
            "server": ("testserver", 80), "scheme": "http", "session": session}  # fmt: skip


def starlette_request() -> Any:
    import asyncio

    from starlette.requests import Request

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": json.dumps(DOCUMENT).encode(), "more_body": False}

    async def read(request: Any) -> None:
        await request.json()

    request = Request(starlette_scope(), receive)
    asyncio.run(read(request))
    return request


def test_starlette_request_is_its_scope_and_the_body_that_was_read() -> None:
    import asyncio

    request = starlette_request()
    assert (request.cookies, request.query_params, str(request.url)) != ()

    again = stored(request).args[0]

    async def read() -> Any:
        return await again.json(), json.loads(await again.body())

    parsed, raw = asyncio.run(read())
    assert parsed == raw
    assert parsed["password"].startswith("redacted-")
    assert again.query_params["page"] == "2"
    assert again.url.query == again.scope["query_string"].decode()
    assert again.headers["cookie"] == f"lang={again.cookies['lang']}; sid={again.cookies['sid']}"
    assert type(again._receive) is Placeholder


def test_scope_of_asgi_is_known_by_its_keys() -> None:
    again = stored(starlette_scope()).args[0]

    assert again["path"] == "/orders"
    assert dict(again["headers"])[b"accept-language"] == b"en-GB"
    assert dict(again["headers"])[b"authorization"].startswith(b"Bearer redacted-")


def test_event_of_a_gateway_is_known_by_its_keys() -> None:
    event = {
        "httpMethod": "POST",
        "headers": HEADERS,
        "queryStringParameters": {"api_key": SECRETS["query"]},
        "cookies": [f"sid={SECRETS['cookie']}", "lang=english"],
        "body": json.dumps(DOCUMENT),
    }

    again = stored(event).args[0]

    assert json.loads(again["body"])["user"] == "ann"
    assert [cookie.partition("=")[0] for cookie in again["cookies"]] == ["sid", "lang"]
    assert "english" not in again["cookies"][1]


@pytest.mark.parametrize("kind", ["requests", "urllib", "httpx"])
def test_requests_of_clients_keep_what_is_no_secret(kind: str) -> None:
    url = f"http://ann:{SECRETS['key']}@shop.example{PATH}"
    headers = {name: value for name, value in HEADERS.items() if name != "Cookie"}
    body = json.dumps(DOCUMENT).encode()
    make: dict[str, Callable[[], Any]] = {
        "requests": lambda: __import__("requests").Request("POST", url, headers=headers, data=body).prepare(),
        "urllib": lambda: __import__("urllib.request").request.Request(url, body, headers),
        "httpx": lambda: __import__("httpx").Request("POST", url, headers=headers, content=body),
    }

    again = stored(make[kind]()).args[0]

    data = {"requests": "body", "urllib": "data", "httpx": "content"}[kind]
    assert json.loads(getattr(again, data))["user"] == "ann"
    assert "shop.example" in str(again.full_url if kind == "urllib" else again.url)


def test_names_that_the_user_exempts_stay_in_requests_too() -> None:
    from sealing_support import KEY

    from snapagent.sealing.seal import SealRules

    found = sealed(view, environ(), rules=SealRules(KEY, redact_allow=("authorization", "http_authorization")))

    assert found.args[0]["HTTP_X_API_KEY"].startswith("redacted-")


def test_a_request_without_secrets_is_stored_as_it_is() -> None:
    from werkzeug.test import EnvironBuilder

    body = {"token": "identifier", "session": "morning", "pin": "left", "keys": ["a"], "text": "a=b&c=d ?x=1"}
    builder = EnvironBuilder(path="/a?key=colour&state=open&code=red#x", method="POST", json=body)

    found = sealed(view, builder.get_environ())

    assert [note.path for note in found.header.notes if note.kind == "redacted"] == []
    assert found.args[0]["wsgi.input"].getvalue() == builder.get_environ()["wsgi.input"].getvalue()
