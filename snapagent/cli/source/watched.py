"""The reports of watched processes, added up, and the targets that they propose."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from ...config.targets import Target
from ...core.records import Record
from ...errors import ConfigError
from .libraries import in_order
from .modules import SourceFinder
from .propose import Proposal, why_not
from .resolve import WRAPS, find

_SHOWN = 3  # result types, and values that cannot be stored, in one comment
_MAIN = "__main__"


class Watched(Record):
    """One function as it was called. `lacking` are (path, type, reason) of arguments that no sample could store.

    `results` are the types of its results, the commonest first; `uncertain` says why the arguments were not tried,
    `failed` why its calls could not be looked at further.
    """

    target: str
    calls: int
    flavor: str = "plain"
    results: tuple[str, ...] = ()
    lacking: tuple[tuple[str, str, str], ...] = ()
    sometimes: tuple[tuple[str, str, str], ...] = ()
    result_lacking: tuple[tuple[str, str, str], ...] = ()
    reaches: tuple[str, ...] = ()
    uncertain: str = ""
    only_at_import: bool = False
    failed: str = ""


def read_reports(folder: str) -> list[Watched]:
    """The functions that all processes called, by name; none when the program has removed the folder.

    A line that a killed process left half written is skipped.
    """
    by_target: dict[str, list[dict[str, Any]]] = {}
    calls: Counter[str] = Counter()
    for name in sorted(os.listdir(folder)) if os.path.isdir(folder) else ():
        if name.endswith(".jsonl"):
            most: dict[tuple[str, int], int] = {}
            for entry in _entries(os.path.join(folder, name)):
                by_target.setdefault(entry["target"], []).append(entry)
                key = (entry["target"], entry["line"])  # a function that is defined anew has another code
                most[key] = max(most.get(key, 0), entry["calls"])
            for (target, _), number in most.items():
                calls[target] += number
    return [_added_up(target, calls[target], by_target[target]) for target in sorted(by_target)]


def _entries(path: str) -> Iterator[dict[str, Any]]:
    with open(path, "rb") as file:
        for line in file:
            try:
                yield json.loads(line)
            except ValueError:
                continue


def _added_up(target: str, calls: int, entries: Sequence[Mapping[str, Any]]) -> Watched:
    samples = [entry["lacking"] for entry in entries if "lacking" in entry]
    seen = Counter(tuple(one) for sample in samples for one in sample)
    return Watched(
        target,
        calls,
        entries[0].get("flavor", "plain"),
        tuple(name for name, _ in Counter(entry["result"] for entry in entries if "result" in entry).most_common()),
        tuple(one for one, number in seen.items() if number == len(samples)),
        tuple(one for one, number in seen.items() if number < len(samples)),
        tuple(dict.fromkeys(tuple(one) for entry in entries for one in entry.get("result_lacking", ()))),
        in_order(entry["reaches"] for entry in entries if "reaches" in entry),
        next((entry["problem"] for entry in entries if "problem" in entry), "") if not samples else "",
        any("importing" in entry for entry in entries)
        and all(entry["importing"] for entry in entries if "importing" in entry),
        next((entry["failed"] for entry in entries if "failed" in entry), ""),
    )


def dependencies_of(functions: Iterable[Watched]) -> tuple[str, ...]:
    """The presets that these functions reach."""
    return in_order(word for function in functions for word in function.reaches)


def proposals(functions: Sequence[Watched], finder: SourceFinder) -> list[Proposal]:
    """The called functions that can be targets, the best first. Those with a score below 1 are only mentioned."""
    found = [_proposal(function, finder) for function in functions]
    return sorted((one for one in found if one is not None), key=lambda one: (-one.score, one.target))


def of_the_main_script(functions: Iterable[Watched]) -> list[str]:
    """The names of called functions that no target can reach, because the main script defines them."""
    return [function.target.partition(":")[2] for function in functions if function.target.startswith(f"{_MAIN}:")]


def unwatched(functions: Iterable[Watched]) -> list[str]:
    """The functions whose calls could not be looked at, each with the reason."""
    return [f"{function.target} ({function.failed})" for function in functions if function.failed]


def _proposal(function: Watched, finder: SourceFinder) -> Proposal | None:
    try:
        target = Target.parse(function.target)
    except (ConfigError, ValueError):
        return None
    found = find(target, finder)
    if target.module == _MAIN or found is None or found.status != WRAPS:
        return None
    located = finder.definition(target.module, target.qualname)
    against = why_not(located[1], located[0]) if located is not None else "its source was not found"
    names = target.qualname.split(".")
    if not against and any(name.startswith("_") for name in names):
        against = "its name is private"
    if not against and function.only_at_import:
        against = "it was called only while its module was imported, before it can be wrapped"
    if not against and found.kind == "property":
        against = "it is a property"
    if not against and function.failed:
        against = f"its calls could not be watched: {function.failed}"
    if not against and _returns_nothing(function) and not function.reaches:
        against = "it returns nothing"
    if not against and function.result_lacking:
        against = f"its result cannot be stored: {_said(function.result_lacking)}"
    return Proposal(
        function.target, 0 if against else _score(function), _reason(function), _excluded(function), against
    )


def _returns_nothing(function: Watched) -> bool:
    return function.results == ("NoneType",)


def _score(function: Watched) -> int:
    """Above 0. Whole arguments and results make the best tests; how often it was called counts little."""
    whole = 4 * (not function.lacking and not function.sometimes and not function.uncertain)
    return 1 + whole + 2 * bool(function.results) + min(function.calls.bit_length(), 4) - _returns_nothing(function)


def _reason(function: Watched) -> str:
    parts = [f"called {function.calls:,} time{'s' * (function.calls != 1)}", _ends(function)]
    if function.uncertain:
        parts.append(f"its arguments could not be tried ({function.uncertain})")
    elif function.lacking or function.sometimes:
        parts.append(f"without {_said((*function.lacking, *function.sometimes))}")
    else:
        parts.append("its arguments can be stored")
    if function.reaches:
        parts.append(f"reaches {', '.join(function.reaches)}")
    return "; ".join(parts)


def _ends(function: Watched) -> str:
    if function.flavor.endswith("generator"):
        return "yields items"
    names = [name.replace("NoneType", "None") for name in function.results]
    if not names:
        return "no call has returned"
    return f"returns {' or '.join(names[:_SHOWN])}"


def _said(values: Sequence[tuple[str, str, str]]) -> str:
    """`self.session` (a connection to a database), ..."""
    more = f" and {len(values) - _SHOWN} more" if len(values) > _SHOWN else ""
    return ", ".join(f"`{path}` ({reason})" for path, _, reason in values[:_SHOWN]) + more


def _excluded(function: Watched) -> tuple[str, ...]:
    """The paths to exclude: attributes and parameters that no sample could store."""
    return tuple(path for path, _, _ in function.lacking if all(step.isidentifier() for step in path.split(".")))
