"""`snapagent why`: what became of a function's calls, in words, with what to do next."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import click

from ...config.environment import ENABLED
from ...config.targets import Target, near_matches
from ...core.records import Record
from ...errors import SnapagentError, TargetNotFoundError
from ...store.reader import StoreReader
from ..app import App, json_option, pass_app, store_options
from ..choosing import function, name_of
from ..completing import complete_target
from ..group import UnknownNameError
from ..source.modules import Looker, default_search_path
from ..source.resolve import WRAPS, Finding, find
from ..terminal.wording import counted, printable, shown_path
from ..views.reasons import explain, explain_left_out
from ..views.rows import function_row

if TYPE_CHECKING:
    from ...config.reading import Config
    from ...store import BundleEntry


FINE, PROBLEM, HINT = "fine", "problem", "hint"
_LOOKED_AT = 20  # of the newest bundles


class Statement(Record):
    """One thing that is so. `status` is fine, problem or hint; `next` is what to do about it, if anything."""

    status: str
    text: str
    next: str = ""


class Answer(Record):
    """All that is known of a function's captures; counts are those of the store's index."""

    target: str
    bundles: int
    calls: int
    captured: int
    statements: tuple[Statement, ...]

    def to_json(self) -> dict[str, Any]:
        return {**self.as_dict(), "statements": [statement.as_dict() for statement in self.statements]}


def why(store: StoreReader, config: Config | None, name: str) -> Answer:
    """Raises TargetNotFoundError when neither the store, the configuration nor the source knows the name."""
    looker = Looker(default_search_path(os.getcwd()))
    finding = _look_up(name, looker)
    try:
        folder = function(store, name)
    except TargetNotFoundError as error:
        if finding is None and not _is_named(config, name):
            known = [str(rule.pattern) for rule in config.rules] if config is not None else []
            near = error.near or near_matches(name, known)
            raise TargetNotFoundError(name, near, store.base_path, error.known) from None
        target = finding.target if finding is not None else name
        statements = [*_about_target(config, target), *_about_source(finding, name)]
        if not any(statement.status == PROBLEM for statement in statements):
            statements += _about_silence(finding)
        return Answer(target, 0, 0, 0, tuple(statements))
    row = function_row(store, folder)
    target = name_of(folder)
    statements = [*_about_target(config, target), *_about_counts(row.calls, row.captured, row.skipped, row.failed)]
    if finding is not None and finding.status != WRAPS:
        statements += _about_source(finding, name)
    statements += _about_bundles(store, store.bundles(folder.name)[-_LOOKED_AT:])
    if row.captured and not row.bundles:
        statements.append(Statement(HINT, "its bundles were removed since", "clear, prune or max_age did that"))
    return Answer(target, row.bundles, row.calls, row.captured, tuple(statements))


def _look_up(name: str, looker: Looker) -> Finding | None:
    found = (find(target, looker) for target in Target.candidates(name))
    return next((finding for finding in found if finding is not None), None)


def _is_named(config: Config | None, name: str) -> bool:
    return config is not None and any(
        str(rule.pattern) == name or rule.pattern.matches(target)
        for rule in config.rules
        for target in Target.candidates(name)
    )


def _about_target(config: Config | None, name: str) -> Iterator[Statement]:
    if config is None:
        yield Statement(HINT, "there is no configuration here, so no target list to look into", "snapagent init")
        return
    target = Target.parse(name) if ":" in name else None
    if target is None:
        return
    path = shown_path(config.path or "the configuration")
    if config.target_set().rule_for(target) is not None:
        rule = next((rule for rule in reversed(config.rules) if rule.pattern.matches(target)), None)
        where = f" by {str(rule.pattern)!r}, line {rule.line}" if rule is not None else ""
        yield Statement(FINE, f"it is a target{where} of {path}")
    elif any(pattern.matches(target) for pattern in config.exclude_targets):
        yield Statement(PROBLEM, "exclude_targets takes it out", f"edit {path}")
    else:
        yield Statement(PROBLEM, f"it is no target of {path}", f"add it under `targets:`: - {name}")


def _about_source(finding: Finding | None, name: str) -> Iterator[Statement]:
    if finding is None:
        yield Statement(PROBLEM, "no module that can be found here has it", "snapagent check shows the nearest names")
    elif finding.status == WRAPS:
        yield Statement(FINE, f"the source has it ({finding.place}), and it can be wrapped")
    else:
        yield Statement(PROBLEM, finding.reason, "snapagent check --import")


def _about_silence(finding: Finding | None) -> Iterator[Statement]:
    """No process has ever counted a call of it."""
    module = finding.target.partition(":")[0] if finding is not None else "its module"
    yield Statement(
        PROBLEM,
        f"no capturing process has called it: {ENABLED} was not set for the program, {module} was not imported there, "
        "or nothing called it",
        "snapagent run --on -- YOUR COMMAND, then call it",
    )


def _about_counts(calls: int, captured: int, skipped: Any, failed: Any) -> Iterator[Statement]:
    if not calls:
        yield Statement(PROBLEM, "it was wrapped and never called")
        return
    yield Statement(FINE if captured else PROBLEM, f"{counted(calls, 'call')}, {captured:,} captured")
    for counts, what in ((failed, "failed"), (skipped, "skipped")):
        for reason, number in sorted(counts.items(), key=lambda pair: -pair[1]):
            meaning, remedy = explain(reason)
            status = PROBLEM if what == "failed" or not captured else HINT
            yield Statement(status, f"{number:,} {what} ({reason}): {meaning}", remedy)


def _about_bundles(store: StoreReader, entries: Sequence[BundleEntry]) -> Iterator[Statement]:
    """What the newest bundles lack that nobody asked to leave out."""
    missing: Counter[tuple[str, str, str, str]] = Counter()
    for entry in entries:
        with suppress(SnapagentError):
            missing.update({(note.path, note.kind, note.type, note.reason) for note in store.header(entry).notes})
    for (path, kind, type_name, reason), number in missing.most_common():
        known = explain_left_out(kind)
        if known is not None:
            bundles = f"{number} of the newest {len(entries):,} bundles" if len(entries) > 1 else "the only bundle"
            text = f"{path} ({type_name}) is not in {bundles}: {known[0]}" + (f", {reason}" if reason else "")
            yield Statement(HINT, printable(text), known[1])


_MARKS = {"fine": ("ok    ", "green"), "hint": ("-     ", "yellow"), "problem": ("no    ", "red")}
_LEAD = " " * 6  # below the marks


@click.command("why")
@click.argument("target", shell_complete=complete_target)
@json_option
@store_options
@pass_app
def why_command(app: App, target: str, as_json: bool) -> None:
    """Say why a function was or was not captured.

    Looks at the target list, the source (parsed, not imported) and the counts that capturing processes left: never
    imported, never called, quota met, over budget, not sampled, disk full and so on.

    \b
    Example:
      snapagent why shop.pricing.quote
    """

    try:
        answer = why(app.store, app.config, target)
    except TargetNotFoundError as error:
        near = f"; the nearest names are {', '.join(error.near)}" if error.near else ""
        raise UnknownNameError(f"no captures, no target and no function here are called {target!r}{near}") from None
    if as_json:
        app.out.json(answer.to_json())
        return
    app.out.line((answer.target, "bold"), f"  {counted(answer.bundles, 'bundle')}")
    for statement in answer.statements:
        app.out.folded(_MARKS[statement.status], statement.text, lead=_LEAD)
        if statement.next:
            app.out.folded(_LEAD, (f"-> {statement.next}", "dim"), lead=f"{_LEAD}   ")
