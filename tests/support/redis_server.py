"""A server that speaks as much of the Redis protocol as the tests need: SET, GET, INCR and the rest with OK."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


class _Handler(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        values: dict[bytes, bytes] = self.server.values  # type: ignore[attr-defined]
        while line := self.rfile.readline():
            words = []
            for _ in range(int(line[1:])):
                size = int(self.rfile.readline()[1:])
                words.append(self.rfile.read(size + 2)[:-2])
            self.wfile.write(_answer(values, [words[0].upper(), *words[1:]]))


def _answer(values: dict[bytes, bytes], words: list[bytes]) -> bytes:
    if words[0] == b"GET":
        found = values.get(words[1])
        return b"$-1\r\n" if found is None else b"$%d\r\n%s\r\n" % (len(found), found)
    if words[0] in (b"INCR", b"INCRBY"):
        number = int(values.get(words[1], b"0")) + 1
        values[words[1]] = b"%d" % number
        return b":%d\r\n" % number
    if words[0] == b"HELLO":
        return b"-ERR unknown command\r\n"
    if words[0] == b"SET":
        values[words[1]] = words[2]
    return b"+OK\r\n"


@contextmanager
def serving_redis() -> Iterator[int]:
    """The port of a running server."""
    server: Any = socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    server.values = {}
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
