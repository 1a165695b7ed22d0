"""Where picklers write to: memory, up to a limit."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class TooBig(Exception):
    """The stream has reached the size that it may have."""


class TooSlow(Exception):
    """Objects that are asked for their pickle forms take longer than the caller can wait."""


class Sink:
    """Takes what a pickler writes, until `room` bytes are used up. Large buffers arrive here uncopied."""

    __slots__ = ("chunks", "room")

    def __init__(self, room: int = 0) -> None:
        self.chunks: list[bytes] = []
        self.room = room

    def write(self, data: Any) -> None:
        if type(data) is bytes:
            room = self.room = self.room - len(data)
            if room < 0:
                raise TooBig
            self.chunks.append(data)
        else:
            self.write_buffer(memoryview(data))

    def write_buffer(self, data: memoryview) -> None:
        self.room -= data.nbytes
        if self.room < 0:
            raise TooBig
        self.chunks.append(bytes(data))

    def content(self) -> bytes:
        return self.chunks[0] if len(self.chunks) == 1 else b"".join(self.chunks)
