"""Where the time of a captured small call goes: `python benchmarks/bench_profile.py [--json] [--quick] [--queued]`.

The calls are captured in `sync` mode, so that freezing, sealing, storing and retention all happen in the caller. With
`--queued` they wait in the queue, 400 at a time, and are then written together, as the writer's thread does it.
A timer of the processor's time interrupts it every millisecond, and each sample counts for the step whose function is
found first on the stack, looked at from the inside; what no step claims is the gate, the wrapper and the loop.
"""

from __future__ import annotations

import signal
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from types import FrameType

from capturing import SMALL, captured
from measure import Row, report

from snapagent.capture.writing.writer import Writer

BATCH = 400
CALLS = 2_000 if "--quick" in sys.argv else 20_000
EVERY = 0.001  # seconds of processor time
SOURCE = "def quote(order, number): return {'total': number, 'items': order['items']}\n"
QUEUED = "--queued" in sys.argv
CONFIG = 'sync: SYNC\nbudget: 100%\ntargets: [{target: "MODULE:quote", keep: .inf}]\n'
IN_CALLER, IN_WRITER = "in the caller", "in the writer"
# (end of the file's name, function, where it happens, in words); the first that fits the innermost frame wins
STEPS = (
    ("freezing/freeze.py", "freeze", IN_CALLER, "arguments and outcome to bytes"),
    ("inert/decode.py", "", IN_WRITER, "bytes to inert stand-ins"),
    ("opened_call.py", "redact", IN_WRITER, "looking for secrets"),
    ("redaction/rules.py", "is_clean_call", IN_WRITER, "looking for secrets"),
    ("sealing/formed_calls.py", "are_clean", IN_WRITER, "looking for secrets"),
    ("opened_call.py", "", IN_WRITER, "bytes to inert stand-ins"),
    ("hashing/canonical.py", "argument_hash", IN_WRITER, "argument hash"),
    ("sealing/shape.py", "shape_of", IN_WRITER, "argument shape"),
    ("sealing/forms.py", "shape", IN_WRITER, "argument shape"),
    ("sealing/forms.py", "previews", IN_WRITER, "previews"),
    ("sealing/forms.py", "call", IN_WRITER, "which form the call has, and its hash"),
    ("sealing/formed_calls.py", "open", IN_WRITER, "which form the call has, and its hash"),
    ("sealing/formed_calls.py", "seal", IN_WRITER, "header to JSON, digest"),
    ("preview.py", "preview_text", IN_WRITER, "previews"),
    ("preview_tree.py", "previews", IN_WRITER, "previews"),
    ("snapagent/bundle.py", "encode", IN_WRITER, "header to JSON, digest"),
    ("snapagent/sealing/seal.py", "", IN_WRITER, "the rest of sealing"),
    ("writing/seal_call.py", "", IN_WRITER, "the rest of sealing"),
    ("store/files.py", "_publish", IN_WRITER, "the file: create, write, rename"),
    ("store/writer.py", "update", IN_WRITER, "the index"),
    ("store/writer.py", "", IN_WRITER, "the rest of the store"),
    ("writing/store_calls.py", "", IN_WRITER, "the rest of the writer"),
    ("writing/rounds.py", "", IN_WRITER, "the rest of the writer"),
    ("writing/writer.py", "", IN_WRITER, "the rest of the writer"),
    ("recording/recorder.py", "begin", IN_CALLER, "the rest of the recorder"),
    ("recording/recorder.py", "returned", IN_CALLER, "the rest of the recorder"),
)
REST = (IN_CALLER, "gate, wrapper, the function itself and the loop")


def step_of(frame: FrameType | None) -> tuple[str, str]:
    while frame is not None:
        file, name = frame.f_code.co_filename, frame.f_code.co_name
        for end, function, where, words in STEPS:
            if file.endswith(end) and function in ("", name):
                return where, words
        frame = frame.f_back
    return REST


@contextmanager
def written_here(writer: Writer) -> Iterator[None]:
    """The calls of the block are written in this thread at its end; the writer's own waits for the lock meanwhile."""
    with writer._rounds.lock:
        yield
        writer._rounds.drain()
        writer._rounds.storer.indexes.update(1.0)


def main() -> None:
    samples: Counter[tuple[str, str]] = Counter()
    with captured(SOURCE, CONFIG.replace("SYNC", "false" if QUEUED else "true")) as program:
        quote = program.module.quote
        for number in range(200):
            quote(SMALL, number)
        program.flush()
        signal.signal(signal.SIGPROF, lambda number, frame: samples.update([step_of(frame)]))
        signal.setitimer(signal.ITIMER_PROF, EVERY, EVERY)
        began = time.thread_time()
        for first in range(0, CALLS, BATCH):
            with written_here(program.engine.writer) if QUEUED else nullcontext():
                for number in range(first, first + BATCH):
                    quote(SMALL, number)
        took = (time.thread_time() - began) / CALLS
        signal.setitimer(signal.ITIMER_PROF, 0)
    total = sum(samples.values())
    shares: Counter[str] = Counter()
    for (where, _), number in samples.items():
        shares[where] += number
    rows = [
        Row(f"{where}: {words}", "of a captured call", number / total, detail=f"{number / total * took * 1e6:.1f} us")
        for where in (IN_CALLER, IN_WRITER)
        for (place, words), number in samples.most_common()
        if place == where
    ]
    for where in (IN_CALLER, IN_WRITER):
        detail = f"{shares[where] / total * took * 1e6:.1f} us"
        rows.append(Row(f"{where}: all of it", "of a captured call", shares[where] / total, detail=detail))
    report(rows)


if __name__ == "__main__":
    main()
