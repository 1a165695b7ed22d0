"""`snapagent why`: explain why calls of a function were or were not captured, with the next steps."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import click

from ...config.environment import ENABLED
from ...config.targets import Target
from ...core.near_names import near_matches
from ...core.records import Record
from ...dependencies.presets import is_unrecorded
from ...errors import SnapagentError, TargetNotFoundError
from ...store.reader import StoreReader
from ..app import App, json_option, pass_app, store_options
from ..choosing import function, name_of
from ..completing import complete_target
from ..group import UnknownNameError
from ..source.modules import SourceFinder, default_search_path
from ..source.resolve import UNSURE, WRAPS, Finding, find, nearest_in_source
from ..terminal.wording import counted, printable, shown_path
from ..views.effects import summary_of
from ..views.reasons import explain, explain_left_out
from ..views.rows import function_row

if TYPE_CHECKING:
    from ...config.reading import Config
    from ...dependencies.tape import Summary
    from ...store import BundleEntry


GOOD, PROBLEM, HINT = "fine", "problem", "hint"  # status of a statement
_INSPECTED = 20  # newest bundles of which the headers are read
_MARKS = {"fine": ("ok    ", "green"), "hint": ("-     ", "yellow"), "problem": ("no    ", "red")}
_LEAD = " " * 6  # below the marks


class Statement(Record):
    """A fact. `status` is fine, problem or hint; `next` is the remedy, if there is one."""

    status: str
    text: str
    next: str = ""


class Explanation(Record):
    """The facts about a function's captures; counts come from the store's index."""

    target: str
    bundles: int
    calls: int
    captured: int
    statements: tuple[Statement, ...]

    def to_json(self) -> dict[str, Any]:
        return {**self.as_dict(), "statements": [statement.as_dict() for statement in self.statements]}


def why(store: StoreReader, config: Config | None, name: str) -> Explanation:
    """Explain a name. Raises TargetNotFoundError when store, configuration and source all lack it."""
    finder = SourceFinder(default_search_path(os.getcwd()))
    finding = _find_in_source(name, finder)
    try:
        folder = function(store, name)
    except TargetNotFoundError as error:
        if finding is None and not _is_named(config, name):
            known = [str(rule.pattern) for rule in config.rules] if config is not None else []
            near = error.near or near_matches(name, known) or nearest_in_source(name, finder)
            raise TargetNotFoundError(name, near, store.base_path, error.known) from None
        target = finding.target if finding is not None else name
        statements = [*_about_target(config, target), *_about_source(finding, name)]
        if not any(statement.status == PROBLEM for statement in statements):
            statements += _about_no_calls(finding)
        return Explanation(target, 0, 0, 0, tuple(statements))
    row = function_row(store, folder)
    target = name_of(folder)
    statements = [*_about_target(config, target), *_about_counts(row.calls, row.captured, row.skipped, row.failed)]
    if finding is not None and finding.status != WRAPS:
        statements += _about_source(finding, name)
    statements += _about_bundles(store, store.bundles(folder.name)[-_INSPECTED:])
    if row.captured and not row.bundles:
        statements.append(Statement(HINT, "its bundles were removed", "they were removed by clear, prune or max_age"))
    return Explanation(target, row.bundles, row.calls, row.captured, tuple(statements))


def _find_in_source(name: str, finder: SourceFinder) -> Finding | None:
    found = (find(target, finder) for target in _readings(name))
    return next((finding for finding in found if finding is not None), None)


def _readings(name: str) -> tuple[Target, ...]:
    """The targets that a name may mean; none where a stored name is odd."""
    if ":" not in name:
        return Target.candidates(name)
    target = Target.read(name)
    return (target,) if target is not None else ()


def _is_named(config: Config | None, name: str) -> bool:
    """Whether the configuration has this very name. A glob says nothing of whether the function exists."""
    names = {name, *map(str, _readings(name))}
    return config is not None and any(str(rule.pattern) in names for rule in config.rules)


def _about_target(config: Config | None, name: str) -> Iterator[Statement]:
    if config is None:
        yield Statement(HINT, "there is no configuration here, so the targets are unknown", "snapagent init")
        return
    target = Target.read(name)
    if target is None:
        return
    path = shown_path(config.path or "the configuration")
    if config.target_set().rule_for(target) is not None:
        rule = next((rule for rule in reversed(config.rules) if rule.pattern.matches(target)), None)
        where = f" by {str(rule.pattern)!r}, line {rule.line}" if rule is not None else ""
        yield Statement(GOOD, f"it is a target{where} of {path}")
    elif any(pattern.matches(target) for pattern in config.exclude_targets):
        yield Statement(PROBLEM, "exclude_targets excludes it", f"edit {path}")
    else:
        yield Statement(PROBLEM, f"it is not a target of {path}", f"add it under `targets:`: - {name}")


def _about_source(finding: Finding | None, name: str) -> Iterator[Statement]:
    if finding is None:
        yield Statement(PROBLEM, "no module on the search path defines it", "snapagent check lists the nearest names")
    elif finding.status == WRAPS:
        yield Statement(GOOD, f"it is defined at {finding.place} and can be wrapped")
    elif finding.status == UNSURE:
        yield Statement(PROBLEM, finding.reason, "snapagent check --import")
    else:
        yield Statement(PROBLEM, finding.reason)


def _about_no_calls(finding: Finding | None) -> Iterator[Statement]:
    """Reasons why no process has counted a call."""
    module = finding.target.partition(":")[0] if finding is not None else "its module"
    yield Statement(
        PROBLEM,
        f"no capturing process has called it: {ENABLED} was not set for the program, {module} was not imported there, "
        "or nothing called it",
        "snapagent run --on -- YOUR COMMAND, then call it",
    )


def _about_counts(calls: int, captured: int, skipped: Any, failed: Any) -> Iterator[Statement]:
    if not calls:
        yield Statement(PROBLEM, "it was wrapped but never called")
        return
    yield Statement(GOOD if captured else PROBLEM, f"{counted(calls, 'call')}, {captured:,} captured")
    for counts, what in ((failed, "failed"), (skipped, "skipped")):
        for reason, number in sorted(counts.items(), key=lambda pair: -pair[1]):
            meaning, remedy = explain(reason)
            status = PROBLEM if what == "failed" or not captured else HINT
            yield Statement(status, f"{number:,} {what} ({reason}): {meaning}", remedy)


def _about_bundles(store: StoreReader, entries: Sequence[BundleEntry]) -> Iterator[Statement]:
    """Values that the newest bundles lack although nothing excludes them."""
    missing: Counter[tuple[str, str, str, str]] = Counter()
    summaries: list[Summary | None] = []
    for entry in entries:
        with suppress(SnapagentError):
            header = store.header(entry)
            missing.update({(note.path, note.kind, note.type, note.reason) for note in header.notes})
            summaries.append(summary_of(header))
    yield from _about_effects(summaries)
    for (path, kind, type_name, reason), number in missing.most_common():
        known = explain_left_out(kind)
        if known is not None:
            bundles = f"{number} of the newest {len(entries):,} bundles" if len(entries) > 1 else "the only bundle"
            text = f"{path} ({type_name}) is not in {bundles}: {known[0]}" + (f", {reason}" if reason else "")
            yield Statement(HINT, printable(text), known[1])


def _about_effects(summaries: Sequence[Summary | None]) -> Iterator[Statement]:
    """Tapes that lack effects: such a bundle is not replayed."""
    late = 0
    incomplete: Counter[str] = Counter()
    for summary in summaries:
        if summary is not None:
            late += summary.late
            incomplete.update([] if summary.complete else [summary.reason])
    for reason, number in incomplete.most_common():
        kind = _kind_of(reason)
        meaning, remedy = explain(kind)
        bundles = counted(number, "bundle")
        yield Statement(PROBLEM, printable(f"{bundles} with an incomplete tape ({kind}): {meaning}: {reason}"), remedy)
    if late:
        meaning, remedy = explain("late")
        yield Statement(HINT, f"{counted(late, 'call')} of dependencies not recorded (late): {meaning}", remedy)


def _kind_of(reason: str) -> str:
    if is_unrecorded(reason):
        return "effects_unrecorded"
    return "effects_failed" if "could not" in reason or "forked" in reason else "effects_capped"


@click.command("why")
@click.argument("target", shell_complete=complete_target)
@json_option
@store_options
@pass_app
def why_command(app: App, target: str, as_json: bool) -> None:
    """Explain why a function was or was not captured.

    Reads the target list, the source (parsed, not imported) and the counts of capturing processes, such as quota met,
    over budget, not sampled or disk full.

    \b
    Example:
      snapagent why shop.pricing.quote
    """
    try:
        answer = why(app.store, app.config, target)
    except TargetNotFoundError as error:
        near = f"; the nearest names: {', '.join(error.near)}" if error.near else ""
        raise UnknownNameError(f"there is no capture, target or function named {target!r}{near}") from None
    if as_json:
        app.out.json(answer.to_json())
        return
    app.out.line((answer.target, "bold"), f"  {counted(answer.bundles, 'bundle')}")
    for statement in answer.statements:
        app.out.folded(_MARKS[statement.status], statement.text, lead=_LEAD)
        if statement.next:
            app.out.folded(_LEAD, (f"-> {statement.next}", "dim"), lead=f"{_LEAD}   ")
