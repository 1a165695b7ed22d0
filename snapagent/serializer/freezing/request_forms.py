"""Forms for the requests that web servers hand to a program, and what frameworks attach to them.

A request is its own attributes: no hook, property or lazy part of it runs, and nothing is read from its connection.
Handles of the server become placeholders, as do the application and its routes, unless a module holds them. Secrets
stay in the form: redaction replaces them. Nothing is imported, since the objects are met only when the program has
imported their library.
"""

from __future__ import annotations

from contextvars import ContextVar
from operator import attrgetter
from types import FunctionType, MethodType

from ...core.type_facts import attributes, find, instance_dict, mro, slots, type_name
from ...placeholder import FRESH, UNSTORABLE, Placeholder
from ..held import name_anywhere
from ..rebuild import StartResponse, current_object, make_object, new_of, set_attributes, set_rule
from .children import ATOMS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from ...bundle import Note

    Form = tuple[Any, ...]
    Noting = Callable[..., Note]

_REQUESTS = """
    django.http.request.HttpRequest werkzeug.sansio.request.Request starlette.requests.HTTPConnection
    aiohttp.web_request.BaseRequest tornado.httputil.HTTPServerRequest sanic.request.types.Request bottle.BaseRequest
    webob.request.BaseRequest falcon.request.Request requests.models.Request requests.models.PreparedRequest
    urllib.request.Request
"""
REQUESTS = _REQUESTS.split()

# Attributes through which a request reaches its server, and parts of an ASGI scope that belong to the application.
_SERVER = "_receive _send _protocol _transport _payload_writer _loop _task connection transport protocol"
_OF_SERVER = frozenset(_SERVER.split())
_SERVERS = frozenset({"gunicorn", "werkzeug", "wsgiref", "gevent", "eventlet", "waitress", "cheroot"})
_OF_APPLICATION = frozenset({"app", "router", "route", "starlette.exception_handlers"})
_OF_MATCH = frozenset({"_route", "_apps", "_current_app"})
_OF_RULE = ("map", "_build", "_build_unknown", "_converters", "_parts", "_trace", "_argument_weights")


def served_request_form(request: Any, note: Noting) -> Form:
    """The form of a request: its own attributes."""
    kind, own = type(request), slots(type(request))
    state = _without_handles(attributes(request), note, _OF_SERVER)
    if type(state.get("scope")) is dict:
        state["scope"] = _without_handles(dict(state["scope"]), note, _OF_APPLICATION)
    if "url_rule" in state:
        state["url_rule"] = _unbound(state["url_rule"])
    if find(kind, "__setstate__")[0] is not None:
        return make_object, (kind,), state, None, None, set_attributes
    in_slots = {name: state.pop(name) for name in own if name in state}
    return make_object, (kind,), (state or None, in_slots) if in_slots else state


def _without_handles(state: dict[str, Any], note: Noting, names: frozenset[str]) -> dict[str, Any]:
    """The attributes with placeholders for those in `names`, unless a module holds the object or it is None."""
    for name in sorted(names.intersection(state)):
        value = state[name]
        if value is not None and name_anywhere(value) is None:
            state[name] = Placeholder(note(value, UNSTORABLE, "it belongs to the server or the application"))
    return state


def _unbound(rule: Any) -> Any:
    """A rule of werkzeug's routing as it was before it was added to a map, which has all rules of the application."""
    own = instance_dict(rule)
    if own is None or "map" not in own or "rule" not in own:
        return rule
    made = make_object(type(rule))
    set_attributes(made, {name: value for name, value in own.items() if name not in _OF_RULE} | {"map": None})
    return made


def resolver_match_form(match: Any, note: Noting) -> Form:
    """The form of Django's match of a URL, whose pickle hook refuses: without the patterns that were tried."""
    state = dict(instance_dict(match) or {})
    if state.get("tried"):
        reason = "the patterns that did not match are not stored"
        state["tried"] = Placeholder(note(match, UNSTORABLE, reason, below=".tried"))
    return make_object, (type(match),), state


def rule_form(rule: Any) -> Form | None:
    """The form of a rule in a map of werkzeug's routing: its functions are compiled at run time. None for others."""
    state = dict(instance_dict(rule) or {})
    if not {"_build", "_build_unknown"}.issubset(state) or find(type(rule), "_compile_builder")[0] is None:
        return None
    del state["_build"], state["_build_unknown"]
    return make_object, (type(rule),), state, None, None, set_rule


def current_object_form(proxy: Any) -> Form | None:
    """The form of a proxy of werkzeug that stands for a constant or a request in the running context; None for others.

    The context is read in C. A proxy that asks a function of the program, or an object, is not evaluated.
    """
    state = attributes(proxy)
    held, get = state.get("_LocalProxy__wrapped"), state.get("_get_current_object")
    cells = (
        dict(zip(get.__code__.co_freevars, get.__closure__ or (), strict=False)) if type(get) is FunctionType else {}
    )
    name = _attribute_name(cells["get_name"].cell_contents) if "get_name" in cells else None
    if type_name(type(held)) == "werkzeug.local.Local":
        found = _in_context(attributes(held).get("_Local__storage"))
    elif type(held) is ContextVar:
        found = attributes(_in_context(held))
    else:
        return None
    value = found.get(name) if type(found) is dict else None
    is_known = type(value) in ATOMS or any(type_name(base) in REQUESTS for base in mro(type(value)))
    return (current_object, (value,)) if value is not None and is_known else None


def start_response_form(function: Any, note: Noting) -> Form | None:
    """The form of the `start_response` that a web server hands to a WSGI application; None for other functions."""
    inside = function.__func__ if type(function) is MethodType else function
    if type(inside) is not FunctionType or inside.__name__ != "start_response":
        return None
    module = inside.__module__
    if type(module) is not str or module.partition(".")[0] not in _SERVERS:
        return None
    note(function, FRESH, "it belongs to the server; after loading it keeps what it is called with and sends nothing")
    return StartResponse, ()


def _in_context(variable: Any) -> Any:
    return variable.get(None) if type(variable) is ContextVar else None


def _attribute_name(getter: Any) -> str | None:
    if type(getter) is not attrgetter:
        return None
    reduced: Any = attrgetter.__reduce__(getter)  # in C: the names
    return reduced[1][0] if len(reduced[1]) == 1 else None


def match_info_form(found: Any, note: Noting) -> Form:
    """The form of what aiohttp has matched in a URL: without the route and the applications."""
    state = _without_handles(attributes(found), note, _OF_MATCH)
    return new_of, (type(found),), state, None, iter(list(dict.items(found)))


def multi_dict_proxy_form(proxy: Any) -> Form:
    """The form of a read-only view of multidict, which has none: what it shows."""
    return type(proxy), (type(proxy).copy(proxy),)


def memory_stream_form(stream: Any) -> Form | None:
    """The form of a stream with a limit whose bytes are in memory; None for others, which are never read."""
    own = instance_dict(stream) or {}
    source = own.get("_stream", own.get("stream"))
    if source is None:  # Django keeps the bound method `read` of its source
        source = getattr(own.get("_read"), "__self__", None)
    if type_name(type(source)) != "_io.BytesIO":
        return None
    return new_of, (type(stream),), dict(own)
