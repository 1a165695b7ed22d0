"""Values for calls beyond the tape that only have to be new: ids and tokens, the same at every replay."""

from __future__ import annotations

import base64
import hashlib
import uuid
from typing import Any

from ...bundle import Header
from .dependencies import Dependency

_TOKEN_BYTES = 32  # what `secrets` takes by default


def new_value(
    dependency: Dependency, header: Header, number: int, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    """The value of the `number`th call of a uuid or token function that the tape does not answer."""
    seed = hashlib.sha256(f"{header.hash} {number}".encode()).digest()
    name = dependency.name.rpartition(":")[2]
    if name.startswith("uuid"):
        version = int(name[4:5]) if name[4:5].isdigit() else 4
        return _uuid(seed, version)
    size = _size(args, kwargs)
    data = b"".join(hashlib.sha256(seed + bytes([at])).digest() for at in range(size // 32 + 1))[:size]
    if name == "token_hex":
        return data.hex()
    if name == "token_urlsafe":
        return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")
    return data


def _size(args: tuple[Any, ...], kwargs: dict[str, Any]) -> int:
    given = args[0] if args else kwargs.get("nbytes")
    return given if isinstance(given, int) else _TOKEN_BYTES


def _uuid(seed: bytes, version: int) -> uuid.UUID:
    """Of any version: `uuid.UUID` itself only knows those after 5 from Python 3.14 on."""
    number = int.from_bytes(seed[:16], "big")
    number = number & ~(0xF000 << 64) | version << 76
    return uuid.UUID(int=number & ~(0xC000 << 48) | 0x8000 << 48)
