"""The text of the configuration that `init` writes: commented YAML that is valid as it is."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import wrap

from ..terminal.wording import printable
from .propose import Proposal

_WIDTH = 76  # characters of a comment
_SPARE = 36  # proposals that are written as comments

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
  keep_shapes: 4            # and the newest of each argument shape they lack
  max_bytes: 1MB            # per bundle; larger values become placeholders
  redact: []                # names of secrets, besides password, token, ...
"""
_DEPENDENCIES = "dependencies:               # recorded with each call, served at replay"
_NO_DEPENDENCIES = "# dependencies: [requests]  # recorded with each call, served at replay"
_TAIL = """\

# More to choose from. A target is module:qualname; globs reach many: `*` is one
# segment, `**` any number.
#   - {example}.services.*:*            every function of the direct submodules
#   - target: {example}.model:predict
#     keep: .inf
#     exclude: [self.model, session]    # arguments left out of the bundle
# exclude_targets: ["{example}.legacy.**:**"]
"""


def configuration(
    example: str, chosen: Sequence[Proposal], spare: Sequence[Proposal], dependencies: Sequence[str]
) -> str:
    """The file for these targets, the spare ones as comments; `example` is a package for the examples in it."""
    lines = ["", *_dependencies(dependencies), ""]
    lines.append("targets:" if chosen else "targets: []                 # found none to propose; add yours")
    for proposal in sorted(chosen, key=lambda proposal: proposal.target):
        lines += [*_comment(proposal.reason), *_entry(proposal)]
    if spare:
        lines += ["", "  # Less likely; remove the comment sign to capture them:"]
        lines += [_spare(proposal) for proposal in spare[:_SPARE]]
    if len(spare) > _SPARE:
        lines.append(f"  # ... and {len(spare) - _SPARE} more")
    return _HEAD + "\n".join(lines) + "\n" + _TAIL.format(example=example)


def _dependencies(words: Sequence[str]) -> list[str]:
    return [_DEPENDENCIES, *(f"  - {word}" for word in words)] if words else [_NO_DEPENDENCIES]


def _spare(proposal: Proposal) -> str:
    entry = f"  # - {proposal.target}"
    return f"{entry}    # {printable(proposal.against)}" if proposal.against else entry


def _comment(text: str) -> list[str]:
    return [f"  # {line}" for line in wrap(printable(text), _WIDTH, break_long_words=False)]


def _entry(proposal: Proposal) -> list[str]:
    if not proposal.live:
        return [f"  - {proposal.target}"]
    left_out = ", ".join(proposal.live)
    return [f"  - target: {proposal.target}", f"    exclude: [{left_out}]    # live objects, which cannot be stored"]
