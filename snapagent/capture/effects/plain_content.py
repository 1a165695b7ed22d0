"""Tells whether plain values are as they were before a call, several times as fast as freezing them again."""

from __future__ import annotations

from marshal import dumps

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ...serializer.freezing.frozen import Frozen

ATOMS = frozenset({int, float, complex, str, bytes, bool, type(None)})
_LARGEST = 4_000  # bytes, frozen: `marshal` has no limit of its own
_WITHOUT_REFERENCES = 2  # of the versions of `marshal`: equal values have equal bytes


def content_of(values: Any, frozen: Frozen | None) -> bytes | None:
    """Bytes that are others once a value below has changed; None where that cannot be told, as for objects of classes.

    `frozen` are the same values, frozen: where they are large or not complete, nothing is made of them.
    """
    if frozen is None or frozen.notes or len(frozen.data) > _LARGEST:
        return None
    try:
        return dumps(values, _WITHOUT_REFERENCES)
    except ValueError:
        return None
