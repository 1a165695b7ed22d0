"""A proxy before an object store that counts requests, and fails those that a test wants to fail, as networks do."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Request:
    """`kind`: PUT, GET, LIST or DELETE; `path` with its query, as the client has sent it."""

    kind: str
    path: str


@dataclass
class Fault:
    """What happens to every n-th request of a kind (of all kinds without one), so many times or for so long.

    `how`: a status such as `503`, or `reset` (nothing is forwarded), `hang`, `lost` (forwarded, and the answer thrown
    away), `cut` (half of the answer's body).
    """

    how: str
    kind: str | None = None
    every: int = 1
    times: float = float("inf")
    until: float = float("inf")
    code: str = "SlowDown"
    seen: int = 0

    def hits(self, request: Request) -> bool:
        if self.kind not in (None, request.kind) or self.times <= 0 or time.monotonic() > self.until:
            return False
        self.seen += 1
        if self.seen % self.every:
            return False
        self.times -= 1
        return True


@dataclass
class FaultProxy:
    """On loopback, in a thread. `faults` may be changed at any time."""

    upstream: int
    faults: list[Fault] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)
    sent: int = 0  # bytes of answers
    port: int = 0
    on_request: Callable[[Request], None] = lambda request: None

    def start(self) -> FaultProxy:
        self._loop = asyncio.new_event_loop()
        ready = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(ready,), daemon=True)
        self._thread.start()
        ready.wait()
        return self

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def fail(self, how: str, kind: str | None = None, **more: object) -> Fault:
        fault = Fault(how, kind, **more)  # type: ignore[arg-type]
        self.faults.append(fault)
        return fault

    def heal(self) -> None:
        self.faults.clear()

    def forget(self) -> None:
        self.requests.clear()
        self.sent = 0

    def count(self, kind: str) -> int:
        return sum(request.kind == kind for request in self.requests)

    def _run(self, ready: threading.Event) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(asyncio.start_server(self._client, "127.0.0.1", 0))
        self.port = server.sockets[0].getsockname()[1]
        ready.set()
        self._loop.run_forever()
        server.close()
        clients = asyncio.all_tasks(self._loop)
        for client in clients:
            client.cancel()
        self._loop.run_until_complete(asyncio.gather(*clients, return_exceptions=True))
        self._loop.run_until_complete(asyncio.sleep(0))
        self._loop.close()

    async def _client(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        behind: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        try:
            while head := await _head(reader):
                body = await reader.readexactly(_length(head))
                request = _request(head)
                self.requests.append(request)
                self.on_request(request)
                fault = next((one for one in self.faults if one.hits(request)), None)
                if fault is not None and fault.how in ("reset", "hang"):
                    if fault.how == "hang":
                        await asyncio.sleep(60)
                    writer.transport.abort()
                    return
                if fault is not None and fault.how.isdigit():
                    writer.write(_refusal(fault))
                    await writer.drain()
                    continue
                behind = behind or await asyncio.open_connection("127.0.0.1", self.upstream)
                behind[1].write(head + body)
                await behind[1].drain()
                answer, content = await _answer(behind[0])
                if fault is not None and fault.how == "lost":
                    writer.transport.abort()
                    return
                if fault is not None and fault.how == "cut":
                    writer.write(answer + content[: len(content) // 2])
                    await writer.drain()
                    writer.close()
                    return
                self.sent += len(answer) + len(content)
                writer.write(answer + content)
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            writer.close()
            if behind is not None:
                behind[1].close()


async def _head(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return b""


def _headers(head: bytes) -> dict[bytes, bytes]:
    lines = head.split(b"\r\n")[1:]
    return {line.partition(b":")[0].lower(): line.partition(b":")[2].strip() for line in lines if line}


def _length(head: bytes) -> int:
    return int(_headers(head).get(b"content-length", b"0"))


def _request(head: bytes) -> Request:
    method, path = (word.decode() for word in head.split(b" ", 2)[:2])
    if method == "GET" and "list-type=2" in path:
        return Request("LIST", path)
    if method == "DELETE" or (method == "POST" and "delete" in path):
        return Request("DELETE", path)
    return Request(method, path)


def _refusal(fault: Fault) -> bytes:
    body = f"<Error><Code>{fault.code}</Code></Error>".encode()
    return b"HTTP/1.1 %s Fault\r\nContent-Length: %d\r\n\r\n%s" % (fault.how.encode(), len(body), body)


async def _answer(reader: asyncio.StreamReader) -> tuple[bytes, bytes]:
    head = await reader.readuntil(b"\r\n\r\n")
    if _headers(head).get(b"transfer-encoding") == b"chunked":
        content = b""
        while True:
            line = await reader.readline()
            chunk = await reader.readexactly(int(line, 16) + 2)
            content += line + chunk
            if int(line, 16) == 0:
                return head, content
    return head, await reader.readexactly(_length(head))
