"""`httpx`: recorded at the transports, so that redirects, cookies, authentication and decoding run as real code."""

from __future__ import annotations

from . import Deferred, Described, Operation
from .http_calls import Tee, cookie_values, described, packed_body, packed_headers, unpacked_body, unpacked_headers

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def _describe(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Described:
    request = args[1] if len(args) > 1 else kwargs["request"]
    body = request.__dict__.get("_content", request.__dict__.get("stream"))  # a stream has no content yet
    return described(str(request.method), str(request.url), body, str(request.headers.get("Content-Type", "")))


class _TeeingBody:
    """In place of the body that the transport reads from the connection, and closes it."""

    def __init__(self, body: Any, tee: Tee) -> None:
        self._body = body
        self._tee = tee

    def __iter__(self) -> Any:
        for chunk in self._body:
            self._tee.keep(chunk)
            yield chunk

    async def __aiter__(self) -> Any:
        async for chunk in self._body:
            self._tee.keep(chunk)
            yield chunk

    def __getattr__(self, name: str) -> Any:  # `close`, `aclose`
        return getattr(self._body, name)


def _pack(response: Any, call: Described) -> Deferred:
    tee = Tee()
    stream = response.stream
    body = getattr(stream, "__dict__", {}).get("_httpcore_stream")
    if body is not None:
        stream.__dict__["_httpcore_stream"] = _TeeingBody(body, tee)
    headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in response.headers.raw]
    version = response.extensions.get("http_version", b"HTTP/1.1")
    reason = response.extensions.get("reason_phrase", b"")
    head = {"status": response.status_code, "version": version, "reason": reason, "headers": packed_headers(headers)}
    return Deferred(lambda: {**head, "body": packed_body(tee.body, headers)})


def _rebuild(stored: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    from sys import modules

    httpx = modules["httpx"]
    headers = [
        (name.encode("latin-1"), value.encode("latin-1"))
        for name, value in unpacked_headers(stored["headers"])
        if name.lower() != "transfer-encoding"
    ]
    extensions = {"http_version": stored["version"], "reason_phrase": stored["reason"]}
    stream = httpx.ByteStream(unpacked_body(stored["body"]))
    return httpx.Response(stored["status"], headers=headers, stream=stream, extensions=extensions)


operations = (
    Operation("httpx._transports.default", "HTTPTransport.handle_request", _describe, _pack, _rebuild),
    Operation("httpx._transports.default", "AsyncHTTPTransport.handle_async_request", _describe, _pack, _rebuild),
)
objects = (cookie_values,)
