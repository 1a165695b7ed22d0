"""What the HTTP presets share: how a request is described, and how a body is stored so that secrets in it are found."""

from __future__ import annotations

import json

from ..tape import READ, WRITE
from . import Described, LibraryObject

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

_READS = frozenset({"GET", "HEAD", "OPTIONS"})
_STYLES: tuple[dict[str, Any], ...] = (
    {"separators": (",", ":"), "ensure_ascii": False},
    {"separators": (",", ":")},
    {},
    {"ensure_ascii": False},
    {"indent": 2},
)
MOST_BYTES = 4 * 10**6  # of one body


def described(method: str, url: str, body: object, content_type: str) -> Described:
    """One request: by method, scheme, host, path, sorted query and body."""
    from urllib.parse import parse_qsl, urlsplit

    parts = urlsplit(url)
    query = sorted(parse_qsl(parts.query, keep_blank_values=True))
    arguments: dict[str, Any] = {
        "method": method,
        "scheme": parts.scheme,
        "host": parts.netloc.rpartition("@")[2],
        "path": parts.path,
        "query": query,
        "body": _request_body(body, content_type),
    }
    role = READ if method.upper() in _READS else WRITE
    return Described(role, f"{method} {parts.scheme}://{arguments['host']}{parts.path}", arguments)


def _request_body(body: object, content_type: str) -> Any:
    """A JSON body as its value and a form as its fields; a stream, which must not be read, by its type alone."""
    if body is None or body == b"" or body == "":
        return None
    if not isinstance(body, (str, bytes)):
        return f"<{type(body).__qualname__}>"
    kind = content_type.lower()
    try:
        if "json" in kind:
            return json.loads(body)
        if kind.startswith("multipart/"):
            return _without_boundary(body, content_type)
        if "x-www-form-urlencoded" in kind:
            from urllib.parse import parse_qsl

            text = body if isinstance(body, str) else body.decode()
            return sorted(parse_qsl(text, keep_blank_values=True))
    except ValueError:
        pass
    return body


def _without_boundary(body: str | bytes, content_type: str) -> str | bytes:
    """A multipart body with the same line between its parts each time: the real one is random."""
    from email.message import Message

    message = Message()
    message["Content-Type"] = content_type
    boundary = str(message.get_boundary("") or "")
    if not boundary:
        return body
    return body.replace(boundary, "boundary") if isinstance(body, str) else body.replace(boundary.encode(), b"boundary")


def _cookie_value(kind: type | None, name: str, calls: object) -> str:
    """The value of a cookie that a stored client holds, which bundles leave out: what is sent in it does not matter."""
    return "redacted"


cookie_values = LibraryObject(("http.cookiejar.Cookie",), _cookie_value)


def packed_headers(headers: Iterable[tuple[str, str]]) -> list[Any]:
    """What is stored for headers: pairs. Of a cookie that is set, its name and attributes stand beside its value.

    So the redaction replaces the value alone, and the program finds the cookie at replay.
    """
    return [_packed_header(name, value) for name, value in headers]


def _packed_header(name: str, value: str) -> Any:
    if name.lower() != "set-cookie":
        return name, value
    cookie, equals, rest = value.partition("=")
    content, semicolon, attributes = rest.partition(";")
    return {"header": name, "of": cookie + equals, "cookie": content, "more": semicolon + attributes}


def unpacked_headers(stored: Iterable[Any]) -> list[tuple[str, str]]:
    """The headers as pairs again."""
    return [
        (each["header"], f"{each['of']}{each['cookie']}{each['more']}") if isinstance(each, dict) else tuple(each)
        for each in stored
    ]


def packed_body(body: bytes, headers: Iterable[tuple[str, str]]) -> Any:
    """What is stored for a body: JSON as `(style, value)` where that gives back the same bytes, else the bytes.

    Secrets in a JSON body are found by their names, so one that a later request sends is replaced there as well.
    """
    kind = next((value for name, value in headers if name.lower() == "content-type"), "")
    encoded = any(name.lower() == "content-encoding" for name, _ in headers)
    if "json" in kind.lower() and body and not encoded:
        try:
            value = json.loads(body)
        except ValueError:
            return body
        for style, options in enumerate(_STYLES):
            if json.dumps(value, **options).encode("utf-8", "surrogatepass") == body:
                return style, value
    return body


def unpacked_body(stored: Any) -> bytes:
    """The bytes of a stored body."""
    if isinstance(stored, tuple):
        style, value = stored
        return json.dumps(value, **_STYLES[style]).encode("utf-8", "surrogatepass")
    return bytes(stored or b"")


class Tee:
    """Keeps what the program reads of a body, up to MOST_BYTES; never reads by itself."""

    def __init__(self) -> None:
        self.chunks: list[bytes] = []
        self.size = 0
        self.complete = False

    def keep(self, chunk: Any) -> None:
        self.size += len(chunk)
        if self.size <= MOST_BYTES:
            self.chunks.append(bytes(chunk))
        else:
            self.chunks.clear()

    @property
    def body(self) -> bytes:
        return b"".join(self.chunks)
