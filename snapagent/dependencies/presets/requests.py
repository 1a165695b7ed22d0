"""`requests`: recorded at `HTTPAdapter.send`, so that redirects, cookies and hooks run as real code."""

from __future__ import annotations

from weakref import ref

from . import Deferred, Described, LibraryObject, Operation
from .http_calls import Tee, cookie_values, described, packed_body, packed_headers, unpacked_body, unpacked_headers

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from . import Calls


def _describe(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Described:
    request = args[1] if len(args) > 1 else kwargs["request"]
    url = request.url if isinstance(request.url, str) else request.url.decode()
    return described(str(request.method), url, request.body, str(request.headers.get("Content-Type", "")))


def _pack(response: Any, call: Described) -> Deferred:
    """The head now; the body when the target has ended, as far as the program has read it."""
    raw = response.raw
    headers = [(str(name), str(value)) for name, value in getattr(raw, "headers", response.headers).items()]
    head = {"status": response.status_code, "reason": response.reason, "headers": packed_headers(headers)}
    tee = _tee(raw)

    plain = [pair for pair in headers if pair[0].lower() != "content-encoding"]  # the body is decoded already
    return Deferred(lambda: {**head, "body": packed_body(tee.body, plain)})


def _tee(raw: Any) -> Tee:
    """Keep what is read by `stream` and `read`, of which the first may call the second.

    By a weak reference, so that a response that is dropped still gives its connection back at once.
    """
    tee = Tee()
    values = getattr(raw, "__dict__", None)
    if values is None or not hasattr(raw, "stream"):
        return tee
    response: Any = ref(raw)
    inside = [0]

    def teeing_stream(*args: Any, **kwargs: Any) -> Any:
        items = type(raw := response()).stream(raw, *args, **kwargs)
        while True:
            inside[0] += 1
            try:
                chunk = next(items)
            except StopIteration:
                return
            finally:
                inside[0] -= 1
            tee.keep(chunk)
            yield chunk

    def teeing_read(*args: Any, **kwargs: Any) -> Any:
        data = type(raw := response()).read(raw, *args, **kwargs)
        if not inside[0] and data:
            tee.keep(data)
        return data

    values["stream"], values["read"] = teeing_stream, teeing_read
    return tee


class _Original:
    """What `requests` asks of the response of `http.client`: the headers, for the cookies in them."""

    def __init__(self, headers: list[tuple[str, str]]) -> None:
        from http.client import HTTPMessage

        self.msg = HTTPMessage()
        for name, value in headers:
            self.msg[name] = value

    def isclosed(self) -> bool:
        return True

    def close(self) -> None:
        """There is no connection."""


def _rebuild(stored: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    from io import BytesIO
    from sys import modules

    headers = unpacked_headers(stored["headers"])
    plain = [pair for pair in headers if pair[0].lower() not in ("content-encoding", "transfer-encoding")]
    urllib3 = modules["urllib3"]
    raw = urllib3.HTTPResponse(
        body=BytesIO(unpacked_body(stored["body"])),
        headers=urllib3.HTTPHeaderDict(plain) if hasattr(urllib3, "HTTPHeaderDict") else dict(plain),
        status=stored["status"],
        reason=stored["reason"],
        preload_content=False,
        enforce_content_length=False,  # of a body that was compressed, partly read, or never sent (HEAD)
        original_response=_Original(headers),
    )
    request = args[1] if len(args) > 1 else kwargs["request"]
    response = args[0].build_response(request, raw)
    for name, value in headers:
        if name.lower() in ("content-encoding", "transfer-encoding"):
            response.headers[name] = value
    return response


def _session(kind: type | None, name: str, calls: Calls) -> Any:
    """A new session: what the old one sent besides the request (headers, cookies, credentials) is not matched."""
    from sys import modules

    base = modules["requests"].Session
    try:
        return (kind or base)()
    except Exception:  # a class of the program's own that wants arguments
        return base()


operations = (Operation("requests.adapters", "HTTPAdapter.send", _describe, _pack, _rebuild),)
objects = (LibraryObject(("requests.sessions.Session",), _session), cookie_values)
