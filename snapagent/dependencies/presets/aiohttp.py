"""`aiohttp`: recorded at `ClientSession._request`, which follows redirects and keeps cookies itself."""

from __future__ import annotations

from . import Deferred, Described, LibraryObject, Operation
from .http_calls import Tee, described, packed_body, packed_headers, unpacked_body, unpacked_headers

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from . import Calls


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
    headers = _headers(response)
    head = {**_head(response, headers), "history": [_head(each, _headers(each)) for each in response.history]}
    plain = [pair for pair in headers if pair[0].lower() != "content-encoding"]  # the body is decoded already
    return Deferred(lambda: {**head, "body": packed_body(tee.body, plain)})


def _headers(response: Any) -> list[tuple[str, str]]:
    return [(name.decode("latin-1"), value.decode("latin-1")) for name, value in response.raw_headers]


def _head(response: Any, headers: list[tuple[str, str]]) -> dict[str, Any]:
    """All but the body."""
    version = response.version
    return {
        "status": response.status,
        "reason": response.reason,
        "method": response.method,
        "url": str(response.url),
        "version": tuple(version) if version is not None else None,
        "headers": packed_headers(headers),
    }


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
    """The response; the cookies that it and those before it set are kept in the session's jar."""
    session = args[0]
    history = tuple(_response(each, b"", session, ()) for each in stored["history"])
    made = _response(stored, unpacked_body(stored["body"]), session, history)
    jar = getattr(session, "_cookie_jar", None)
    for each in (*history, made):
        if jar is not None and each.cookies:
            jar.update_cookies(each.cookies, each.url)
    return made


def _response(stored: Any, body: bytes, session: Any, history: tuple[Any, ...]) -> Any:
    from asyncio import get_running_loop
    from http.cookies import SimpleCookie
    from sys import modules

    client = modules["aiohttp"].client_reqrep
    multidict, url = modules["multidict"], modules["yarl"].URL(stored["url"])
    made = client.ClientResponse.__new__(client.ClientResponse)
    pairs = unpacked_headers(stored["headers"])
    headers = multidict.CIMultiDictProxy(multidict.CIMultiDict(pairs))
    set_by = [value for name, value in pairs if name.lower() == "set-cookie"]
    cookies: SimpleCookie = SimpleCookie()
    for text in set_by:
        cookies.load(text)
    made.__dict__.update(
        method=stored["method"],
        status=stored["status"],
        reason=stored["reason"],
        _real_url=url,
        _url=url.with_fragment(None),
        _headers=headers,
        _raw_headers=tuple((name.encode("latin-1"), value.encode("latin-1")) for name, value in pairs),
        version=None if stored["version"] is None else modules["aiohttp"].http.HttpVersion(*stored["version"]),
        _history=history,
        _body=None,
        _cache={},
        _closed=True,
        _released=True,
        _connection=None,
        _loop=get_running_loop(),
        _session=session,
        _traces=[],
        _resolve_charset=getattr(session, "_resolve_charset", lambda *_: "utf-8"),
        _request_info=client.RequestInfo(url, stored["method"], headers, url),
        content=_Body(body),
        _in_context=False,
        _cookies=cookies,
        cookies=cookies,  # an attribute in older releases
        _raw_cookie_headers=tuple(set_by),
    )
    return made


class _Connector:
    """What a session asks of its connector when nothing is connected."""

    closed = False
    _closed = False

    async def close(self) -> None:
        self.closed = self._closed = True


def _session(kind: type | None, name: str, calls: Calls) -> Any:
    """A session that was never initialised, since that needs a running loop; its requests are served."""
    import warnings
    from sys import modules

    aiohttp = modules["aiohttp"]
    first = calls[0][0] if calls else {}
    base = modules["yarl"].URL(f"{first['scheme']}://{first['host']}") if first else None

    def build_url(self: Any, given: Any) -> Any:
        """A relative URL is below the host of the recorded calls: the base of the real session is not known."""
        url = modules["yarl"].URL(given)
        return base.join(url) if base is not None and not url.host else url

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # aiohttp advises against subclasses
        members = {"__del__": lambda self: None, "_build_url": build_url}
        made: Any = type("ClientSession", (kind or aiohttp.ClientSession,), members)
    session = object.__new__(made)
    values = {
        "_base_url": None, "_base_url_origin": None, "_connector": _Connector(), "_connector_owner": True,
        "_cookie_jar": _Cookies(), "_default_headers": modules["multidict"].CIMultiDict(), "_default_auth": None,
        "_timeout": aiohttp.client.DEFAULT_TIMEOUT, "_raise_for_status": False, "_auto_decompress": True,
        "_loop": None, "_trace_configs": [], "_retry_connection": True, "_source_traceback": None,
        "_resolve_charset": lambda *_: "utf-8", "_version": aiohttp.HttpVersion11,
    }  # fmt: skip
    session.__dict__.update(values)
    return session


class _Cookies(dict):  # type: ignore[type-arg]  # no typing at run time
    """The cookies of a session without a loop, which a real jar needs."""

    def update_cookies(self, cookies: Any, response_url: object = None) -> None:
        self.update(cookies)

    def filter_cookies(self, request_url: object = None) -> dict[str, Any]:
        return dict(self)

    def __iter__(self) -> Any:
        return iter(self.values())


operations = (Operation("aiohttp.client", "ClientSession._request", _describe, _pack, _rebuild),)
objects = (LibraryObject(("aiohttp.client.ClientSession",), _session),)
