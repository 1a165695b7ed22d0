"""Requests of web frameworks, and what comes with them, are stored without running their hooks or reading a stream."""

from __future__ import annotations

import io
import socket
import types
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

import pytest

from snapagent.placeholder import Placeholder
from snapagent.serializer.freezing.freeze import FreezeRules, freeze_as_first, freeze_outcome
from snapagent.serializer.freezing.frozen import Frozen
from snapagent.serializer.thawing.load import thaw


def frozen(value: Any) -> Frozen:
    return freeze_outcome(value, False, FreezeRules())


def loaded(value: Any) -> Any:
    return thaw(frozen(value).data)


def environ(**more: Any) -> dict[str, Any]:
    return {"REQUEST_METHOD": "POST", "PATH_INFO": "/a", "SERVER_NAME": "shop", "SERVER_PORT": "80",
            "wsgi.url_scheme": "http", **more}  # fmt: skip


class Unread(io.RawIOBase):
    """A stream that nobody may touch."""

    def readable(self) -> bool:
        raise AssertionError("asked")

    def readinto(self, buffer: Any) -> int:
        raise AssertionError("read")


def test_streams_and_sockets_of_the_server_are_left_alone() -> None:
    from werkzeug.wrappers import Request

    one, other = socket.socketpair()
    with one, other:
        other.sendall(b"a=1")
        found = environ(**{"wsgi.input": one.makefile("rb"), "werkzeug.socket": one, "wsgi.errors": Unread()})

        again = loaded(Request(found))

        assert one.recv(3) == b"a=1"
        found["wsgi.input"].close()
    assert {type(again.environ[name]) for name in ("wsgi.input", "werkzeug.socket", "wsgi.errors")} == {Placeholder}
    assert again.path == "/a"


def limited_by_werkzeug(source: io.BytesIO) -> Any:
    from werkzeug.wsgi import LimitedStream

    return LimitedStream(source, 5)


def limited_by_django(source: io.BytesIO) -> Any:
    from django.core.handlers.wsgi import LimitedStream

    return LimitedStream(source, 5)  # type: ignore[no-untyped-call,unused-ignore]


@pytest.mark.parametrize("limited", [limited_by_werkzeug, limited_by_django])
def test_stream_with_a_limit_is_stored_if_its_bytes_are_in_memory(limited: Callable[[io.BytesIO], Any]) -> None:
    source = io.BytesIO(b"hello and more")
    stream = limited(source)
    assert stream.read(2) == b"he"

    again = loaded(stream)

    assert source.tell() == 2
    assert again.read() == b"llo"
    assert stream.read() == b"llo"


def test_cached_and_lazy_parts_of_a_request_are_not_evaluated() -> None:
    from werkzeug.utils import cached_property
    from werkzeug.wrappers import Request

    asked: list[str] = []

    class Asking(Request):
        @cached_property
        def basket(self) -> None:
            asked.append("basket")

        @property
        def account(self) -> None:
            asked.append("account")

        def __getattr__(self, name: str) -> Any:
            asked.append(name)
            raise AttributeError(name)

        def __reduce_ex__(self, protocol: Any) -> Any:
            asked.append("reduce")
            raise TypeError

    again = loaded(Asking(environ()))

    assert asked == []
    assert again.path == "/a"


def test_rule_of_a_request_comes_without_the_other_rules() -> None:
    import flask

    app = flask.Flask("shop")
    for number in range(50):
        app.add_url_rule(f"/page-{number}/<int:page>", f"page-{number}", print)
    request = flask.Request(environ(PATH_INFO="/page-7/2"))
    request.url_rule, request.view_args = app.url_map.bind("shop").match("/page-7/2", return_rule=True)

    result = frozen(request)

    again = thaw(result.data)
    assert (again.url_rule.rule, again.endpoint, again.view_args) == ("/page-7/<int:page>", "page-7", {"page": 2})
    assert b"page-8" not in result.data


def test_map_of_rules_builds_and_matches_urls_after_loading() -> None:
    from werkzeug.routing import Map, Rule

    rules = Map([Rule("/orders/<int:number>", endpoint="order"), Rule("/", endpoint="home", defaults={"page": 1})])
    rules.update()

    result = frozen(rules)

    again = thaw(result.data).bind("shop")
    assert result.by_value == ()
    assert again.match("/orders/3") == ("order", {"number": 3})
    assert again.build("order", {"number": 4, "sort": "new"}) == "/orders/4?sort=new"


def test_match_of_a_url_of_django_is_stored_without_the_patterns_that_were_tried() -> None:
    from django.urls import ResolverMatch

    match = ResolverMatch(print, (), {"pk": 3}, "order", route="orders/<int:pk>/", tried=[["a pattern"]])

    again = loaded(match)

    assert (again.func, again.kwargs, again.url_name, again.route) == (print, {"pk": 3}, "order", "orders/<int:pk>/")
    assert type(again.tried) is Placeholder


class Context:
    def __init__(self, request: Any) -> None:
        self.request = request


def test_proxy_of_the_running_context_is_what_it_stands_for() -> None:
    from werkzeug.local import Local, LocalProxy
    from werkzeug.wrappers import Request

    local = Local()
    local.host, local.request, local.other = "http://shop", Request(environ()), object()
    variable: ContextVar[Any] = ContextVar("context")
    variable.set(Context(Request(environ(PATH_INFO="/b"))))
    asked: list[int] = []
    proxies = [
        LocalProxy(local, "host"),
        LocalProxy(local, "request"),
        LocalProxy(variable, "request"),
        LocalProxy(local, "other"),
        LocalProxy(local, "missing"),
        LocalProxy(lambda: asked.append(1)),
    ]

    host, request, in_variable, *rest = loaded(proxies)

    assert (host, request.path, in_variable.path) == ("http://shop", "/a", "/b")
    assert [type(each) for each in rest] == [Placeholder] * 3
    assert asked == []
    first = thaw(freeze_as_first(proxies, "result", FreezeRules()).data)
    assert [type(each) for each in first] == [Placeholder] * 6


def start_response_of(module: str) -> Any:
    def start_response(status: str, headers: Any, exc_info: Any = None) -> None:
        raise AssertionError("sent")

    start_response.__module__ = module
    return start_response


@pytest.mark.parametrize("as_method", [False, True])
def test_start_response_of_a_server_keeps_what_a_replay_sends(as_method: bool) -> None:
    sent = start_response_of("gunicorn.http.wsgi")
    sent = types.MethodType(sent, object()) if as_method else sent

    def middleware(status: str, headers: Any) -> Any:
        return sent(status, [*headers, ("X-Seen", "1")])

    result = frozen([sent, middleware])

    plain, wrapped = thaw(result.data)
    plain("200 OK", [("A", "1")])(b"body")
    wrapped("404 Not Found", [])
    assert (plain.status, plain.headers, plain.written) == ("200 OK", [("A", "1")], [b"body"])
    assert {note.kind for note in result.notes} == {"fresh"}


def test_start_response_of_the_program_is_stored_as_any_function() -> None:
    assert type(loaded(start_response_of(__name__))) is types.FunctionType


def compiled_at_run_time() -> Any:
    names: dict[str, Any] = {}
    exec("def add(number):\n    return double(number) + 1\ndef double(number):\n    return 2 * number", names)
    return names["add"]


def test_function_that_was_compiled_at_run_time_is_stored_with_its_own_globals() -> None:
    add = compiled_at_run_time()
    assert add.__module__ is None or add.__module__ == "builtins"

    assert loaded(add)(3) == 7
