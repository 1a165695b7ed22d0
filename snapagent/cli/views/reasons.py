"""Why a call was not captured: the words of the counts, in a sentence, with what to do about it."""

from __future__ import annotations

_SKIPPED = {
    "quota_met": ("the quota of captures is met", "raise `quota`, or clear the function to begin again"),
    "not_sampled": ("sampling left it out", "raise `sample`"),
    "over_budget": ("capturing had used its share of the process's time", "raise `budget`, or lower `max_bytes`"),
    "too_slow": (
        "its captures take so long that they must be paid for first",
        "exclude large arguments, lower `sample`",
    ),
    "backing_off": ("captures failed in a row, so they pause and are tried again", "see the failures below"),
    "paused": ("capture was paused", "snapagent resume"),
    "recursive": ("it was a call of the function from inside itself", "nothing: the outer call has it"),
    "reentrant": ("capturing another call caused it", "nothing: it is not a call of the program"),
    "queue_full": ("calls came faster than they could be written", "lower `sample`, set a `quota`"),
    "exit_deadline": ("the process ended before it could be written", "end the process less abruptly"),
    "never_started": ("the generator or coroutine was never started", "nothing: no code of it ran"),
}
_FAILED = {
    "disk_full": ("the disk is full", "free some space, or lower `max_store_bytes`"),
    "store_full": ("`max_store_bytes` is reached", "snapagent prune, or raise `max_store_bytes`"),
    "not_writable": ("the captures folder cannot be written", "check its owner and mode"),
    "io_error": ("the disk reported an error", "check the disk"),
    "no_file_descriptors": ("the process had no file descriptors left", "raise `ulimit -n`"),
    "file_too_big": ("a bundle was larger than files may be", "lower `max_bytes`"),
    "not_a_folder": ("a file or a link stands in the place of the folder", "move it away"),
    "foreign_folder": ("the function's folder belongs to somebody else", "move it away"),
    "broken_key": (
        "the key of pseudonyms, .key in the captures folder, is damaged",
        "remove it; a new one is made, and equal secrets get other pseudonyms than before",
    ),
    "locked": ("the index was locked for too long", "nothing: it is tried again"),
    "interrupted": ("the program's own signal handler raised meanwhile", "nothing"),
    "internal_error": ("snapagent failed", "see the program's log for the first one, and report it"),
    "os_error": ("the operating system refused", "see the program's log"),
}
_LEFT_OUT = {
    "too_big": ("too big", "raise `max_bytes`, `exclude` it, or give tests a facsimile: snapagent facsimile"),
    "unstorable": ("not picklable", "`exclude` it, or give tests a facsimile: snapagent facsimile"),
    "too_deep": ("nested too deeply", "`exclude` it, or give tests a facsimile: snapagent facsimile"),
    "lazy": ("lazy, and nobody had asked for it yet", "give tests a facsimile: snapagent facsimile"),
}


def explain(reason: str) -> tuple[str, str]:
    """What a reason means, and what to do; an unknown one is its own explanation."""
    known = _SKIPPED.get(reason) or _FAILED.get(reason)
    return known or (reason.replace("_", " "), "see the program's log")


def explain_left_out(kind: str) -> tuple[str, str] | None:
    """Why a value is missing from a bundle, and what to do; None when that was wanted."""
    return _LEFT_OUT.get(kind)
