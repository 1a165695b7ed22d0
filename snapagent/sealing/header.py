"""Builds the header of a bundle: what was called, how it ended, and previews of the values."""

from __future__ import annotations

import time
from functools import lru_cache

from .. import __version__
from ..bundle import FORMAT, FORMAT_WITH_EFFECTS, Header
from .portability import interpreter, package_versions

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from ..bundle import Note, Part
    from ..core.json_text import JsonMapping
    from .hashing.canonical import HashResult
    from .raw_call import RawCall


def build_header(
    raw: RawCall,
    shape: str,
    shown: tuple[Mapping[str, str], JsonMapping],
    hashed: HashResult,
    parts: tuple[Part, ...],
    notes: tuple[Note, ...],
    effects: Mapping[str, Any] | None,
) -> Header:
    """The header of a call. `shown` are the texts and the trees of the previews.

    `effects` is the summary of a tape, None without one.
    """
    here = interpreter()
    texts, tree = shown
    return Header(
        target=str(raw.target),
        kind=raw.kind,
        flavor=raw.flavor,
        timestamp=timestamp(raw.started),
        duration=round(raw.duration, 9),
        outcome="raised" if raw.raised else "returned",
        hash=hashed.hash,
        call_hash=hashed.call_hash,
        parts=parts,
        exception=raw.exception,
        ended=raw.ended,
        parameters=raw.parameters.items,
        shape=shape,
        previews=texts,
        tree=tree,
        notes=notes,
        opaque=hashed.opaque,
        packages=package_versions(raw.packages),
        by_value=raw.by_value,
        snapagent=__version__,
        origin=raw.origin,
        python=here.python,
        implementation=here.implementation,
        platform=here.platform,
        format=FORMAT if effects is None else FORMAT_WITH_EFFECTS,
        effects=effects or {},
    )


def timestamp(seconds: float) -> str:
    """UTC, ISO 8601 with microseconds."""
    whole, micro = divmod(round(seconds * 1e6), 1_000_000)
    return f"{_second(whole)}.{micro:06d}Z"


@lru_cache(maxsize=4)
def _second(whole: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(whole))
