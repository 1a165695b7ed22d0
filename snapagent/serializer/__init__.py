"""Objects to bytes and back. dill's only home; a `Serializer` is the thin interface to it all.

`pickle` takes the C pickler first, dill for code that no module can name, a placeholder per leaf last; it is what
bundles are written with. `dill` is dill alone.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Protocol

    class Serializer(Protocol):
        """Turns one object into bytes and back; `name` is written into the bundles that it makes."""

        @property
        def name(self) -> str: ...

        def dumps(self, value: object) -> bytes: ...

        def loads(self, data: bytes) -> object: ...


DEFAULT = "pickle"


class PickleSerializer:
    """The C pickler, dill and placeholders, as bundles are written. `dumps` never raises an object's own error."""

    name = "pickle"

    def dumps(self, value: object) -> bytes:
        from .freezing.freeze import FreezeRules, freeze_outcome

        return freeze_outcome(value, False, FreezeRules(max_bytes=1 << 62)).data

    def loads(self, data: bytes) -> object:
        from .thawing.load import thaw

        return thaw(data)


class DillSerializer:
    """dill alone: slower, by value where it can, and raising what dill raises."""

    name = "dill"

    def dumps(self, value: object) -> bytes:
        from .by_value import import_dill

        data: bytes = import_dill().dumps(value, protocol=5, byref=False, recurse=False)
        return data

    def loads(self, data: bytes) -> object:
        from .thawing.load import thaw_dill

        return thaw_dill(data)


_MAKERS: dict[str, Callable[[], Serializer]] = {"pickle": PickleSerializer, "dill": DillSerializer}


def register_serializer(name: str, make: Callable[[], Serializer]) -> None:
    """Add a serializer, or replace one of that name."""
    _MAKERS[name] = make


def get_serializer(name: str = DEFAULT) -> Serializer:
    """The serializer of that name. Raises KeyError with the known names."""
    make = _MAKERS.get(name)
    if make is None:
        raise KeyError(f"no serializer {name!r}; there are {', '.join(sorted(_MAKERS))}")
    return make()
