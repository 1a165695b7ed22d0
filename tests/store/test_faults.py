"""Every operating-system call of the store fails once, at each of its uses: SQLite's way of testing.

A loop fails call number N of a scenario, checks what must hold, and goes on with N + 1 until a whole run passes without
an injected fault; once with that call alone failing, once with all later ones failing too.
"""

from __future__ import annotations

import errno
import fcntl
import json
import math
import os
import shutil
import sys
import time
import types
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import pytest
from capturing import Program
from storing import TARGET, publish

from snapagent.capture import host_guard
from snapagent.config.settings import Settings
from snapagent.core import system
from snapagent.store import Counts, Store, hash_shards

CALLS = "open close read write fsync fstat fchmod stat lstat mkdir rmdir rename link unlink listdir scandir utime lseek"
ERRORS = (errno.ENOSPC, errno.EIO, errno.EACCES, errno.EMFILE, errno.EROFS)
THOROUGH = bool(os.environ.get("SNAPAGENT_THOROUGH"))


class Faults:
    """Counts the operating-system calls of this process, and fails one of them, or all from it on."""

    def __init__(self, number: int, error: int, persistent: bool) -> None:
        self.number = number
        self.error = error
        self.persistent = persistent
        self.seen = 0
        self.fired = False

    def wrap(self, real: Callable[..., object], name: str) -> Callable[..., object]:
        def call(*args: object, **kwargs: object) -> object:
            self.seen += 1
            if self.seen == self.number or (self.persistent and self.seen > self.number):
                self.fired = True
                if name == "close":
                    real(*args, **kwargs)  # Linux closes a descriptor whatever `close` says
                raise OSError(self.error, os.strerror(self.error))
            return real(*args, **kwargs)

        return call

    @contextmanager
    def injected(self) -> Iterator[None]:
        patch = pytest.MonkeyPatch()
        try:
            for name in CALLS.split():
                patch.setattr(system.os, name, self.wrap(getattr(os, name), name))
            patch.setattr(system.fcntl, "flock", self.wrap(fcntl.flock, "flock"))
            yield
        finally:
            patch.undo()


def scenario(base: str, durability: str) -> tuple[str, Program]:
    """A program that calls a captured function; its output, which no fault may change."""
    program = Program(base, Settings(keep=2, quota=100), store=Store(base, durability=durability, max_bytes=10**6))
    output = []
    for number in range(4):
        program.call(number, exception="ValueError" if number == 0 else None)
        output.append(f"result {number}")
    program.writer.close(0.05)
    return "\n".join(output), program


def assert_store_valid(base: str, calls: int | None = None) -> None:
    """Whole bundles or none; a valid index or none; and the next process works as if nothing had been.

    `calls` is how many were made, where none of their counts may be lost.
    """
    store = Store(base)
    for entry in store.entries(TARGET):
        store.read(entry)
    path = Path(store.folder(TARGET), "index.json")
    if path.exists():
        json.loads(path.read_text())
    assert store.index(TARGET).captured >= len(store.entries(TARGET))

    program = Program(base, Settings(keep=2))
    program.call("after")
    program.writer.close(5)

    kinds = [store.header(entry).outcome_kind for entry in store.entries(TARGET)]
    assert kinds in (["returned"], ["returned"] * 2, ["ValueError", "returned"], ["ValueError", "returned", "returned"])
    after = json.loads(path.read_text())
    assert calls is None or after["calls"] == calls + 1
    assert after["stored"] == len(kinds)
    store.sweep(older_than=0.0)
    left = {name for name in os.listdir(store.folder(TARGET)) if not name.endswith(".pkl")}
    assert left <= {"index.json", ".lock", ".counts", ".quota", ".corrupt-index.json"}
    assert list(store.verify()) == []


@pytest.fixture
def in_caller(monkeypatch: pytest.MonkeyPatch) -> None:
    """All the work in one thread, so that call number N is the same in each run."""
    monkeypatch.setitem(sys.modules, "uwsgi", types.SimpleNamespace(opt={}))
    monkeypatch.setattr(host_guard, "_logged", set())


def temporary_files(base: str) -> list[str]:
    return [path.name for path in Path(base).rglob(".tmp-*")] if os.path.isdir(base) else []


@pytest.mark.parametrize("persistent", [False, True], ids=["transient", "persistent"])
@pytest.mark.parametrize("durability", ["process", "power"])
def test_each_call_to_the_system_may_fail(tmp_path: Path, in_caller: None, persistent: bool, durability: str) -> None:
    scenario(str(tmp_path / "warm"), durability)  # what is imported at first use is imported
    base = str(tmp_path / "captures")
    passed = 0
    step = 1 if THOROUGH or durability == "process" else 5
    for number in count(1, step):
        errors = ERRORS if THOROUGH else (ERRORS[number % len(ERRORS)],)
        fired = False
        for error in errors:
            faults = Faults(number, error, persistent)
            with faults.injected():
                output, program = scenario(base, durability)
            assert output == "result 0\nresult 1\nresult 2\nresult 3"
            totals = program.ledger.totals()
            assert totals.calls == 4 == totals.captured + sum((*totals.skipped.values(), *totals.failed.values()))
            if faults.fired and not persistent:
                assert len(temporary_files(base)) <= 1  # but for the one whose removal failed
            assert_store_valid(base, None if persistent else 4)
            shutil.rmtree(base, ignore_errors=True)
            fired = fired or faults.fired
            passed += 1
        if not fired:
            break
    assert passed > 100 / step


def full_store(base: str) -> None:
    """So many bundles that hashes are kept in shards, counts and orphans that others left, and two more functions."""
    store = Store(base)
    template = publish(store, when=0.0)
    folder = Path(store.folder(TARGET))
    for number in range(hash_shards.FEWEST + 20):
        os.link(template.path, folder / template.name.replace("-1-", f"-{number + 2}-"))
    store.update(TARGET, Counts(421, 421), Settings(keep=math.inf))
    Path(store.folder(TARGET), ".tmp-orphan").touch()
    os.utime(Path(store.folder(TARGET), ".tmp-orphan"), (0, 0))
    store.write_pending_counts(TARGET, Counts(2, 0, {"over_budget": 2}))
    for name in ("shop:a", "shop:b"):
        publish(store, "x" * 1000, target=name)
        store.update(name, Counts(1, 1), Settings())


@pytest.mark.parametrize("persistent", [False, True], ids=["transient", "persistent"])
def test_each_call_may_fail_where_the_store_is_full(tmp_path: Path, in_caller: None, persistent: bool) -> None:
    """Eviction, shards, sweeping, and counts that others left."""
    for number in count(1, 1 if THOROUGH else 41):
        base = str(tmp_path / str(number))
        full_store(base)
        limit = sum(path.stat().st_size for path in Path(base).rglob("*.pkl")) - 2000
        faults = Faults(number, ERRORS[number % len(ERRORS)], persistent)
        with faults.injected():
            program = Program(base, Settings(keep=math.inf), store=Store(base, max_bytes=limit))
            output = [program.call(value) in (True, False) for value in range(2)]
            program.writer.flush(0.05)
            program.writer.close(0.05)
        assert output == [True, True]
        totals = program.ledger.totals()
        assert totals.calls == 2 == totals.captured + sum((*totals.skipped.values(), *totals.failed.values()))

        store = Store(base)
        for name in (TARGET, "shop:a", "shop:b"):
            for entry in store.entries(name):
                store.read(entry)
        after = Program(base, Settings(keep=math.inf))
        after.call("after")
        after.writer.close(5)
        newest = store.newest(TARGET)
        assert newest.token == after.store.token and store.by_hash(TARGET, newest.short_hash) == newest
        found = store.index(TARGET)
        assert found.stored == len(store.entries(TARGET)) and found.calls >= found.captured >= found.stored - 1
        store.sweep(older_than=0.0)
        assert list(store.verify()) == []
        shutil.rmtree(base)
        if not faults.fired:
            break
    assert number > 200  # calls that were made to fail


@pytest.mark.parametrize("name", ["write", "fsync", "rename"])
@pytest.mark.parametrize("error", ERRORS, ids=errno.errorcode.__getitem__)
def test_a_failed_publication_leaves_no_file_and_says_why(
    tmp_path: Path, in_caller: None, name: str, error: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = str(tmp_path / "captures")
    program = Program(base, store=Store(base, durability="power"))
    program.call("whole")
    real = getattr(os, name)

    def fail(*args: object, **kwargs: object) -> object:
        raise OSError(error, os.strerror(error))

    monkeypatch.setattr(system.os, name, fail)
    program.call("torn")
    monkeypatch.setattr(system.os, name, real)

    reason = {
        errno.ENOSPC: "disk_full",
        errno.EIO: "io_error",
        errno.EACCES: "not_writable",
        errno.EMFILE: "no_file_descriptors",
        errno.EROFS: "not_writable",
    }[error]
    assert program.ledger.totals() == Counts(2, 1, {}, {reason: 1})
    assert temporary_files(base) == []
    assert len(program.store.entries(TARGET)) == 1
    program.writer.close(1)


def test_a_write_that_stops_half_way_goes_on(tmp_path: Path, in_caller: None, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.write
    monkeypatch.setattr(
        system.os, "write", lambda descriptor, data: real(descriptor, bytes(data[: len(data) // 2 or 1]))
    )
    program = Program(tmp_path / "captures")

    program.call("x" * 5000)
    program.writer.close(1)

    (entry,) = program.store.entries(TARGET)
    program.store.read(entry)


def test_a_sync_of_the_folder_that_fails_does_not_take_the_bundle_back(
    tmp_path: Path, in_caller: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = str(tmp_path / "captures")
    program = Program(base, store=Store(base, durability="power"))
    real, synced = os.fsync, []

    def fail_for_folders(descriptor: int) -> None:
        synced.append(os.path.isdir(f"/proc/self/fd/{descriptor}"))
        if synced[-1]:
            raise OSError(errno.EIO, "injected")
        real(descriptor)

    monkeypatch.setattr(system.os, "fsync", fail_for_folders)
    program.call("published")

    assert synced == [False, True]
    assert len(program.store.entries(TARGET)) == 1
    assert program.ledger.totals() == Counts(1, 1)
    program.writer.close(1)


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of one megabyte, where this machine allows one."""
    place = tmp_path / "disk"
    place.mkdir()
    if os.system(f"mount -t tmpfs -o size=1m,nr_inodes=64 tmpfs {place} 2>/dev/null"):
        pytest.skip("no file system can be mounted here")
    yield place
    os.system(f"umount -l {place}")


def test_a_full_disk_keeps_whole_bundles_and_the_program_running(tiny_disk: Path, in_caller: None) -> None:
    program = Program(tiny_disk / "captures", Settings(keep=float("inf")))

    for _ in range(30):
        program.call("x" * 50_000)
    program.writer.close(1)

    totals = program.ledger.totals()
    assert totals.failed == {"disk_full": 3} and totals.skipped["disk_full"] == 30 - 3 - totals.captured
    assert totals.captured == len(program.store.entries(TARGET)) > 5
    for entry in program.store.entries(TARGET):
        program.store.read(entry)
    assert temporary_files(str(tiny_disk)) == []


def test_a_full_disk_with_orphans_of_a_killed_writer_is_still_readable_and_sweepable(
    tiny_disk: Path, in_caller: None
) -> None:
    program = Program(tiny_disk / "captures", Settings(keep=float("inf")))
    program.call("whole")
    orphan = Path(program.store.folder(TARGET), ".tmp-orphan")
    with pytest.raises(OSError), open(orphan, "wb") as file:
        file.write(bytes(2_000_000))
    os.utime(orphan, (0, 0))

    program.call("no room")
    assert [program.store.read(entry).header.outcome for entry in program.store.entries(TARGET)] == ["returned"]

    assert program.store.sweep() == 1
    program.call("room again")
    program.writer.close(1)
    assert len(program.store.entries(TARGET)) == 2


@pytest.mark.skipif(os.geteuid() == 0 and not shutil.which("setpriv"), reason="root writes everywhere")
def test_a_folder_that_may_not_be_written_costs_the_program_nothing(tmp_path: Path) -> None:
    import subprocess

    base = tmp_path / "captures"
    base.mkdir()
    base.chmod(0o555)
    tmp_path.chmod(0o755)
    code = f"import sys; sys.path[:0] = {sys.path!r}\nfrom capturing import *\n" + (
        f"program = Program({str(base)!r}, sync=True)\n"
        "for _ in range(5): program.call()\n"
        "program.writer.close()\n"
        "print(program.ledger.totals().failed, program.gate.closed)"
    )
    as_nobody = ["setpriv", "--reuid", "65534", "--clear-groups"] if os.geteuid() == 0 else []

    probe = [*as_nobody, sys.executable, "-c", f"import sys; sys.path[:0] = {sys.path!r}; import capturing"]
    if subprocess.run(probe, capture_output=True).returncode:
        pytest.skip("another user cannot run this Python")

    ran = subprocess.run([*as_nobody, sys.executable, "-c", code], capture_output=True, text=True)

    assert ran.stdout == "{'not_writable': 3} not_writable\n", ran.stderr
    assert ran.stderr.count("not_writable") == 1


def test_without_file_descriptors_calls_go_on_and_capturing_recovers(tmp_path: Path) -> None:
    import subprocess

    code = f"import sys; sys.path[:0] = {sys.path!r}\nfrom capturing import *\nimport os, resource\n" + (
        f"program = Program({str(tmp_path / 'captures')!r}, Settings(keep=10), sync=True)\n"
        "program.call(1)\n"
        "resource.setrlimit(resource.RLIMIT_NOFILE, (32, 32))\n"
        "held = []\n"
        "try:\n"
        "    while True: held.append(os.open('/dev/null', 0))\n"
        "except OSError: pass\n"
        "program.call(2)\n"
        "for one in held: os.close(one)\n"
        "program.call(3)\n"
        "program.writer.close(5)\n"
        "print(program.ledger.totals().failed, len(program.store.entries(TARGET)))"
    )

    ran = subprocess.run(
        [sys.executable, "-c", code.replace("TARGET", "'shop.pricing:quote'")], capture_output=True, text=True
    )

    assert ran.stdout == "{'no_file_descriptors': 1} 2\n", ran.stderr


def test_a_limit_on_file_size_leaves_no_stump(tmp_path: Path) -> None:
    import subprocess

    code = f"import sys; sys.path[:0] = {sys.path!r}\nfrom capturing import *\nimport resource\n" + (
        f"program = Program({str(tmp_path / 'captures')!r}, sync=True)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))\n"
        "program.call('x' * 100_000)\n"
        "program.call('small')\n"
        "program.writer.close(5)\n"
        "print(program.ledger.totals().failed, program.ledger.totals().captured)"
    )

    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)

    assert ran.stdout == "{'file_too_big': 1} 1\n", ran.stderr
    assert temporary_files(str(tmp_path)) == []


def test_a_lock_call_that_never_returns_holds_up_no_exit(tmp_path: Path) -> None:
    """As on a network file system without its lock manager."""
    import subprocess

    head = f"import sys, time; sys.path[:0] = {sys.path!r}\nfrom capturing import *\n"
    hung = "from snapagent.core import system\nsystem.fcntl.flock = lambda *_: time.sleep(60)\n"
    code = f"{head}{hung}program = Program({str(tmp_path / 'captures')!r})\nprogram.call(1)\n"
    began = time.monotonic()

    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30)

    assert ran.returncode == 0, ran.stderr
    assert time.monotonic() - began < 15  # the lock takes 60 s
    assert len(Store(tmp_path / "captures").entries(TARGET)) == 1


def test_a_file_system_without_locks_stores_bundles_all_the_same(
    tmp_path: Path, in_caller: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.ENOSYS, "injected")

    for module in (system.fcntl, fcntl):  # filelock has the ordinary one
        monkeypatch.setattr(module, "flock", refuse)
    program = Program(tmp_path / "captures", Settings(keep=2))
    for number in range(5):
        program.call(number)
    program.writer.close(1)

    assert len(program.store.entries(TARGET)) == 2
    assert program.store.index(TARGET).counts == Counts(5, 5)
