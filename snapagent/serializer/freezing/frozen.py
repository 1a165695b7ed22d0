"""What freezing a value makes: its bytes, and the facts about it for the header.

Most values have no such facts, and are their bytes alone while a call is captured: an object around them would be made
for each, and looked at by each garbage collection.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ...bundle import Note
    from .pickler import Freezer


class Frozen:
    """A value as bytes; most values have no other facts for the header. Its length is that of the bytes."""

    __slots__ = ("data",)
    data: bytes
    notes: tuple[Note, ...] = ()
    by_value: tuple[str, ...] = ()  # names of the functions and classes whose code is inside
    packages: frozenset[str] = frozenset()  # top-level packages of the classes and functions that occur

    def __len__(self) -> int:
        return len(self.data)


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


def as_frozen(value: bytes | Frozen) -> Frozen:
    """The same for a value that may be its bytes alone."""
    if isinstance(value, Frozen):
        return value
    frozen = Frozen()
    frozen.data = value
    return frozen


def data_of(value: bytes | Frozen) -> bytes:
    return value.data if isinstance(value, Frozen) else value


def notes_of(value: bytes | Frozen) -> tuple[Note, ...]:
    return value.notes if isinstance(value, Frozen) else ()
