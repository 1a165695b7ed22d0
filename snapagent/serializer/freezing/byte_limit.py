"""The file that picklers write to: chunks in memory, up to a byte limit."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from typing import Any


class TooBig(Exception):
    """The stream has reached the size that it may have."""


class TooSlow(Exception):
    """The pickle hooks of objects take longer than the caller can wait."""


class Sink:
    """Collects what a pickler writes; raises TooBig once more than `limit` bytes have come.

    The first chunk, at most a frame of 64 KB, is counted last: values that have no other come without the arithmetic.
    """

    __slots__ = ("_left", "chunks", "limit")

    def __init__(self, limit: int) -> None:
        self.limit = self._left = limit
        self.chunks: list[bytes] = []

    # A generator, because the C pickler resumes one in half the time of a call (0.1 us of each captured call). The sink
    # does not refer to it, so that no cycle is left for the garbage collector.
    @property
    def write(self) -> Callable[[Any], None]:
        """What a pickler calls with bytes or a buffer; it asks for it once."""
        writing = self._writing()
        next(writing)
        return writing.send

    def _writing(self) -> Generator[None, Any, None]:
        chunks = self.chunks
        while True:
            data = yield
            if chunks:
                data = self._counted(data)
            chunks.append(data)

    def _counted(self, data: Any) -> bytes:
        self._left -= memoryview(data).nbytes
        if self._left < 0:
            raise TooBig
        return bytes(data)

    def take(self) -> bytes:
        """What has come since the last time. Raises TooBig."""
        return self.joined(self.chunks.pop())

    def joined(self, last: bytes) -> bytes:
        """The same when the last chunk was taken already."""
        chunks = self.chunks
        first = chunks[0] if chunks else last
        if len(first) > self._left:
            raise TooBig
        data = b"".join([*chunks, last])
        chunks.clear()
        self._left = self.limit
        return data
