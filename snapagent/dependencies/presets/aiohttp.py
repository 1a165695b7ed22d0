"""`aiohttp`: recorded at `ClientSession._request`, which follows redirects and keeps cookies itself."""

from __future__ import annotations

from . import Deferred, Described, Operation
from .http_calls import Tee, described, packed_body, unpacked_body

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def _describe(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Described:
    from urllib.parse import urlencode

    named = dict(zip(("self", "method", "str_or_url"), args, strict=False)) | kwargs
    session = named["self"]
    build = getattr(session, "_build_url", None)
    url = str(build(named["str_or_url"])) if build is not None else str(named["str_or_url"])
    params = named.get("params")
    if params:
        text = params if isinstance(params, str) else urlencode(params)
        url += ("&" if "?" in url else "?") + text
    if named.get("json") is not None:
        call = described(str(named["method"]), url, None, "")
        call.arguments["body"] = named["json"]
        return call
    data = named.get("data")
    call = described(str(named["method"]), url, data if isinstance(data, (str, bytes)) else None, "")
    if isinstance(data, (dict, list, tuple)):
        call.arguments["body"] = data
    elif data is not None and call.arguments["body"] is None:
        call.arguments["body"] = f"<{type(data).__qualname__}>"
    return call


def _pack(response: Any, call: Described) -> Deferred:
    tee = Tee()
    _tee_content(response.content, tee)
    headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in response.raw_headers]
    version = response.version
    head = {
        "status": response.status,
        "reason": response.reason,
        "method": response.method,
        "url": str(response.url),
        "version": tuple(version) if version is not None else None,
        "headers": headers,
    }
    plain = [pair for pair in headers if pair[0].lower() != "content-encoding"]  # the body is decoded already
    return Deferred(lambda: {**head, "body": packed_body(tee.body, plain)})


def _tee_content(content: Any, tee: Tee) -> None:
    """Keep what is read of the stream: every way to read ends in `_read_nowait_chunk`."""
    kind = type(content)
    if not hasattr(kind, "_read_nowait_chunk"):
        return

    class Teeing(kind):  # type: ignore[misc,valid-type]
        __slots__ = ()  # the same layout, so the class of a living stream can be changed

        def _read_nowait_chunk(self, n: int) -> bytes:
            chunk: bytes = kind._read_nowait_chunk(self, n)
            tee.keep(chunk)
            return chunk

    Teeing.__name__, Teeing.__qualname__, Teeing.__module__ = kind.__name__, kind.__qualname__, kind.__module__
    try:
        content.__class__ = Teeing
    except TypeError:  # another layout: the body is then missing from the effect
        return


class _Body:
    """The body of a rebuilt response."""

    def __init__(self, body: bytes) -> None:
        self._rest = body
        self.total_bytes = len(body)
        self.total_raw_bytes = len(body)

    def exception(self) -> None:
        return None

    def set_exception(self, *args: Any) -> None:
        """Nothing waits for this body."""

    def on_eof(self, callback: Any) -> None:
        callback()

    def is_eof(self) -> bool:
        return True

    def at_eof(self) -> bool:
        return not self._rest

    async def read(self, n: int = -1) -> bytes:
        size = len(self._rest) if n < 0 else n
        found, self._rest = self._rest[:size], self._rest[size:]
        return found

    async def readany(self) -> bytes:
        return await self.read()

    async def readline(self) -> bytes:
        return await self.read(self._rest.find(b"\n") + 1 or -1)

    async def readexactly(self, n: int) -> bytes:
        return await self.read(n)

    async def readchunk(self) -> tuple[bytes, bool]:
        return await self.read(), True

    async def _pieces(self, size: int) -> Any:
        while self._rest:
            yield await self.read(size)

    def iter_chunked(self, n: int) -> Any:
        return self._pieces(n)

    def iter_any(self) -> Any:
        return self._pieces(-1)

    async def iter_chunks(self) -> Any:
        while self._rest:
            yield await self.read(), True

    async def __aiter__(self) -> Any:
        while self._rest:
            yield await self.readline()


def _rebuild(stored: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    from asyncio import get_running_loop
    from sys import modules

    client = modules["aiohttp"].client_reqrep
    multidict, url = modules["multidict"], modules["yarl"].URL(stored["url"])
    made = client.ClientResponse.__new__(client.ClientResponse)
    headers = multidict.CIMultiDictProxy(multidict.CIMultiDict([tuple(pair) for pair in stored["headers"]]))
    made.__dict__.update(
        method=stored["method"],
        status=stored["status"],
        reason=stored["reason"],
        _real_url=url,
        _url=url.with_fragment(None),
        _headers=headers,
        _raw_headers=tuple((name.encode("latin-1"), value.encode("latin-1")) for name, value in stored["headers"]),
        version=None if stored["version"] is None else modules["aiohttp"].http.HttpVersion(*stored["version"]),
        _history=(),
        _body=None,
        _cache={},
        _closed=True,
        _released=True,
        _connection=None,
        _loop=get_running_loop(),
        _session=args[0],
        _traces=[],
        _resolve_charset=getattr(args[0], "_resolve_charset", lambda *_: "utf-8"),
        _request_info=client.RequestInfo(url, stored["method"], headers, url),
        content=_Body(unpacked_body(stored["body"])),
        _in_context=False,
        _cookies=None,
        _raw_cookie_headers=None,
    )
    return made


operations = (Operation("aiohttp.client", "ClientSession._request", _describe, _pack, _rebuild),)
