"""Forms for the objects of HTTP clients: requests, responses, pools of connections, cookies, contexts of SSL.

What is open, secret or not in memory is left out of them; the rest is stored. Nothing is imported, since the objects
are met only when the program has imported their library. None is returned for an object that has no such form.
"""

from __future__ import annotations

import copyreg

from ...core.type_facts import instance_dict, type_name
from ...placeholder import FRESH, REDACTED, UNSTORABLE, Placeholder
from ..naming import lookup
from ..rebuild import make_object, rebuild_ssl_context, set_attributes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from ...bundle import Note

    Form = tuple[Any, ...]


HEADERS = "httpx.Headers"


def request_form(request: Any) -> Form | None:
    """The form of a request of httpx whose body is in memory: its pickle hook would drop it. None for others."""
    own = instance_dict(request) or {}
    if type_name(type(own.get("stream"))) != "httpx.ByteStream":
        return None
    return make_object, (type(request),), {**own, "extensions": {}}, None, None, set_attributes


SESSION = "requests.sessions.Session"


def session_form(session: Any, note: Callable[..., Note]) -> Form | None:
    """The form of a session of requests: without connections, which its adapters make anew, and without credentials.

    None for a subclass, which may hold credentials under any name.
    """
    if type_name(type(session)) != SESSION:
        return None
    state = dict(instance_dict(session) or {})
    auth = state.get("auth")
    if type(auth) is tuple and len(auth) == 2:
        state["auth"] = (auth[0], Placeholder(note(session, REDACTED, "a password", below=".auth[1]")))
    if state.get("proxies"):
        state["proxies"] = Placeholder(note(session, REDACTED, "a proxy may carry credentials", below=".proxies"))
    note(session, FRESH, "it has no connections after loading")
    return make_object, (type(session),), state, None, None, set_attributes


_RESPONSE = ("status_code", "url", "headers", "history", "encoding", "reason", "cookies", "elapsed", "request")


def response_form(response: Any, note: Callable[..., Note]) -> Form | None:
    """The form of a response of requests whose body was not read: its pickle hook would read it. None for others."""
    own = instance_dict(response) or {}
    if own.get("_content", False) is not False or own.get("_content_consumed", False):
        return None
    reason = "it was not read yet, and capturing does not read it"
    state: dict[str, Any] = {"_content": Placeholder(note(response, UNSTORABLE, reason, below="._content"))}
    state.update({name: own[name] for name in _RESPONSE if name in own})
    return make_object, (type(response),), state


def open_response_form(response: Any) -> Form | None:
    """The form of a response of httpx that is open: its pickle hook would close it. None for others."""
    own = instance_dict(response) or {}
    if "_content" in own or own.get("is_closed") is not False:
        return None
    extensions = own.get("extensions")
    if type(extensions) is dict:
        own = {**own, "extensions": {name: held for name, held in extensions.items() if name != "network_stream"}}
    return make_object, (type(response),), dict(own), None, None, set_attributes


def connected_form(response: Any, note: Callable[..., Note]) -> Form | None:
    """The form of a response of aiohttp that holds a connection: its finalizer would give it back. None for others."""
    own = instance_dict(response) or {}
    if own.get("_connection") is None:
        return None
    note(response, FRESH, "it holds no connection after loading")
    return make_object, (type(response),), {**own, "_connection": None}, None, None, set_attributes


def headers_form(headers: Any) -> Form:
    """The form of the headers of httpx: without the encoding that they have worked out, if it follows from their bytes.

    They work it out when they are first read, which may be after a call has handed them on.
    """
    state = dict(instance_dict(headers) or {})
    if state.get("_encoding") == "ascii" and _is_ascii(state.get("_list")):
        state["_encoding"] = None
    return copyreg.__newobj__, (type(headers),), state  # type: ignore[attr-defined]


def _is_ascii(fields: Any) -> bool:
    """Whether all bytes in the fields are ASCII; False also where the headers have another shape than expected."""
    if type(fields) is not list:
        return False
    return all(
        type(field) is tuple and all(type(text) is bytes and text.isascii() for text in field) for field in fields
    )


def pool_form(pool: Any, note: Callable[..., Note]) -> Form | None:
    """The form of a pool of httpcore: without its connections, which a replay can neither use nor close."""
    own = instance_dict(pool) or {}
    if type(own.get("_connections")) is not list:
        return None
    if own["_connections"]:
        note(pool, FRESH, "it has no connections after loading")
    return make_object, (type(pool),), {**own, "_connections": []}, None, None, set_attributes


def cookie_form(cookie: Any, note: Callable[..., Note]) -> Form:
    """The form of a cookie: all but its value, which may be a credential."""
    state = dict(instance_dict(cookie) or {})
    if state.get("value"):
        state["value"] = Placeholder(note(cookie, REDACTED, "cookies carry credentials", below=".value"))
    return make_object, (type(cookie),), state, None, None, set_attributes


_SETTINGS = ("check_hostname", "verify_mode", "options", "verify_flags", "minimum_version", "maximum_version")


def ssl_context_form(context: Any) -> Form | None:
    """The form of a context of the standard library: its protocol and settings. None for a context of a subclass."""
    kind: Any = lookup("ssl", "SSLContext")
    if type(context) is not kind:
        return None
    settings = {name: int(getattr(context, name)) for name in _SETTINGS}
    return rebuild_ssl_context, (int(context.protocol), settings)
