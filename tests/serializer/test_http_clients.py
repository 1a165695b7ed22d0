"""Clients of HTTP libraries, and what hangs on them, come back; secrets and open connections stay behind."""

from __future__ import annotations

import asyncio
import http.cookiejar
import ssl
import threading
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest
import requests
from freezes import frozen, frozen_call, notes_by_path, round_trip
from sealing_support import everything_in, sealed

from snapagent.errors import PlaceholderError
from snapagent.placeholder import FRESH, REDACTED, Placeholder, note_of
from snapagent.serializer.thawing.load import thaw

LARGE = b"x" * 2**20  # more than a client reads at once


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        body = b"ok" if self.path == "/" else LARGE
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments: Any) -> None:
        pass


@pytest.fixture
def url() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize("kind", [httpx.Client, httpx.AsyncClient])
def test_a_client_comes_back_with_its_settings(kind: Any) -> None:
    client = kind(base_url="http://shop.test/v1", headers={"X-Shop": "7"}, params={"page": "2"}, timeout=3.0)

    loaded = round_trip([client])[0]

    assert type(loaded) is kind and loaded.timeout == httpx.Timeout(3.0)
    assert str(loaded.base_url) == "http://shop.test/v1/"
    assert loaded.headers == client.headers
    request = loaded.build_request("GET", "items")
    assert str(request.url) == "http://shop.test/v1/items?page=2" and request.headers["X-Shop"] == "7"


def test_a_session_of_requests_comes_back_without_connections(url: str) -> None:
    with requests.Session() as session:
        session.headers["X-Shop"] = "7"
        session.params = {"page": "2"}
        session.get(url)

        (loaded,) = round_trip([session])

    assert type(loaded) is requests.Session and loaded.headers == session.headers and loaded.params == {"page": "2"}
    assert loaded.get(url).status_code == 200 and loaded.adapters.keys() == session.adapters.keys()
    loaded.close()


def test_credentials_of_a_session_of_requests_stay_behind() -> None:
    def call(session: requests.Session) -> None: ...

    session = requests.Session()
    session.auth = ("ann", "pw-8sXk2mQ")
    session.headers["Authorization"] = "Bearer tk-91Fh3kqPz"
    session.headers["X-Api-Key"] = "ak-5Hd82kLwq"
    session.proxies = {"https": "http://ann:px-77Kd0w@proxy.test:3128"}
    session.cookies.set("sid", "ck-44Lm2sPq")
    session.params = {"api_key": "qs-1Gt5rWx"}

    found = everything_in(sealed(call, session).file)

    for secret in ("pw-8sXk2mQ", "tk-91Fh3kqPz", "ak-5Hd82kLwq", "px-77Kd0w", "ck-44Lm2sPq", "qs-1Gt5rWx"):
        assert secret.encode() not in found, secret


def test_a_session_of_a_class_of_its_own_is_left_out() -> None:
    class Signed(requests.Session):
        pass

    assert [note.kind for note in notes_by_path(frozen([Signed()])).values()] == ["unstorable"]


def test_a_client_that_has_open_connections_comes_back_without_them(url: str) -> None:
    with httpx.Client() as client:
        client.get(url)
        assert client._transport._pool._connections  # type: ignore[attr-defined]

        loaded = round_trip([client])[0]
        assert loaded._transport._pool.connections == []
        assert loaded.get(url).text == "ok"
        loaded.close()


def test_an_asynchronous_client_that_has_open_connections_comes_back_without_them(url: str) -> None:
    async def use() -> str:
        async with httpx.AsyncClient() as client:
            await client.get(url)
            loaded = round_trip([client])[0]
            text: str = (await loaded.get(url)).text
            await loaded.aclose()
            return text

    assert asyncio.run(use()) == "ok"


def test_a_client_of_a_subclass_comes_back() -> None:
    loaded = round_trip([OwnClient()])[0]

    assert type(loaded) is OwnClient and loaded.shop == "own"


class OwnClient(httpx.Client):
    shop = ""

    def __init__(self) -> None:
        super().__init__()
        self.shop = "own"


def test_no_secret_of_a_client_is_stored() -> None:
    client = httpx.Client(
        auth=("ann", "basic-s3cret-01"),
        headers={"Authorization": "Bearer bearer-s3cret-02", "X-Api-Key": "key-s3cret-03"},
        cookies={"basket": "cookie-s3cret-04"},
        mounts={"http://": httpx.HTTPTransport(proxy="http://ann:proxy-s3cret-05@proxy.test:3128")},
    )
    digest = httpx.Client(
        auth=httpx.DigestAuth("ann", "digest-s3cret-06"),
        base_url="http://ann:address-s3cret-07@shop.test/",
        params={"api_key": "parameter-s3cret-08"},
    )

    stored = everything_in(sealed(use_clients, client, digest).file)

    basic = httpx.BasicAuth("ann", "basic-s3cret-01")._auth_header.encode()
    proxy = httpx.BasicAuth("ann", "proxy-s3cret-05")._auth_header.encode()
    assert b"-s3cret-" not in stored and basic[6:] not in stored and proxy[6:] not in stored


def use_clients(client: Any, digest: Any) -> None:
    pass


def test_a_jar_comes_back_with_its_cookies_and_without_their_values() -> None:
    cookies = httpx.Cookies({"basket": "cookie-s3cret-04"})

    result = frozen([cookies])
    loaded = thaw(result.data)[0]

    (cookie,) = loaded.jar
    assert bool(loaded) and cookie.name == "basket" and type(cookie.value) is Placeholder
    assert note_of(cookie.value).kind == REDACTED and note_of(cookie.value).path.endswith(".value")
    assert b"cookie-s3cret-04" not in result.data
    assert cookies["basket"] == "cookie-s3cret-04"


def test_an_empty_jar_leaves_nothing_out() -> None:
    result = frozen([http.cookiejar.CookieJar()])

    assert {note.kind for note in result.notes} <= {FRESH}
    assert list(thaw(result.data)[0]) == []


def test_a_context_of_ssl_comes_back_with_its_settings_and_without_certificates() -> None:
    context = ssl.create_default_context()
    lax = ssl.create_default_context()
    lax.check_hostname = False
    lax.verify_mode = ssl.CERT_NONE
    lax.minimum_version = ssl.TLSVersion.TLSv1_3

    result = frozen([context, lax])
    loaded, lax_loaded = thaw(result.data)

    names = ("protocol", "check_hostname", "verify_mode", "options", "verify_flags", "minimum_version")
    for one, other in ((context, loaded), (lax, lax_loaded)):
        assert type(other) is ssl.SSLContext
        assert [getattr(other, name) for name in names] == [getattr(one, name) for name in names]
    assert notes_by_path(result)["result[0]"].kind == FRESH


def test_a_context_of_ssl_of_a_subclass_is_left_out() -> None:
    class Context(ssl.SSLContext):
        pass

    assert type(round_trip([Context(ssl.PROTOCOL_TLS_CLIENT)])[0]) is Placeholder


def test_self_of_a_secret_type_before_its_init_is_kept() -> None:
    def init(self: Any, url: str) -> None:
        pass

    request = object.__new__(urllib.request.Request)

    result = frozen_call(init, request, "http://shop.test/")

    assert result.notes == () and type(thaw(result.data)[1][0]) is urllib.request.Request


def test_a_stream_that_was_read_to_its_end_can_be_closed_after_loading(url: str) -> None:
    with httpx.Client() as client, client.stream("GET", url) as response:
        body: Any = response.stream
        assert b"".join(body) == b"ok"

        loaded = round_trip([body])[0]
        loaded.close()

        assert loaded._stream._httpcore_stream._closed and not response.is_closed


def test_an_open_response_is_open_after_loading_and_reads_what_is_in_memory() -> None:
    response = httpx.Response(200, stream=httpx.ByteStream(b"body"), extensions={"http_version": b"HTTP/2"})

    loaded = round_trip([response])[0]

    assert loaded.http_version == "HTTP/2" and not loaded.is_closed
    assert loaded.read() == b"body" and loaded.is_closed
    assert not response.is_closed


def test_an_open_response_names_the_connection_that_its_body_would_come_from(url: str) -> None:
    with httpx.Client() as client, client.stream("GET", url + "large") as response:
        loaded = round_trip([response])[0]

        with pytest.raises(PlaceholderError):
            loaded.read()
        assert response.read() == LARGE


def test_headers_that_were_read_are_stored_as_headers_that_were_not() -> None:
    headers, latin = httpx.Headers({"a": "b"}), httpx.Headers([(b"a", b"\xe9")])
    before = frozen([headers]).data
    assert headers.encoding == "ascii" and latin.encoding == "iso-8859-1"

    assert frozen([headers]).data == before
    assert round_trip([headers])[0] == headers and round_trip([latin])[0]._encoding == "iso-8859-1"
    explicit = httpx.Headers([("a", "\xe9")], encoding="utf-8")
    assert round_trip([explicit])[0]._encoding == "utf-8"
