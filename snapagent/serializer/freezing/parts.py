"""The parts of a call that are frozen in one stream each, as lists of places: a path and the value there."""

from __future__ import annotations

from ...core.paths import parameter_key
from ...core.signature import KEYWORD_ONLY, POSITIONAL_OR_KEYWORD, VAR_KEYWORD, VAR_POSITIONAL, Parameters

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from .children import Locator

    Keys = tuple[object, ...]
    Place = tuple[Keys, object]  # a path, as keys, and the value there


class CallSource:
    """The bound instance, the arguments and the keyword arguments of one call, under their parameter names.

    `locator` is the search for paths in it, which the passes over it share.
    """

    __slots__ = ("args", "instance", "kwargs", "locator", "names")

    def __init__(self, instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any], names: Parameters) -> None:
        self.instance = instance
        self.args = args
        self.kwargs = kwargs
        self.names = names
        self.locator: Locator | None = None

    def places(self) -> list[Place]:
        positional = self.args if self.instance is None else (self.instance, *self.args)
        return [(keys, value) for keys, _, value in arguments_of(self.names, positional, self.kwargs)]

    def assemble(self, values: list[object]) -> object:
        """The value to pickle, with `values` in the order of `places`."""
        rest = iter(values)
        instance = None if self.instance is None else next(rest)
        args = tuple(next(rest) for _ in self.args)
        return instance, args, dict(zip(self.kwargs, rest, strict=True))


class OutcomeSource:
    """A returned value or a raised exception; `key` is the first step of its paths. `locator` is as in the other."""

    __slots__ = ("key", "locator", "value")

    def __init__(self, value: object, key: str) -> None:
        self.value = value
        self.key = key
        self.locator: Locator | None = None

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


def arguments_of(
    names: Parameters, positional: Sequence[Any], keywords: Mapping[str, Any]
) -> list[tuple[Keys, str, Any]]:
    """(path keys, name, value) of each argument, in the order of the call.

    Extra positional arguments go by the name of `*args` and their index, extra keywords below the key of `**kwargs`.
    A call that does not fit its parameters has paths as well: below `args` and `kwargs`.
    """
    own = [name for name, kind in names.items if kind.startswith("positional")]
    by_keyword = {name for name, kind in names.items if kind in (POSITIONAL_OR_KEYWORD, KEYWORD_ONLY)}
    star_args = next((name for name, kind in names.items if kind == VAR_POSITIONAL), "args")
    star_kwargs = next((name for name, kind in names.items if kind == VAR_KEYWORD), "kwargs")
    found: list[tuple[Keys, str, Any]] = []
    for index, value in enumerate(positional):
        if index < len(own):
            found.append(((parameter_key(own[index]),), own[index], value))
        else:
            found.append(((parameter_key(star_args), index - len(own)), star_args, value))
    for name, value in keywords.items():
        # a positional-only parameter may share its name with a keyword that `**kwargs` takes
        keys = (parameter_key(name),) if name in by_keyword else (parameter_key(star_kwargs), name)
        found.append((keys, name, value))
    return found
