"""How the tests of this folder freeze and thaw; real functions give the parameter names.

`F8` to `F35` and `S8` to `S11` in docstrings are the rows of the list of faults whose outcome a test shows.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from snapagent.bundle import Note
from snapagent.core.paths import parse_path
from snapagent.core.signature import Parameters
from snapagent.serializer.freezing.freeze import FreezeRules, freeze_call, freeze_outcome
from snapagent.serializer.freezing.frozen import Frozen
from snapagent.serializer.thawing.load import thaw

DEFAULTS = FreezeRules()


def rules(max_bytes: int = 10**6, exclude: tuple[str, ...] = (), exclude_types: tuple[str, ...] = ()) -> FreezeRules:
    return FreezeRules(
        max_bytes=max_bytes, exclude=tuple(parse_path(path) for path in exclude), exclude_types=exclude_types
    )


def frozen_call(function: Callable[..., Any], *args: Any, rules: FreezeRules = DEFAULTS, **kwargs: Any) -> Frozen:
    return freeze_call(None, args, kwargs, Parameters.of(function), rules)  # type: ignore[arg-type]


def frozen(value: object, rules: FreezeRules = DEFAULTS) -> Frozen:
    return freeze_outcome(value, False, rules)


def round_trip(value: Any, rules: FreezeRules = DEFAULTS) -> Any:
    return thaw(frozen(value, rules).data)


def kept(value: Any) -> Any:
    """A round trip that must leave nothing out."""
    result = frozen(value)
    assert result.notes == (), result.notes
    return thaw(result.data)


def notes_by_path(frozen: Frozen) -> dict[str, Note]:
    return {note.path: note for note in frozen.notes}
