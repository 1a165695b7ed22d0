"""What capturing and loading cost while 10, 1,000 and 100,000 bundles are stored, beside a naive decorator (naive.py):
`python benchmarks/bench_store.py [--json] [--quick]`, the latter without the hundred thousand.

The stores are filled with hard links to a few real bundles: file names, folders and indexes are those of a full store,
the disk is not. A capture is taken in `sync` mode, sealed, written and told to retention in the caller; the index is
updated twice a second at most, so one update is measured by itself.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import math
import os
import pickle
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import naive
from measure import Row, interleaved, microseconds, per_call, report

from snapagent.bundle import Header
from snapagent.capture.recording.admission import Gate
from snapagent.capture.recording.budget import Governor
from snapagent.capture.recording.ledger import Ledger
from snapagent.capture.writing.writer import Writer
from snapagent.config.settings import Settings
from snapagent.config.targets import Target
from snapagent.core.signature import Parameters
from snapagent.sealing.raw_call import RawCall
from snapagent.sealing.seal import SealRules, seal
from snapagent.store import Counts, Store

TARGET = Target("shop.pricing", "quote")
KEEP_ALL = Settings(keep=math.inf)
RULES = SealRules(b"a key")
PARAMETERS = Parameters((("rows", "positional_or_keyword"), ("currency", "positional_or_keyword")))
STORED = (10, 1_000) if "--quick" in sys.argv else (10, 1_000, 100_000)
MOST_LINKS = 50_000  # ext4 allows 65,000 names of one file


class Call:
    """A captured call as a recorder hands it to the writer."""

    target = TARGET
    settings = KEEP_ALL
    outcome_kind = "returned"

    def __init__(self, number: int) -> None:
        self.started = time.time()
        self.call = pickle.dumps((None, ([number, 2, 3], "EUR"), {}))
        self.outcome = pickle.dumps({"total": number})
        self.size = len(self.call) + len(self.outcome)

    def raw(self) -> RawCall:
        return RawCall(
            target=TARGET,
            kind="function",
            flavor="plain",
            parameters=PARAMETERS,
            call=self.call,
            outcome=self.outcome,
            raised=False,
            started=self.started,
            duration=0.0,
        )


def seal_call(call: Call) -> tuple[Header, dict[str, bytes]]:
    header, payload = seal(call.raw(), RULES)
    return header, dict(payload)


class Ours:
    """A store with `stored` bundles, and a writer into it."""

    def __init__(self, base: Path, stored: int) -> None:
        self.base = str(base)
        store = Store(self.base)
        templates = [store.publish(TARGET, *seal_call(Call(number)), when=float(number)) for number in range(10)]
        folder = Path(store.folder(TARGET))
        for number in range(10, stored):
            digits = hashlib.sha256(b"%d" % number).hexdigest()[:8]
            name = f"{time.strftime('%Y%m%dT%H%M%S', time.gmtime(number))}.000000Z-aaaaaa-{number}-{digits}.pkl"
            os.link(templates[number // MOST_LINKS].path, folder / name)
        store.update(TARGET, Counts(10, 10), KEEP_ALL)
        Store(self.base).update(TARGET, Counts(stored - 10, stored - 10), KEEP_ALL)
        self.digits = Store(self.base).entries(TARGET)[stored // 2].short_hash
        self.writer = Writer(Store(self.base), lambda calls: list(map(seal_call, calls)), sync=True)
        ledger = Ledger(TARGET)
        self.writer.watch(TARGET, KEEP_ALL, ledger, Gate(KEEP_ALL, ledger, Governor(1.0)))
        self.numbers = itertools.count()
        self.store = Store(self.base)

    def capture(self) -> None:
        self.writer.submit(Call(next(self.numbers)))

    def captures(self) -> float:
        """Seconds of one capture; what this stores is removed again, so that the store stays as full as it says."""
        took = per_call(self.capture, 20)
        self.clean(self.writer.store)
        return took

    def update(self) -> float:
        """Seconds of telling the index of one more bundle."""
        self.store.publish(TARGET, *seal_call(Call(0)), when=time.time())
        began = time.perf_counter()
        self.store.update(TARGET, Counts(1, 1), KEEP_ALL)
        took = time.perf_counter() - began
        self.clean(self.store)
        return took

    def clean(self, store: Store) -> None:
        folder = store.folder(TARGET)
        for name in os.listdir(folder):
            if f"-{store.token}-" in name and name.endswith(".pkl"):
                os.unlink(f"{folder}/{name}")

    def load(self, pick: Callable[[Store], object]) -> object:
        store = Store(self.base)
        entry = pick(store)
        bundle = store.read(entry)  # type: ignore[arg-type]
        return pickle.loads(store.part(bundle, "call"))

    def newest(self) -> None:
        self.load(lambda store: store.newest(TARGET))

    def by_hash(self) -> None:
        self.load(lambda store: store.by_hash(TARGET, self.digits))


class Naive:
    WANTED = ([-1], "USD")

    def __init__(self, folder: Path, stored: int) -> None:
        folder.mkdir(parents=True)
        self.folder = folder
        (folder / "index.json").write_text('{"calls": 0, "bundles": {}}')
        self.function = naive.capture(folder, keep=stored)(lambda rows, currency: {"total": rows[0]})
        self.function([0, 2, 3], "EUR")
        (first,) = folder.glob("*.pkl")
        index = {"calls": stored, "bundles": {first.name: "0" * 64}}
        template = first
        for number in range(1, stored):
            name = f"{number}.pkl"
            if number == MOST_LINKS:
                template = folder / name
                template.write_bytes(first.read_bytes())
            else:
                os.link(template, folder / name)
            index["bundles"][name] = hashlib.sha256(b"%d" % number).hexdigest()
        (folder / "index.json").write_text(json.dumps(index))

    def capture(self) -> None:
        self.function([1, 2, 3], "EUR")

    def choose(self) -> None:
        """What to look for: a hash among those that captures have left, and a call that stands in the middle."""
        known = json.loads((self.folder / "index.json").read_text())["bundles"]
        self.digits = list(known.values())[len(known) // 2][:8]
        names = sorted(known)
        middle = self.folder / names[len(names) // 2]
        recorded = pickle.loads(middle.read_bytes())
        middle.unlink()  # it is another name of the same file
        middle.write_bytes(pickle.dumps({**recorded, "args": self.WANTED}))

    def newest(self) -> None:
        naive.newest(self.folder)

    def scan(self) -> None:
        naive.scan(self.folder, self.WANTED)

    def by_hash(self) -> None:
        naive.by_hash(self.folder, self.digits)


def measured(base: Path) -> dict[str, float]:
    ours = {stored: Ours(base / f"ours{stored}", stored) for stored in STORED}
    simple = {stored: Naive(base / f"naive{stored}", stored) for stored in STORED}
    loads: dict[str, Callable[[], float]] = {}
    for stored, one in ours.items():
        loads[f"newest {stored}"] = lambda one=one: per_call(one.newest, 50)
        loads[f"by hash {stored}"] = lambda one=one: per_call(one.by_hash, 50)
    for stored, other in simple.items():
        other.choose()
        loads[f"naive newest {stored}"] = lambda other=other: per_call(other.newest, 1)
        loads[f"naive scan {stored}"] = lambda other=other: per_call(other.scan, 1)
        loads[f"naive by hash {stored}"] = lambda other=other: per_call(other.by_hash, 1)
    times = interleaved(loads)  # first: the index is fresh, as it is when the program has ended
    captures: dict[str, Callable[[], float]] = {}
    for stored, one in ours.items():
        captures[f"capture {stored}"] = one.captures
        captures[f"update {stored}"] = one.update
    for stored, other in simple.items():
        captures[f"naive capture {stored}"] = lambda other=other: per_call(other.capture, 1)
    times |= interleaved(captures)
    for one in ours.values():
        one.writer.close()  # or the end of this process would write into folders that are gone by then
    return times


def rows(times: dict[str, float]) -> list[Row]:
    table = []
    for what in ("capture", "update", "newest", "by hash"):
        few = 1_000 if what == "update" else 10  # an index lists up to a hundred bundles, so with ten it is smaller
        for stored in STORED[STORED.index(few) + 1 :]:
            now = times[f"{what} {stored}"]
            table.append(
                Row(
                    f"{what} with {stored:,} bundles stored",
                    f"the same with {few:,}",
                    now / times[f"{what} {few}"],
                    1.5,
                    detail=f"{microseconds(now)}",
                )
            )
    for what, least in (("capture", 5.0), ("newest", 500.0), ("by hash", 100.0)):
        for stored in STORED:
            target = least if stored == 100_000 else 0.1 if stored == 10 else 0.5
            table.append(
                Row(
                    f"naive {what} with {stored:,} bundles stored",
                    "ours",
                    times[f"naive {what} {stored}"] / times[f"{what} {stored}"],
                    target,
                    at_least=True,
                    detail=microseconds(times[f"naive {what} {stored}"]),
                )
            )
    most = STORED[-1]
    for what in ("newest", "by hash"):
        scan = times[f"naive scan {most}"]
        least = 10_000.0 if most == 100_000 else 50.0
        table.append(
            Row(
                f"reading one after the other, {most:,} stored",
                f"ours, {what}",
                scan / times[f"{what} {most}"],
                least,
                at_least=True,
                detail=microseconds(scan),
            )
        )
    return table


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="bench-store-") as base:
        report(rows(measured(Path(base))))


if __name__ == "__main__":
    main()
