"""Tries on a live call what capturing would do: which of its values cannot be stored, and the type of its result."""

from __future__ import annotations

from types import CodeType

from ...core.paths import RESULT
from ...core.signature import KEYWORD_ONLY, VAR_KEYWORD, VAR_POSITIONAL, Parameters
from ...core.type_facts import type_name
from ...placeholder import PRESENT
from ...serializer.freezing.byte_limit import TooSlow
from ...serializer.freezing.freeze import FreezeRules, freeze_to_look

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

    from ...bundle import Note

_SECONDS = 0.2  # for one value: of the processor, and of the clock in pickle hooks, which may sleep or wait
_MAX_BYTES = 1_000_000
_RULES = FreezeRules(max_bytes=_MAX_BYTES, hook_seconds=_SECONDS, allowance=lambda: _SECONDS)


def arguments_lacking(code: CodeType, values: Mapping[str, Any]) -> list[list[str]]:
    """(path, type, reason) of the arguments that a bundle would lack. `values` are the local variables at the start."""
    parameters = Parameters.of_code(code)
    args: list[Any] = []
    kwargs: dict[str, Any] = {}
    for name, kind in parameters.items:
        if name not in values:
            continue
        if kind == VAR_POSITIONAL:
            args += values[name]
        elif kind == VAR_KEYWORD:
            kwargs.update(values[name])
        elif kind == KEYWORD_ONLY:
            kwargs[name] = values[name]
        else:
            args.append(values[name])
    return _lacking(freeze_to_look((None, tuple(args), kwargs), parameters, _RULES).notes)


def result_lacking(value: object) -> list[list[str]]:
    """The same for what a call returned."""
    return _lacking(freeze_to_look(value, RESULT, _RULES).notes)


def kind_of_result(value: object) -> str:
    """The type of a result as a reader would write it: `dict`, `shop.orders.Order`."""
    return type_name(type(value)).removeprefix("builtins.")


def why_untried(error: Exception) -> str:
    """What stopped a look at a call, as a reader would say it. The text of an error is the program's code at times."""
    if isinstance(error, TooSlow):
        return "storing it takes too long"
    name = type_name(type(error)).removeprefix("builtins.")
    return f"{name}: {error.args[0]}" if len(error.args) == 1 and type(error.args[0]) is str else name


def _lacking(notes: Iterable[Note]) -> list[list[str]]:
    return [[note.path, note.type, note.reason or note.kind] for note in notes if note.kind not in PRESENT]
