"""Numbers that are the `id` of an object in the same value: stored as such, so that they fit the loaded object.

A pass of the pickler writes them as plain numbers, which cost nothing. Only when its stream has numbers as large as
addresses, and the pickler met objects at those addresses, another pass writes these numbers anew.
"""

from __future__ import annotations

import pickle
import re
from itertools import islice

from ..rebuild import identity_of
from .prune import Pruner

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from ...core.paths import PathPattern
    from .freeze import FreezeRules
    from .prune import LeftOut

_MOST = 10_000  # numbers in one stream that may be addresses
_ALIGNED = 16  # bytes: where objects begin

# The addresses of all objects take as many bytes. A stream has LONG1 and the number of these bytes before them.
_ADDRESS = id(object())
ADDRESS = pickle.LONG1 + bytes([_ADDRESS.bit_length() // 8 + 1])
LONG_NUMBER = ADDRESS[0]  # looked for first: the search for one byte takes a tenth of that for two


def _pattern() -> re.Pattern[bytes]:
    """Numbers as large as addresses. The time in milliseconds takes as many bytes, but is much smaller."""
    least = (_ADDRESS >> 4).to_bytes(ADDRESS[1], "little").rstrip(b"\0")
    above = b"[" + re.escape(least[-1:]) + rb"-\xff]"
    rest = ADDRESS[1] - len(least)
    return re.compile(re.escape(ADDRESS) + b"(.{%d}%b.{%d})" % (len(least) - 1, above, rest), re.DOTALL)


_NUMBERS = _pattern()
# The pickler does not remember these, and their addresses differ from process to process too.
_NOT_MET = {id(value): value for value in (None, True, False, Ellipsis, NotImplemented, ())}


class _Identity:
    """Is written as `identity_of(value)`."""

    __slots__ = ("value",)

    def __init__(self, value: object) -> None:
        self.value = value


class Identifier(Pruner):
    """A pruner that writes the numbers in `objects` as the identities of these objects."""

    def __init__(
        self,
        rules: FreezeRules,
        patterns: tuple[PathPattern, ...],
        left_out: Mapping[int, LeftOut],
        objects: Mapping[int, object],
    ) -> None:
        super().__init__(rules, patterns, left_out)
        self._identities = {number: _Identity(value) for number, value in objects.items()}

    # The only hook of the C pickler for plain numbers. It writes what the hook returns, and an opcode after it, at
    # which all readers of these streams leave the value as it is.
    def persistent_id(self, value: Any) -> Any:
        return self._identities.get(value) if type(value) is int else None

    def reducer_override(self, value: Any) -> Any:
        if type(value) is _Identity:
            return identity_of, (value.value,)
        return super().reducer_override(value)


def identified(data: bytes, memo: Any) -> dict[int, object]:
    """The objects, by `id`, whose ids occur as numbers in a stream; `memo` is that of the pickler that wrote it."""
    if ADDRESS not in data:
        return {}
    found = islice(_NUMBERS.finditer(data), _MOST)
    numbers = {int.from_bytes(match[1], "little", signed=True) for match in found}
    numbers = {number for number in numbers if number % _ALIGNED == 0}
    if not numbers:
        return {}
    met = {number: value for number, (_, value) in memo.copy().items() if number in numbers}
    return met | {number: value for number, value in _NOT_MET.items() if number in numbers}
