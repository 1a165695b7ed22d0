"""Frozen records: what `dataclass(frozen=True, slots=True)` gives, without its import.

`dataclasses` pulls in `inspect`, `ast`, `dis` and `tokenize`, about 15 ms of every process that is started with
capture on, which is a third of what parsing the YAML costs. Modules on the start-up path use this instead.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any, Self, dataclass_transform
else:

    def dataclass_transform(**_):
        return lambda cls: cls


@dataclass_transform(frozen_default=True, eq_default=True)
class Record:
    """Base of small frozen types: annotated fields, in order, with defaults as class attributes.

    Equality and hash go by class and field values. `replace` returns a changed copy, `as_dict` a shallow dict.
    """

    _fields: tuple[str, ...] = ()

    def __init_subclass__(cls) -> None:
        own = tuple(name for name in cls.__dict__.get("__annotations__", {}) if not name.startswith("_"))
        inherited = cls.__mro__[1]._fields
        cls._fields = inherited + tuple(name for name in own if name not in inherited)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        fields = self._fields
        if len(args) > len(fields):
            raise TypeError(f"{type(self).__name__} takes {len(fields)} fields, {len(args)} were given")
        values = dict(zip(fields, args, strict=False))
        for name, value in kwargs.items():
            if name not in fields or name in values:
                raise TypeError(f"{type(self).__name__} got an unknown or repeated field {name!r}")
            values[name] = value
        for name in fields:
            if name not in values and not hasattr(type(self), name):
                raise TypeError(f"{type(self).__name__} misses the field {name!r}")
        self.__dict__.update(values)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"{type(self).__name__} is frozen: {name!r} cannot be set")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"{type(self).__name__} is frozen: {name!r} cannot be deleted")

    def _values(self) -> Iterator[object]:
        return (getattr(self, name) for name in self._fields)

    def as_dict(self) -> dict[str, Any]:
        return dict(zip(self._fields, self._values(), strict=True))

    def replace(self, **changes: Any) -> Self:
        return type(self)(**{**self.as_dict(), **changes})

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return tuple(self._values()) == tuple(other._values())  # type: ignore[attr-defined]

    def __hash__(self) -> int:
        return hash((type(self), *self._values()))

    def __repr__(self) -> str:
        inside = ", ".join(f"{name}={value!r}" for name, value in self.as_dict().items())
        return f"{type(self).__name__}({inside})"
