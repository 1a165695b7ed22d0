"""Parameters of a target, and the binding of a call to their names, without calling code of the program.

`inspect.Signature.bind` works on live values; here the values may as well be the inert stand-ins of a pickle, so the
same code serves the recorder, the store and the loader.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from .records import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import CodeType, FunctionType
    from typing import Any

POSITIONAL_ONLY = "positional_only"
POSITIONAL_OR_KEYWORD = "positional_or_keyword"
VAR_POSITIONAL = "var_positional"
KEYWORD_ONLY = "keyword_only"
VAR_KEYWORD = "var_keyword"
POSITIONAL = (POSITIONAL_ONLY, POSITIONAL_OR_KEYWORD)

_HAS_VAR_POSITIONAL = 0x04  # inspect.CO_VARARGS
_HAS_VAR_KEYWORD = 0x08  # inspect.CO_VARKEYWORDS


class Parameters(Record):
    """The parameters of a function in order, as (name, kind) with inspect's kind names in lower case."""

    items: tuple[tuple[str, str], ...]

    @classmethod
    def of(cls, function: FunctionType) -> Parameters:
        """Read off the code object: decorators, `__signature__` and annotations are not consulted."""
        return cls.of_code(function.__code__)

    @classmethod
    def of_code(cls, code: CodeType) -> Parameters:
        names = code.co_varnames
        positional, keyword_only = code.co_argcount, code.co_kwonlyargcount
        items = [
            (name, POSITIONAL_ONLY if index < code.co_posonlyargcount else POSITIONAL_OR_KEYWORD)
            for index, name in enumerate(names[:positional])
        ]
        after = positional + keyword_only
        if code.co_flags & _HAS_VAR_POSITIONAL:
            items.append((names[after], VAR_POSITIONAL))
            after += 1
        items += [(name, KEYWORD_ONLY) for name in names[positional : positional + keyword_only]]
        if code.co_flags & _HAS_VAR_KEYWORD:
            items.append((names[after], VAR_KEYWORD))
        return cls(tuple(items))

    def bind(
        self, positional: Sequence[Any], keywords: Mapping[str, Any], defaults: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """Values by parameter name, `positional` including the bound instance. Never raises on a call that would.

        What does not fit (too many positionals, unknown keywords, no known parameters at all) is kept under the
        names `args` and `kwargs`, so that a failing call has arguments to show as well.
        """
        bound: dict[str, Any] = {}
        rest = list(positional)
        spare = dict(keywords)
        star_args, star_kwargs = "args", "kwargs"
        for name, kind in self.items:
            if kind in POSITIONAL and rest:
                bound[name] = rest.pop(0)
            elif kind == VAR_POSITIONAL:
                star_args = name
                bound[name] = tuple(rest)
                rest = []
            elif kind == VAR_KEYWORD:
                star_kwargs = name
            elif kind != POSITIONAL_ONLY and name in spare:
                bound[name] = spare.pop(name)
            elif defaults is not None and name in defaults:
                bound[name] = defaults[name]
        if rest:
            bound[star_args] = tuple(rest)
        if spare or any(kind == VAR_KEYWORD for _, kind in self.items):
            bound[star_kwargs] = spare
        return bound


def defaults_of(function: FunctionType) -> dict[str, object]:
    """Default values by parameter name: the live objects, not copies."""
    return defaults_of_code(function.__code__, function.__defaults__, function.__kwdefaults__)


def defaults_of_code(
    code: CodeType, defaults: tuple[object, ...] | None, keyword_defaults: Mapping[str, object] | None
) -> dict[str, object]:
    """The same, from a function's `__code__`, `__defaults__` and `__kwdefaults__`."""
    values = defaults or ()
    names = code.co_varnames[: code.co_argcount]
    count = min(len(names), len(values))  # a program may have assigned more defaults than there are parameters
    last_names, last_values = names[len(names) - count :], values[len(values) - count :]
    found: dict[str, object] = dict(zip(last_names, last_values, strict=True))
    found.update(keyword_defaults or {})
    return found
