"""What is frozen at once, a call or an outcome, as a list of places: paths and the values there."""

from __future__ import annotations

from ...core.paths import parameter_key
from ...core.signature import VAR_KEYWORD, VAR_POSITIONAL, Parameters

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Keys = tuple[object, ...]
    Place = tuple[Keys, object]  # a path, as keys, and the value there


class CallSource:
    """The bound instance, the arguments and the keyword arguments of one call, under their parameter names."""

    __slots__ = ("args", "instance", "kwargs", "names")

    def __init__(self, instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any], names: Parameters) -> None:
        self.instance = instance
        self.args = args
        self.kwargs = kwargs
        self.names = names

    def places(self) -> list[Place]:
        positional = self.args if self.instance is None else (self.instance, *self.args)
        return [
            *((_positional_keys(self.names, index), value) for index, value in enumerate(positional)),
            *((_keyword_keys(self.names, name), value) for name, value in self.kwargs.items()),
        ]

    def assemble(self, values: list[object]) -> object:
        """What is pickled, with `values` in the order of `places`."""
        rest = iter(values)
        instance = None if self.instance is None else next(rest)
        args = tuple(next(rest) for _ in self.args)
        return instance, args, dict(zip(self.kwargs, rest, strict=True))


class OutcomeSource:
    """A returned value or a raised exception; `key` is the first step of its paths."""

    __slots__ = ("key", "value")

    def __init__(self, value: object, key: str) -> None:
        self.value = value
        self.key = key

    def places(self) -> list[Place]:
        return [((self.key,), self.value)]

    def assemble(self, values: list[object]) -> object:
        return values[0]


def source_of(value: Any, origin: Parameters | str) -> CallSource | OutcomeSource:
    """`value` as it is pickled; `origin` is the parameters of the call, or the first step of the outcome's paths."""
    if isinstance(origin, str):
        return OutcomeSource(value, origin)
    instance, args, kwargs = value
    return CallSource(instance, args, kwargs, origin)


def _positional_keys(names: Parameters, index: int) -> Keys:
    positional = [name for name, kind in names.items if kind.startswith("positional")]
    if index < len(positional):
        return (parameter_key(positional[index]),)
    star = next((name for name, kind in names.items if kind == VAR_POSITIONAL), "args")
    return (parameter_key(star), index - len(positional))


def _keyword_keys(names: Parameters, name: str) -> Keys:
    if any(known == name and kind in ("positional_or_keyword", "keyword_only") for known, kind in names.items):
        return (parameter_key(name),)
    star = next((known for known, kind in names.items if kind == VAR_KEYWORD), "kwargs")
    return (parameter_key(star), name)
