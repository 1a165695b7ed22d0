"""An HTTP server on loopback with what clients are tried with: cookies, redirects, compressed and chunked bodies."""

from __future__ import annotations

import gzip
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Pairs = list[tuple[str, str]]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        path = self.path.partition("?")[0]
        if path == "/login":
            cookies = [("Set-Cookie", "sid=abc; Path=/"), ("Set-Cookie", "theme=dark; Path=/")]
            self._send(200, b'{"ok":true}', cookies)
        elif path == "/moved":
            self._send(302, b"", [("Location", "/me"), ("Set-Cookie", "visit=1")])
        elif path == "/me":
            self._send_json({"cookie": self.headers.get("Cookie", "")})
        elif path == "/gzip":
            self._send(200, gzip.compress(b'{"a": [1, 2, 3]}'), [("Content-Encoding", "gzip")])
        elif path == "/gone":
            self._send(404, b"no", [])
        elif path == "/lines":
            self._send(200, b"a\nb\nc\n", [], "text/plain")
        elif path == "/chunked":
            self._send_chunks(b"one", b"two")
        else:
            self._send_json({"method": self.command, "path": self.path, "bytes": len(body)})

    def _send_json(self, value: Any) -> None:
        self._send(200, json.dumps(value).encode(), [])

    def _send(self, status: int, body: bytes, headers: Pairs, kind: str = "application/json") -> None:
        self.send_response(status)
        for name, value in [("Content-Type", kind), ("Content-Length", str(len(body))), *headers]:
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _send_chunks(self, *chunks: bytes) -> None:
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for chunk in (*chunks, b""):
            self.wfile.write(b"%x\r\n%s\r\n" % (len(chunk), chunk))

    do_GET = do_POST = do_HEAD = _answer

    def log_message(self, *args: Any) -> None:
        """Quiet."""


@contextmanager
def shop_running() -> Iterator[str]:
    """The URL of the server."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
