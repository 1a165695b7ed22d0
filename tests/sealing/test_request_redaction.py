"""A request is stored, and only its secrets are replaced: in the same way in its raw and in its parsed form."""

from __future__ import annotations

import base64
import io
import json
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, quote, quote_plus, urlencode

import pytest
from sealing_support import KEY, everything_in, sealed

from snapagent.placeholder import Placeholder
from snapagent.sealing.seal import SealRules

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


def test_user_and_password_of_a_request_of_requests() -> None:
    import requests

    request = requests.Request("GET", "http://shop.example/", auth=("ann", "swordfishword"), params={"page": "2"})

    again = sealed(view, request).args[0]

    assert again.auth[0] == "ann" and again.auth[1].startswith("redacted-")
    assert again.params == {"page": "2"}


def test_request_of_aiohttp() -> None:
    from aiohttp import web
    from aiohttp.test_utils import make_mocked_request

    request = make_mocked_request("POST", PATH, headers=HEADERS, app=web.Application(), match_info={"pk": "3"})

    again = stored(request).args[0]

    assert again.method == "POST" and dict(again.match_info) == {"pk": "3"}
    assert again.headers["Authorization"].startswith("Bearer redacted-")
    assert again.rel_url.query["page"] == "2"
    assert again.rel_url.query["api_key"].startswith("redacted-")


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("lang=english; sid=abc", "lang=S; sid=S"),
        ('quoted="a b c"; last=x', 'quoted="S"; last=S'),
        ('half=a"b"c;d=e=f==', "half=S;d=S"),
        ("nameless; empty=; a=b", "S; empty=; a=S"),
        (" a = b ;c=d", " a = S ;c=S"),
    ],
)
def test_each_value_of_a_cookie_header_is_replaced(header: str, expected: str) -> None:
    again = sealed(view, {**environ(), "HTTP_COOKIE": header}).args[0]

    assert re.sub("redacted-[0-9a-f]{12}", "S", again["HTTP_COOKIE"]) == expected


BODIES = {
    "no UTF-8": b"note=\xff\xfe&password=%ff%fehidden-s3cret&x=\xe4%E4",
    "JSON in a form": b"payload=" + quote_plus('{"token": "hidden-s3cret", "n": [1, 2.50]}').encode() + b"&a=b",
    "form in JSON": b'{"query": "a=b&password=hidden-s3cret&c=%20d"}',
    "address in JSON": b'{"next": "https://shop.example/x?token=hidden-s3cret&page=2#a"}',
    "broken JSON": b'{"user": "ann", "password": "hidden-s3cret", ',
    "Python": b"{'user': 'ann', 'password': 'hidden-s3cret'}",
    "brackets in names": b"user[name]=ann&user[password]=hidden-s3cret&tags[]=a&tags[]=b",
    "same name twice": b"token=hidden-s3cret&token=second-s3cret-2",
    "escapes": b'{"a\\"b": "x\\u00e4", "pass\\u0077ord": "hidden\\u002ds3cret", "z": 1.0}',
    "digits": b'{"pin": 471108, "page": 2, "pages": [1, 2]}',
    "cookie": b'{"cookie": "sid=hidden-s3cret; lang=en"}',
}


@pytest.mark.parametrize("name", BODIES)
def test_bodies_lose_their_secrets_and_keep_all_else(name: str) -> None:
    found = sealed(view, {**environ(), "raw": BODIES[name]})

    raw = found.args[0]["raw"]
    data = everything_in(found.file)
    assert b"hidden" not in data and b"second-s3cret" not in data and b"471108" not in data
    pattern = b"(?:" + b"|".join([
        rb"(?:%ff%fe)?hidden(?:-|\\u002d)s3cret", b"second-s3cret-2", b"471108", b"lang=en",
        rb"%7B%22token.*%5D%7D",
    ]) + b")"  # fmt: skip
    for piece in re.split(pattern, BODIES[name]):
        assert piece.strip(b'"') in raw, (piece, raw)
    if name == "JSON in a form":
        assert json.loads(parse_qs(raw.decode())["payload"][0])["n"] == [1, 2.5]
    elif name in ("escapes", "digits", "form in JSON"):
        assert json.loads(raw)


@pytest.mark.parametrize("kind", [bytes, bytearray, io.BytesIO])
def test_body_that_stands_alone_is_read_as_in_a_request(kind: Any) -> None:
    """As the effect of a method that reads it, or the argument of a parser."""
    body = b'{"user": "ann", "password": "abc", "tokens": ["de", "hidden-s3cret-1"], "note": null}'

    found = sealed(view, kind(body), result="see hidden-s3cret-1")

    (again,) = found.args
    document = json.loads(again.getvalue() if isinstance(again, io.BytesIO) else again)
    assert (document["user"], document["tokens"][0], document["note"]) == ("ann", "de", None)
    assert document["password"].startswith("redacted-")
    assert b"hidden" not in everything_in(found.file)


def test_harmless_values_of_a_body_are_harmless_raw_and_parsed() -> None:
    document = {"is_secret": True, "password": None, "api_key": "header", "pad_token": "<|endoftext|>", "pwd": "/srv"}
    query = urlencode({name: value for name, value in document.items() if isinstance(value, str)})
    request = {**environ(), "QUERY_STRING": query, "raw": json.dumps(document).encode(), "parsed": document}

    again = sealed(view, request).args[0]

    assert (again["QUERY_STRING"], again["raw"], again["parsed"]) == (query, request["raw"], document)


def test_names_of_the_user_hold_for_headers_fields_and_bodies() -> None:
    request = {
        **environ(),
        "HTTP_X_BADGE": "a badge",
        "QUERY_STRING": "badge=blue&x_badge=red",
        "raw": b'{"badge": "1"}',
    }

    again = sealed(view, request, rules=SealRules(KEY, redact=("badge", "x-badge"))).args[0]

    assert again["HTTP_X_BADGE"].startswith("redacted-")
    assert re.fullmatch("badge=redacted-[0-9a-f]{12}&x_badge=redacted-[0-9a-f]{12}", again["QUERY_STRING"])
    assert json.loads(again["raw"])["badge"].startswith("redacted-")


def test_names_that_the_user_exempts_stay_in_requests_too() -> None:
    rules = SealRules(KEY, redact_allow=("x-api-key", "x-csrf-token"))

    again = sealed(view, environ(), rules=rules).args[0]

    assert (again["HTTP_X_API_KEY"], again["HTTP_X_CSRF_TOKEN"]) == (SECRETS["key"], SECRETS["csrf"])
    assert again["HTTP_AUTHORIZATION"].startswith("Bearer redacted-")


def test_a_request_without_secrets_is_stored_as_it_is() -> None:
    from werkzeug.test import EnvironBuilder

    body = {"token": "identifier", "session": "morning", "pin": "left", "keys": ["a"], "text": "a=b&c=d ?x=1"}
    builder = EnvironBuilder(path="/a?key=colour&state=open&code=red#x", method="POST", json=body)

    found = sealed(view, builder.get_environ())

    assert [note.path for note in found.header.notes if note.kind == "redacted"] == []
    assert found.args[0]["wsgi.input"].getvalue() == builder.get_environ()["wsgi.input"].getvalue()
