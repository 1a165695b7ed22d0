"""JSON of one line in ASCII, and mappings that are kept as such text."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from json import encoder

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def _plain(value: object) -> object:
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"JSON cannot hold {type(value).__name__}")


quoted = encoder.encode_basestring_ascii  # the JSON of a text; raises TypeError for anything else
# `JSONEncoder.encode` makes such an encoder at each call, which takes longer than to encode a small value.
_encode = encoder.c_make_encoder(None, _plain, quoted, None, ":", ",", False, False, True)  # type: ignore[attr-defined]


def to_text(value: object) -> str:
    """The JSON of a value; any mapping is an object."""
    return "".join(_encode(value, 0))


class JsonMapping(Mapping[str, "Any"]):
    """A mapping as the JSON text that is written; it is read when somebody asks for an item."""

    __slots__ = ("_items", "text")

    _items: dict[str, Any]

    def __init__(self, text: str) -> None:
        self.text = text

    @classmethod
    def of(cls, mapping: Mapping[str, Any]) -> JsonMapping:
        return cls(to_text(mapping))

    def _read(self) -> dict[str, Any]:
        try:
            return self._items
        except AttributeError:
            self._items = json.loads(self.text)
            return self._items

    def __getitem__(self, key: str) -> Any:
        return self._read()[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._read())

    def __len__(self) -> int:
        return len(self._read())

    def __repr__(self) -> str:
        return repr(self._read())
