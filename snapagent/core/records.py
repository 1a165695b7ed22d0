"""Frozen records: what `dataclass(frozen=True, slots=True)` gives, without its import.

`dataclasses` pulls in `inspect`, `ast`, `dis` and `tokenize`, about 15 ms of every process that is started with
capture on, which is a third of what parsing the YAML costs. Modules on the start-up path use this instead.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any, Self, dataclass_transform
else:

    def dataclass_transform(**_):
        return lambda cls: cls


_FEW = 8  # instances of a class that are made without compiling a constructor for it


@dataclass_transform(frozen_default=True, eq_default=True)
class Record:
    """Base of small frozen types: annotated fields, in order, with defaults as class attributes.

    Equality and hash go by class and field values. `replace` returns a changed copy, `as_dict` a shallow dict.
    """

    _fields: tuple[str, ...] = ()
    _made = 0

    def __init_subclass__(cls) -> None:
        annotations = cls.__dict__.get("__annotations__", {})  # noqa: RUF063 - inspect is what we do without
        own = tuple(name for name in annotations if not name.startswith("_"))
        inherited = cls._fields
        cls._fields = inherited + tuple(name for name in own if name not in inherited)
        cls._made = 0
        cls.__init__ = Record.__init__  # type: ignore[method-assign]  # not the one compiled for a base

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        cls = type(self)
        cls._made += 1
        if cls._made > _FEW:
            cls.__init__ = _compiled_init(cls)  # type: ignore[method-assign]
            cls.__init__(self, *args, **kwargs)
            return
        fields = cls._fields
        given = dict(zip(fields, args, strict=False))
        wrong = [name for name in kwargs if name in given or name not in fields]
        given.update(kwargs)
        wrong += [name for name in fields if name not in given and not hasattr(cls, name)]
        if wrong or len(args) > len(fields):
            raise TypeError(f"{cls.__name__}({', '.join(fields)}): wrong or missing: {wrong or args[len(fields) :]}")
        values = self.__dict__
        for name in fields:
            values[name] = given[name] if name in given else getattr(cls, name)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"{type(self).__name__} is frozen: {name!r} cannot be set")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"{type(self).__name__} is frozen: {name!r} cannot be deleted")

    def _values(self) -> Iterator[object]:
        return (getattr(self, name) for name in self._fields)

    def as_dict(self) -> dict[str, Any]:
        values = self.__dict__
        if len(values) == len(self._fields):  # as the constructor leaves it, in the order of the fields
            return values.copy()
        return dict(zip(self._fields, self._values(), strict=True))

    def replace(self, **changes: Any) -> Self:
        return type(self)(**{**self.as_dict(), **changes})

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return tuple(self._values()) == tuple(other._values())

    def __hash__(self) -> int:
        return hash((type(self), *self._values()))

    def __repr__(self) -> str:
        inside = ", ".join(f"{name}={value!r}" for name, value in self.as_dict().items())
        return f"{type(self).__name__}({inside})"


def _compiled_init(cls: type[Record]) -> Callable[..., None]:
    """The constructor as one would write it by hand. Compiling takes 100 us: for records made by the thousand."""
    missing = object()
    defaults = {name: getattr(cls, name, missing) for name in cls._fields}
    parameters = [name if value is missing else f"{name}=_defaults[{name!r}]" for name, value in defaults.items()]
    lines = [f"def __init__({', '.join(['self', *parameters])}):", " fields = self.__dict__"]
    lines += [f" fields[{name!r}] = {name}" for name in cls._fields]
    scope: dict[str, Any] = {"_defaults": defaults}
    exec("\n".join(lines), scope)
    init: Callable[..., None] = scope["__init__"]
    init.__qualname__ = f"{cls.__qualname__}.__init__"
    return init
