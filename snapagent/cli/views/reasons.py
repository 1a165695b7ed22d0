"""Explanations of why something was not captured, with the remedy."""

from __future__ import annotations

import os

_SKIPPED = {
    "quota_met": ("the quota of captures is met", "raise `quota`, or clear the function to start again"),
    "not_sampled": ("sampling left it out", "raise `sample`"),
    "over_budget": (
        "capturing had used its share of the process's time",
        "raise `budget`, lower `max_bytes`, or name fewer targets",
    ),
    "too_slow": (
        "its captures are slow, so they wait until the budget allows them",
        "exclude large arguments, lower `sample`",
    ),
    "backing_off": ("captures failed repeatedly, so capture pauses before it tries again", "see the failures below"),
    "paused": ("capture was paused", "snapagent resume"),
    "recursive": ("the function called itself", "nothing: the outer call is captured"),
    "reentrant": ("it was caused by capturing another call", "nothing: it is not a call of the program"),
    "replayed": ("a replay in the same process called it", "nothing: it is not a call of the program"),
    "queue_full": ("calls came faster than they could be written", "lower `sample`, set a `quota`"),
    "unfinished": (
        "it still runs or waits to be written, or did so when its process was killed",
        "nothing while the process runs; else let it exit normally",
    ),
    "never_started": ("the generator or coroutine was never started", "nothing: its code did not run"),
}
_FAILED = {
    "disk_full": ("the disk is full", "free some space, or lower `max_store_bytes`"),
    "store_full": ("`max_store_bytes` is reached", "snapagent prune, or raise `max_store_bytes`"),
    "not_writable": ("the captures folder cannot be written", "check its owner and mode"),
    "io_error": ("the disk reported an error", "check the disk"),
    "no_file_descriptors": ("the process had no file descriptors left", "raise `ulimit -n`"),
    "file_too_big": ("a bundle exceeded the file size limit", "lower `max_bytes`"),
    "not_a_folder": ("there is a file or link in place of the folder", "move it away"),
    "foreign_folder": ("the function's folder belongs to another user", "move it away"),
    "broken_key": (
        "the key of pseudonyms, .key in the captures folder, is damaged",
        "remove it; a new key is created, and secrets get new pseudonyms",
    ),
    "lost_at_exit": ("the process ended before it could be written", "raise `exit_wait`, or lower `max_bytes`"),
    "locked": ("the index was locked for too long", "nothing: it is retried"),
    "interrupted": ("a signal handler of the program raised during the capture", "nothing"),
    "internal_error": ("snapagent failed", "report the first error in the program's log"),
    "os_error": ("the operating system refused", "see the program's log"),
}
_EFFECTS = {
    "late": (
        "they began or ended after the target had returned",
        "make the function that waits for them a target, or wait for them in this one",
    ),
    "effects_unrecorded": (
        "its preset does not record such a call, so it cannot be replayed",
        "declare that function, and capture the call again",
    ),
    "effects_capped": ("a limit was reached, so it cannot be replayed", "raise `effects` or `effects_max_bytes`"),
    "effects_failed": ("a call could not be recorded, so it cannot be replayed", "see the program's log"),
}
_LEFT_OUT = {
    "too_big": ("too big", "raise `max_bytes`, `exclude` it, or give tests a facsimile: snapagent facsimile"),
    "unstorable": ("not picklable", "`exclude` it, or give tests a facsimile: snapagent facsimile"),
    "too_deep": ("nested too deeply", "`exclude` it, or give tests a facsimile: snapagent facsimile"),
    "lazy": ("lazy and not yet evaluated", "give tests a facsimile: snapagent facsimile"),
}


def explain(reason: str) -> tuple[str, str]:
    """The meaning of a reason and the remedy; an unknown reason is shown in its own words."""
    known = _SKIPPED.get(reason) or _FAILED.get(reason) or _EFFECTS.get(reason)
    return known or (reason.replace("_", " "), "see the program's log")


def explain_left_out(kind: str) -> tuple[str, str] | None:
    """Why a value is missing from a bundle, and the remedy; None when it was excluded on purpose."""
    return _LEFT_OUT.get(kind)


def nothing_captured(base_path: str) -> str:
    """The message about a store without functions."""
    where = "it is empty" if os.path.lexists(base_path) else "it does not exist yet"
    return f"nothing is captured under {base_path} ({where})"
