"""What freezing a value makes: its bytes, and the facts about it for the header."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ...bundle import Note
    from .pickler import Freezer


class Frozen:
    """A value as bytes; most values have no other facts for the header. No Record, because every call makes one."""

    __slots__ = ("data",)
    data: bytes
    notes: tuple[Note, ...] = ()
    by_value: tuple[str, ...] = ()  # names of the functions and classes whose code is inside
    packages: frozenset[str] = frozenset()  # top-level packages of the classes and functions that occur


class FrozenWithFacts(Frozen):
    """A value as bytes, and the facts about it."""

    __slots__ = ("by_value", "notes", "packages")


def with_facts(freezer: Freezer, data: bytes) -> Frozen:
    """`data`, with what the freezer that wrote it has noted."""
    frozen = FrozenWithFacts()
    frozen.data = data
    frozen.notes = tuple(freezer.notes)
    frozen.by_value = tuple(freezer.by_value)
    frozen.packages = freezer.packages_seen()
    return frozen
