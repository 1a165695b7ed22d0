"""A replayed call gets no real connection, database or change of files; reading and temporary files are allowed."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from types import ModuleType

import pytest
from bundles import Shop

from snapagent import load_capture
from snapagent.errors import IoRefusedError
from snapagent.replay.io_guard import IoGuard, guarded, refused_io


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory of the program, outside of the temporary folder."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "there.txt").write_text("there")
    (tmp_path / "folder").mkdir()
    return tmp_path


@pytest.fixture
def guard(project: Path) -> Iterator[IoGuard]:
    """As for a program that lies below the temporary folder itself."""
    with refused_io() as guard:
        yield guard


REFUSED: dict[str, Callable[[], object]] = {
    "a connection to 127.0.0.1:9": lambda: socket.create_connection(("127.0.0.1", 9)),
    "a connection to db.internal:5432": lambda: socket.create_connection(("db.internal", 5432)),
    "a connection to 'docker.sock'": lambda: socket.socket(socket.AF_UNIX).connect("docker.sock"),
    "a connection to 127.0.0.1:8125": lambda: socket.socket(type=socket.SOCK_DGRAM).sendto(b"x", ("127.0.0.1", 8125)),
    "the address of db.internal": lambda: socket.gethostbyname("db.internal"),
    "the database 'comments.db'": lambda: sqlite3.connect("comments.db"),
    "the database 'more.db'": lambda: sqlite3.connect("file:more.db?mode=rwc", uri=True),
    "writing 'new.txt'": lambda: Path("new.txt").write_text("new"),
    "writing 'there.txt'": lambda: os.open("there.txt", os.O_RDWR),
    "writing 'log.txt'": lambda: os.open("log.txt", os.O_APPEND),
    "writing 'low.txt'": lambda: os.open("low.txt", os.O_CREAT | os.O_WRONLY),
    "removing 'there.txt'": lambda: os.remove("there.txt"),
    "removing 'folder'": lambda: os.rmdir("folder"),
    "renaming 'there.txt'": lambda: os.replace("there.txt", "other.txt"),
    "making the folder 'new'": lambda: os.makedirs("new/er"),
    "making the link 'link'": lambda: os.symlink("there.txt", "link"),
    "changing 'there.txt'": lambda: os.chmod("there.txt", 0o600),
}


@pytest.mark.parametrize("what", REFUSED)
def test_real_input_and_output_is_refused_before_it_happens(
    project: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    (project / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(project / "temporary"))
    before = sorted(os.listdir(project))

    with refused_io() as guard, pytest.raises(IoRefusedError, match=what), guarded():
        REFUSED[what]()

    assert guard.reason == f"asked for {what}"
    assert sorted(os.listdir(project)) == before


def _temporary_files() -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "x")
        with open(path, "w") as file:
            file.write("x")
        os.replace(path, path + "y")
        sqlite3.connect(os.path.join(folder, "db")).execute("create table t (n)").close()
        shutil.copy(path + "y", path)
        os.makedirs(os.path.join(folder, "a", "b"))
    with tempfile.TemporaryFile() as nameless:
        nameless.write(b"x")


def _attempt(action: Callable[[], object]) -> Exception | None:
    try:
        action()
    except (OSError, IoRefusedError) as error:
        return error
    return None


ALLOWED: dict[str, Callable[[], object]] = {
    "reading": lambda: open("there.txt").close(),
    "reading a missing file": lambda: _attempt(lambda: Path("gone.txt").read_text()),
    "temporary files": _temporary_files,
    "a database in memory": lambda: (sqlite3.connect(":memory:"), sqlite3.connect("file::memory:", uri=True)),
    "the null device": lambda: open(os.devnull, "w").close(),
    "a folder that is there": lambda: os.makedirs("folder", exist_ok=True),
    "removing what is not there": lambda: Path("gone.txt").unlink(missing_ok=True),
    "a loop": lambda: asyncio.new_event_loop().close(),
    "an address in numbers": lambda: socket.getaddrinfo("127.0.0.1", 80),
    "a process": lambda: subprocess.run([sys.executable, "-c", ""], check=True),
}


@pytest.mark.parametrize("what", ALLOWED)
def test_what_changes_nothing_real_is_allowed(guard: IoGuard, what: str) -> None:
    with guarded():
        ALLOWED[what]()

    assert guard.asked == []


def test_a_refusal_that_the_program_swallows_is_remembered(guard: IoGuard) -> None:
    with guarded():
        for name in ("one.db", "two.db", "one.db", "three.db", "four.db"):
            try:
                sqlite3.connect(name)
            except Exception:
                continue

    assert guard.reason == "asked for the database 'one.db', the database 'two.db', the database 'three.db' and 1 more"


def test_threads_of_the_call_are_refused_too(guard: IoGuard) -> None:
    thread = threading.Thread(target=_attempt, args=(lambda: sqlite3.connect("shop.db"),))
    with guarded():
        thread.start()
        thread.join()

    assert guard.asked == ["the database 'shop.db'"]


def test_what_the_call_imports_is_not_refused(guard: IoGuard, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (project / "writes_at_import.py").write_text("open('cache.txt', 'w').close()\n")
    monkeypatch.syspath_prepend(str(project))
    with guarded():
        __import__("writes_at_import")
    del sys.modules["writes_at_import"]

    assert (project / "cache.txt").exists()
    assert guard.asked == []


def test_nothing_is_refused_outside_of_the_call_or_without_a_guard(project: Path) -> None:
    with refused_io() as guard:
        open("before.txt", "w").close()
        with guarded():
            pass
        open("after.txt", "w").close()
    with guarded():
        open("free.txt", "w").close()

    assert guard.asked == []


def test_existing_files_of_a_program_below_the_temporary_folder_are_not_temporary(
    guard: IoGuard, project: Path
) -> None:
    beside = Path.cwd().parent / "elsewhere.db"
    with guarded():
        Path("new.txt").write_text("a new file, in the temporary folder")
        with pytest.raises(IoRefusedError):
            Path("there.txt").write_text("changed")
        with pytest.raises(IoRefusedError):
            sqlite3.connect(beside)

    assert (project / "there.txt").read_text() == "there"


def test_outside_of_the_temporary_folder_no_file_is_made(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (project / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(project / "temporary"))
    with refused_io() as guard, guarded():
        Path("temporary/fine.txt").touch()
        for make in (Path("new.txt").touch, Path("new").mkdir, lambda: os.replace("temporary/fine.txt", "fine.txt")):
            with pytest.raises(IoRefusedError):
                make()

    assert guard.asked == ["writing 'new.txt'", "making the folder 'new'", "writing 'fine.txt'"]


def test_a_keyboard_interrupt_after_a_refusal_is_no_verdict(project: Path, program: ModuleType, shop: Shop) -> None:
    shop.capture("till_program:quote", program.quote, [1])
    bundle = load_capture("till_program.quote", base_path=shop.base_path)

    def interrupted(*args: object, **kwargs: object) -> None:
        with suppress(IoRefusedError):
            sqlite3.connect("comments.db")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        bundle.verdict(interrupted, allow_io=False)
