"""The file that picklers write to: chunks in memory, up to a byte limit."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class TooBig(Exception):
    """The stream has reached the size that it may have."""


class TooSlow(Exception):
    """The pickle hooks of objects take longer than the caller can wait."""


class Sink:
    """Collects what a pickler writes; raises TooBig once more than `remaining` bytes have come."""

    __slots__ = ("chunks", "remaining")

    def __init__(self, remaining: int = 0) -> None:
        self.chunks: list[bytes] = []
        self.remaining = remaining

    def write(self, data: Any) -> None:
        if type(data) is bytes:
            remaining = self.remaining = self.remaining - len(data)
            if remaining < 0:
                raise TooBig
            self.chunks.append(data)
        else:
            self.write_buffer(memoryview(data))

    def write_buffer(self, data: memoryview) -> None:
        self.remaining -= data.nbytes
        if self.remaining < 0:
            raise TooBig
        self.chunks.append(bytes(data))

    def content(self) -> bytes:
        return self.chunks[0] if len(self.chunks) == 1 else b"".join(self.chunks)
