"""Requests of Flask, Django and Starlette with secrets in every place that a request has, handed to captured functions.

A secret that is a plain word is replaced in the request alone, so no function returns one.
"""

from __future__ import annotations

import asyncio
import base64
import io
import json

SECRETS = {
    "bearer": "bearer-s3cret-01",
    "basic": "basic-s3cret-02",
    "session cookie": "sessioncooky-s3cret-03",
    "word in a cookie": "cookiewordonly",
    "csrf header": "csrfheaderword",
    "csrf field": "csrffieldword",
    "csrf cookie": "csrfcookieword",
    "api key": "apikeyheaderword",
    "query": "query s3cret/04",
    "key in query": "key-s3cret-05",
    "form password": "formpasswordword",
    "form token": "form&tok=s3cret-06",
    "json password": 'json"password ü-07',
    "json token": "json-s3cret-08",
    "session key": "0u9sess10nk3ym2xq8w7",
    "session data": "9f8e7d6c5b4a39281706aa",
    "user": "pbkdf2$260000$s3cret-09$",
    "address": "address-s3cret-10",
    "partial": "partial-s3cret-11",
}
_HEADERS = {
    "Authorization": f"Bearer {SECRETS['bearer']}",
    "Cookie": f"sessionid={SECRETS['session cookie']}; taste={SECRETS['word in a cookie']}",
    "X-CSRFToken": SECRETS["csrf header"],
    "X-Api-Key": SECRETS["api key"],
    "Referer": f"https://ann:{SECRETS['address']}@shop.example/?page=2",
}
_QUERY = {"uri": "/p0/", "access_token": SECRETS["query"], "key": SECRETS["key in query"], "page": "2"}
_FORM = {
    "user": "ann",
    "password": SECRETS["form password"],
    "token": SECRETS["form token"],
    "csrfmiddlewaretoken": SECRETS["csrf field"],
}
_DOCUMENT = {"user": "ann", "password": SECRETS["json password"], "deep": [{"auth": {"token": SECRETS["json token"]}}]}


def flask_view(request):
    fields = {name: value for name, value in request.form.items() if name != "csrfmiddlewaretoken"}
    return {"fields": fields, "query": request.query_string, "document": request.get_json(silent=True)}


def wsgi_application(environ, start_response):
    return [environ["HTTP_COOKIE"].partition(";")[0].encode(), environ["QUERY_STRING"].encode()]


def django_view(request):
    return [request.session.session_key, str(request.user.password), request.POST["token"], request.GET.dict()]


def django_callback(callback):
    return callback()


async def starlette_view(request):
    cookie = request.cookies["sessionid"]
    return [request.headers.get("authorization"), cookie, (await request.body()), await request.json()]


async def asgi_application(scope, receive, send):
    return [dict(scope["headers"])[b"authorization"], scope["query_string"]]


def later(note):
    return note


def _environ(**more):
    from werkzeug.test import EnvironBuilder

    return EnvironBuilder(path="/orders", query_string=_QUERY, method="POST", headers=_HEADERS, **more).get_environ()


def _run_flask():
    import flask

    for body in (
        {"data": _FORM},
        {"data": {**_FORM, "file": (io.BytesIO(b"hello"), "hello.txt")}},
        {"data": json.dumps(_DOCUMENT), "content_type": "application/json"},
    ):
        flask_view(flask.Request(_environ(**body)))
    wsgi_application(_environ(data=_FORM), None)
    basic = base64.b64encode(f"ann:{SECRETS['basic']}".encode()).decode()
    request = flask.Request({**_environ(data=_FORM), "HTTP_AUTHORIZATION": f"Basic {basic}"})
    assert request.authorization.password == SECRETS["basic"]
    flask_view(request)


def _run_django():
    import functools

    import django
    from django.conf import settings

    settings.configure(INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes"], SECRET_KEY="x" * 50)
    django.setup()
    from django.contrib.auth.models import User
    from django.contrib.sessions.backends.signed_cookies import SessionStore
    from django.core.handlers.wsgi import WSGIRequest
    from django.utils.functional import SimpleLazyObject

    request = WSGIRequest(_environ(data=_FORM))
    request.session = SessionStore()
    request.session._session_key = SECRETS["session key"]
    request.session._session_cache = {"cart": 3, "_auth_user_hash": SECRETS["session data"]}
    request.META["CSRF_COOKIE"] = SECRETS["csrf cookie"]
    request.user = SimpleLazyObject(lambda: User(username="ann", password=SECRETS["user"]))
    assert request.user.username == "ann"
    django_view(request)
    note = WSGIRequest({**_environ(data=_FORM), "HTTP_AUTHORIZATION": f"Token {SECRETS['partial']}"})
    django_callback(functools.partial(later, note))
    django_callback(lambda: note.META["HTTP_AUTHORIZATION"])


def _run_starlette():
    from starlette.requests import Request

    async def receive():
        return {"type": "http.request", "body": json.dumps(_DOCUMENT).encode(), "more_body": False}

    from urllib.parse import urlencode

    headers = [(name.lower().encode(), value.encode()) for name, value in _HEADERS.items()]
    scope = {"type": "http", "method": "POST", "path": "/orders", "query_string": urlencode(_QUERY).encode(),
             "headers": headers, "server": ("testserver", 80), "scheme": "http"}  # fmt: skip

    async def serve():
        request = Request(dict(scope), receive)
        assert await request.json() == _DOCUMENT
        assert (request.query_params, request.cookies, str(request.url)) != ()
        await starlette_view(request)
        await asgi_application(scope, receive, None)

    asyncio.run(serve())


def run():
    _run_flask()
    _run_django()
    _run_starlette()
    later({"seen": SECRETS["bearer"], "again": f"and {SECRETS['json token']}"})
