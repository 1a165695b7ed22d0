"""Compression of a bundle's parts, and the only module that imports zstandard.

Each part says how it is compressed, so a store may mix them. Inflating stops at the size that the header declares;
sizes above a fixed limit are refused.
"""

from __future__ import annotations

import zlib
from importlib.util import find_spec

from ..errors import CorruptBundleError, NotReplayableError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..bundle import Part

NONE, ZLIB, ZSTD = "none", "zlib", "zstd"
MAX_INFLATED = 1024 * 1024 * 1024  # bytes of one part
_WINDOW = 64 * 1024 * 1024  # bytes: the memory that a zstd frame may request


def usable(compression: str) -> str:
    """The compression to write with: zlib in place of zstd where zstandard is not installed."""
    return ZLIB if compression == ZSTD and find_spec("zstandard") is None else compression


def deflate(compression: str, data: bytes) -> bytes:
    """`data`, compressed. Raises ValueError for an unknown compression."""
    if compression == NONE:
        return data
    if compression == ZLIB:
        return zlib.compress(data, 1)  # level 6 costs four times as much for a few per cent
    if compression == ZSTD:
        import zstandard

        return zstandard.ZstdCompressor(level=1).compress(data)
    raise ValueError(f"unknown compression {compression!r}")


def inflate(part: Part, data: bytes, path: str) -> bytes:
    """The bytes that were pickled. `path` is for messages.

    Raises:
        CorruptBundleError: they are not what the header declares.
        NotReplayableError: the part is zstd, and zstandard is not installed.
    """
    if part.raw_size > MAX_INFLATED:
        raise CorruptBundleError(path, f"its part {part.name!r} claims {part.raw_size} bytes")
    if part.compression == NONE:
        raw: bytes | None = data
    elif part.compression == ZLIB:
        raw = _inflate_zlib(data, part.raw_size)
    elif part.compression == ZSTD:
        raw = _inflate_zstd(data, part.raw_size, path)
    else:
        raise CorruptBundleError(path, f"its part {part.name!r} has an unknown compression")
    if raw is None or len(raw) != part.raw_size:
        raise CorruptBundleError(path, f"its part {part.name!r} does not have the {part.raw_size} bytes it claims")
    return raw


def _inflate_zlib(data: bytes, size: int) -> bytes | None:
    inflater = zlib.decompressobj()
    try:
        raw = inflater.decompress(data, size + 1)
    except zlib.error:
        return None
    return raw if inflater.eof else None


def _inflate_zstd(data: bytes, size: int, path: str) -> bytes | None:
    try:
        import zstandard
    except ImportError:
        raise NotReplayableError(path, "it is compressed with zstd", "pip install 'snapagent[zstd]'") from None
    inflater = zstandard.ZstdDecompressor(max_window_size=_WINDOW)
    try:
        with inflater.stream_reader(data) as reader:
            return reader.read(size + 1)
    except zstandard.ZstdError:
        return None
