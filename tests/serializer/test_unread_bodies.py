"""Storing a response whose body is still on the way reads nothing of it: the program gets every byte."""

from __future__ import annotations

import asyncio
import gc
import http.client
import threading
import urllib.request
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

import pytest
from freezes import frozen

from snapagent.serializer.thawing.load import thaw

pytestmark = pytest.mark.filterwarnings("error::pytest.PytestUnraisableExceptionWarning")  # of finalizers

FIRST, REST = b"first,", b"rest"
RELEASE = threading.Event()  # the server holds the rest of a body back until this is set


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(FIRST + REST)))
        self.end_headers()
        self.wfile.write(FIRST)
        self.wfile.flush()
        RELEASE.wait(10)
        self.wfile.write(REST)

    def log_message(self, *arguments: Any) -> None:
        pass


@pytest.fixture
def url() -> Iterator[str]:
    RELEASE.clear()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/"
    RELEASE.set()
    server.shutdown()
    thread.join()
    server.server_close()


def of_http_client(url: str) -> tuple[Any, Callable[[], bytes]]:
    connection = http.client.HTTPConnection(urlsplit(url).netloc)
    connection.request("GET", "/")
    response = connection.getresponse()
    return response, response.read


def of_urllib(url: str) -> tuple[Any, Callable[[], bytes]]:
    response = urllib.request.urlopen(url)
    return response, response.read


def of_urllib3(url: str) -> tuple[Any, Callable[[], bytes]]:
    import urllib3

    response = urllib3.PoolManager().request("GET", url, preload_content=False)
    return response, response.read


def of_requests(url: str) -> tuple[Any, Callable[[], bytes]]:
    import requests

    response = requests.get(url, stream=True, timeout=10)
    return response, lambda: response.content


def of_httpx(url: str) -> tuple[Any, Callable[[], bytes]]:
    import httpx

    response = httpx.Client().send(httpx.Request("GET", url), stream=True)
    return response, response.read


def of_boto(url: str) -> tuple[Any, Callable[[], bytes]]:
    """What `get_object` returns, in place of a whole S3."""
    from botocore.response import StreamingBody

    raw, _ = of_urllib3(url)
    body = StreamingBody(raw, len(FIRST + REST))
    return {"Body": body, "ContentLength": len(FIRST + REST)}, body.read


@pytest.mark.parametrize("made_by", [of_http_client, of_urllib, of_urllib3, of_requests, of_httpx, of_boto])
def test_an_unread_body_is_left_to_the_program(url: str, made_by: Callable[[str], Any]) -> None:
    response, read = made_by(url)

    stored = frozen([response, "beside it"])  # would wait for the server, which holds the rest back
    loaded = thaw(stored.data)
    assert loaded[1] == "beside it"
    del loaded
    gc.collect()
    RELEASE.set()

    assert read() == FIRST + REST


def test_an_unread_body_of_aiohttp_is_left_to_the_program(url: str) -> None:
    async def use() -> bytes:
        import aiohttp

        async with aiohttp.ClientSession() as session, session.get(url) as response:
            stored = frozen([response, response.content, "beside it"])
            loaded = thaw(stored.data)
            assert loaded[2] == "beside it"
            del loaded
            gc.collect()
            RELEASE.set()
            return await response.read()

    assert asyncio.run(use()) == FIRST + REST
