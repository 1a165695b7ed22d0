"""`snapagent init`: write a first configuration with targets proposed from the source."""

from __future__ import annotations

import os
from collections.abc import Sequence

import click

from ..app import App, pass_app
from ..source.propose import ENOUGH, Package, Proposal, find_package, propose
from ..terminal.wording import counted, printable
from ..writing import refuse_existing, write_new

_HEAD = """\
# What snapagent captures; `snapagent check` reads this file. Nothing happens
# before SNAPAGENT_CAPTURE_ENABLED=1 is in the environment of the program.
version: 1
capture_dir: captures       # where bundles go; keep it out of version control
budget: 2%                  # of the process's time; above it calls are skipped
max_store_bytes: 256MB      # of all captures; pinned bundles aside

defaults:                   # each may be set per target too
  keep: 2                   # the newest bundles per function; .inf keeps all
  keep_outcomes: 1          # and the newest of each exception type they lack
  max_bytes: 1MB            # per bundle; larger values become placeholders
  redact: []                # names of secrets, besides password, token, ...
"""
_TAIL = """\

# More to choose from. A target is module:qualname; globs reach many: `*` is one
# segment, `**` any number.
#   - {example}.services.*:*            every function of the direct submodules
#   - target: {example}.model:predict
#     keep: .inf
#     exclude: [self.model, session]    # arguments left out of the bundle
# exclude_targets: ["{example}.legacy.**:**"]
"""


@click.command("init")
@click.option("-o", "--output", "path", default=None, metavar="FILE", help="Where to write. [default: snapagent.yaml]")
@click.option("--package", "package_name", metavar="NAME", help="The package to search, if the guess is wrong.")
@click.option("--force", is_flag=True, help="Overwrite the file if it exists.")
@click.option("--dry-run", is_flag=True, help="Print the file instead of writing it.")
@pass_app
def init_command(app: App, path: str | None, package_name: str | None, force: bool, dry_run: bool) -> None:
    """Propose targets and write a commented configuration.

    The source is parsed, never imported. An existing file is not overwritten without --force.

    \b
    Examples:
      snapagent init
      snapagent init --package shop --dry-run
    """
    path = path or app.config_path or "snapagent.yaml"
    if not dry_run and not force:
        refuse_existing(path, "--force overwrites it, --dry-run prints instead")
    package, proposals = _find_proposals(package_name)
    text = configuration(package, proposals)
    if dry_run:
        app.out.raw(text)
        return
    write_new(path, text, force=force)
    _print_next_steps(app, path, package, proposals)


def configuration(package: Package | None, proposals: Sequence[Proposal]) -> str:
    """The text of the YAML file: valid as it is."""
    example = package.name if package is not None else "shop"
    chosen, spare = proposals[:ENOUGH], proposals[ENOUGH : 4 * ENOUGH]
    lines = [
        "",
        "targets:" if chosen else "targets: []                 # found none to propose; add yours",
    ]
    for proposal in sorted(chosen, key=lambda proposal: proposal.target):
        lines += [f"  # {printable(proposal.reason)}", *_entry(proposal)]
    if spare:
        lines += ["", "  # Less likely; remove the comment sign to capture them:"]
        lines += [f"  # - {proposal.target}" for proposal in spare]
    return _HEAD + "\n".join(lines) + "\n" + _TAIL.format(example=example)


def _entry(proposal: Proposal) -> list[str]:
    if not proposal.live:
        return [f"  - {proposal.target}"]
    left_out = ", ".join(proposal.live)
    return [f"  - target: {proposal.target}", f"    exclude: [{left_out}]    # live objects: tests supply stand-ins"]


def _find_proposals(name: str | None) -> tuple[Package | None, list[Proposal]]:
    """The named package, or else the likeliest with proposals; and its proposals, the best first."""
    candidates = find_package(os.getcwd()) if name is None else (_package(name),)
    for package in candidates:
        proposals = propose(package)
        if proposals:
            return package, proposals
    return (candidates[0] if candidates else None), []


def _package(name: str) -> Package:
    found = find_package(os.getcwd())
    for package in found:
        if package.name == name.partition(".")[0]:
            return Package(name, package.folder, "--package")
    known = ", ".join(package.name for package in found) or "none"
    raise click.UsageError(f"There is no package {name!r} here; found: {known}.")


def _print_next_steps(app: App, path: str, package: Package | None, proposals: Sequence[Proposal]) -> None:
    app.out.line(("wrote ", ""), (path, "bold"))
    if package is None:
        app.out.note("no package was found here: add functions under `targets:`", then=f"edit {path}")
        return
    if not proposals:
        none = f"no function of {package.name} ({package.found_by}) looks like a target: add functions under `targets:`"
        app.out.note(none, then=f"edit {path}")
        return
    chosen = min(len(proposals), ENOUGH)
    rest = f", {len(proposals) - chosen} more as comments" if len(proposals) > chosen else ""
    app.out.note(
        f"{counted(chosen, 'target')} of {package.name} ({package.found_by}, {package.folder}) proposed{rest}",
        then=f"read {path}, then snapagent check",
    )
