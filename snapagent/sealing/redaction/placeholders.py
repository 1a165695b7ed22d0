"""The placeholders of redacted values that are neither text nor bytes."""

from __future__ import annotations

from ...placeholder import PLACEHOLDER, REDACTED
from ...serializer.inert.nodes import inert_type_name
from ...serializer.inert.stand_ins import Inert, stand_in
from ..hashing.arrays import packed_in

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def placeholder(path: str, type_name: str, why: str) -> Inert:
    """The placeholder for a secret that is not text or bytes, as an inert node."""
    node: Inert = stand_in(*PLACEHOLDER.split(":"))(path, REDACTED, type_name, why, "")
    return node


def is_placeholder(value: object) -> bool:
    """Whether it stands for a value that was redacted or could not be stored."""
    return isinstance(value, Inert) and type(value).name == PLACEHOLDER


def type_shown(value: Any) -> str:
    """The type that a value has in the program: the pickle of an array names a function, not its type."""
    if packed_in(value) is None:
        return inert_type_name(value)
    return "numpy.generic" if type(value).qualname == "scalar" else "numpy.ndarray"
