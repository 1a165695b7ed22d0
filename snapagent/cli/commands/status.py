"""`snapagent status`: the state of capture in a project and the next steps."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from ...config.environment import ENABLED, is_enabled
from ...config.units import format_size
from ...core.records import Record
from ...remote.status import PushStatus, read_status
from ...store.filesystems import REMEDY, shared_filesystem
from ...store.processes import ProcessStatus, is_paused, running_processes
from ...store.reader import StoreReader
from ..app import App, json_option, pass_app, store_options
from ..choosing import folders
from ..launch import pth_path
from ..terminal.wording import ago, counted, printable, shown_path, some_of
from ..views.reasons import explain
from ..views.rows import configured_without_bundles, function_row, unreadable

if TYPE_CHECKING:
    from ...config.reading import Config

_MOST_NAMED = 5  # unreachable targets that are listed


class Status(Record):
    """The state of capture in a project. Counts come from the indexes; sizes are in bytes.

    `enabled`: whether this shell's environment switches capture on; `prepared`: whether `snapagent enable` was run.
    """

    config: str | None
    targets: int
    without_bundles: tuple[str, ...]
    enabled: bool
    prepared: bool
    captures: str
    functions: int
    bundles: int
    bytes: int
    limit: int | None
    calls: int
    captured: int
    skipped: Mapping[str, int]
    failed: Mapping[str, int]
    newest: str | None
    paused: bool = False
    processes: tuple[ProcessStatus, ...] = ()
    unreadable: tuple[str, ...] = ()
    shared: str | None = None
    push: PushStatus | None = None

    def to_json(self) -> dict[str, Any]:
        """`processes` are those that run now; `used` is the share of their time that capture took."""
        processes = [{**one.as_dict(), "used": one.used} for one in self.processes]
        return {
            **self.as_dict(), "skipped": dict(self.skipped), "failed": dict(self.failed), "processes": processes,
            "push": {**self.push.to_json(), "running": self.push.is_running} if self.push is not None else None,
        }  # fmt: skip

    def next_steps(self) -> Iterator[tuple[str, str]]:
        """Problems and their remedies, the most urgent first."""
        for reason in sorted(self.failed, key=lambda word: -self.failed[word]):
            yield (f"{self.failed[reason]:,} captures failed: {explain(reason)[0]}", explain(reason)[1])
        if self.unreadable:
            yield (
                f"this user may not read {some_of([shown_path(path) for path in self.unreadable])}",
                "run this as their owner",
            )
        if self.shared:
            yield f"the store is on a shared filesystem ({self.shared})", REMEDY
        if self.push is not None and self.push.waiting and not self.push.is_running:
            waiting = counted(self.push.waiting, "bundle")
            yield f"{waiting} were left in the spool of snapagent push", f"snapagent push {self.push.url}"
        if self.paused:
            yield "capture into this folder is paused", "snapagent resume"
        for target, reason in self._unreachable().items():
            yield f"{target} is not or only partly captured: {reason}", f"snapagent why {target}"
        if self.config is None:
            yield "there is no configuration", "snapagent init"
        elif not self.targets:
            yield "the configuration has no targets", f"add functions to {self.config}"
        elif not self.calls:
            yield "no capturing process has called a target yet", "snapagent run --on -- YOUR COMMAND"
        elif self.without_bundles:
            yield f"nothing is captured of {some_of(self.without_bundles)}", f"snapagent why {self.without_bundles[0]}"
        if self.calls and not self.captured and self.skipped:
            reason = max(self.skipped, key=lambda word: self.skipped[word])
            yield f"every call was skipped, mostly because {explain(reason)[0]}", explain(reason)[1]

    def _unreachable(self) -> dict[str, str]:
        """Unreachable targets of all running processes with the reason; at most a few."""
        found = {name: reason for one in self.processes for name, reason in one.unreachable.items()}
        return dict(list(found.items())[:_MOST_NAMED])


def describe_process(one: ProcessStatus) -> str:
    """A running process on one line."""
    closed = Counter(one.closed.values())
    refused = "; ".join(f"{number} refused: {reason}" for reason, number in closed.most_common())
    words = [
        f"{one.pid} {printable(one.program)}:",
        f"{counted(one.wrapped, 'target')} wrapped, {one.called} called,",
        f"{one.used:.1%} of its time used, {one.share:.0%} allowed",
    ]
    return " ".join(words) + (f"; {refused}" if refused else "")


def status(store: StoreReader, config: Config | None) -> Status:
    known = folders(store)
    rows = [function_row(store, folder) for folder in known]
    skipped: Counter[str] = Counter()
    failed: Counter[str] = Counter()
    for row in rows:
        skipped.update(row.skipped)
        failed.update(row.failed)
    return Status(
        config=config.path if config is not None else None,
        targets=len(config.rules) if config is not None else 0,
        without_bundles=configured_without_bundles(config, [row.target for row in rows]) if config is not None else (),
        enabled=is_enabled(os.environ),
        prepared=os.path.exists(pth_path()),
        captures=store.base_path,
        functions=len(rows),
        bundles=sum(row.bundles for row in rows),
        bytes=sum(row.bytes for row in rows),
        limit=config.max_store_bytes if config is not None else None,
        calls=sum(row.calls for row in rows),
        captured=sum(row.captured for row in rows),
        skipped=skipped,
        failed=failed,
        newest=max((row.newest for row in rows if row.newest is not None), default=None),
        paused=is_paused(store.base_path),
        processes=tuple(running_processes(store.base_path)),
        unreadable=tuple(unreadable(known)),
        shared=shared_filesystem(store.base_path),
        push=read_status(store.base_path),
    )


def describe_push(push: PushStatus) -> str:
    """A line about the last run of `snapagent push`."""
    how = "watching" if push.is_running and push.watching else "running" if push.is_running else "ended"
    words = [f"{push.url}: {how}, {counted(push.uploaded + push.there, 'bundle')} uploaded, {push.waiting:,} waiting"]
    words += [f"{number:,} set aside ({reason})" for reason, number in push.set_aside.items()]
    words += [f"{push.no_room:,} met a full spool"] if push.no_room else []
    words += [f"last failure: {push.last_failure}"] if push.last_failure and push.waiting else []
    return ", ".join(words)


def describe_switch(found: Status) -> str:
    """Whether capture is on for programs that this shell starts."""
    how = "this environment is prepared by snapagent enable" if found.prepared else "start it with snapagent run"
    if found.enabled:
        return f"on in this shell ({ENABLED}); {how}"
    return f"off in this shell ({ENABLED} is not set)"


@click.command("status")
@json_option
@store_options
@pass_app
def status_command(app: App, as_json: bool) -> None:
    """Show the state of capture and the next steps.

    Shows the configuration, the switch, the store, and the calls that capturing processes counted (at most a second
    behind while they run).

    \b
    Example:
      snapagent status
    """
    found = status(app.store, app.config)
    if as_json:
        app.out.json(found.to_json())
        return
    line = partial(app.out.folded, lead=" " * 10)
    config = f"{shown_path(found.config)}, {counted(found.targets, 'target')}" if found.config else "none"
    line(("config    ", "bold"), config)
    line(("capture   ", "bold"), describe_switch(found))
    limit = f" of {format_size(found.limit)}" if found.limit is not None else ""
    bundles = f"{counted(found.bundles, 'bundle')} of {counted(found.functions, 'function')}"
    line(("store     ", "bold"), f"{shown_path(found.captures)}: {bundles}, {format_size(found.bytes)}{limit}")
    newest = f", newest bundle {ago(found.newest)}" if found.newest is not None else ""
    line(("calls     ", "bold"), f"{found.calls:,}, {found.captured:,} captured{newest}")
    for reason, number in sorted(found.skipped.items(), key=lambda pair: -pair[1]):
        line(f"          {number:,} skipped: {reason}")
    for one in found.processes:
        line(("process   ", "bold"), describe_process(one))
    if found.push is not None:
        line(("push      ", "bold"), describe_push(found.push))
    for text, remedy in found.next_steps():
        line(("next      ", "yellow"), f"{text} -> {remedy}")
