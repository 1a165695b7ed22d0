"""The lock of a folder holds for all processes, on file systems that lock no folders, and beside version 0.1.0."""

from __future__ import annotations

import errno
import fcntl
import os
import subprocess
import sys
from pathlib import Path

import pytest

from snapagent.core import system
from snapagent.store.failures import LOCKED, StoreFailure
from snapagent.store.files import locked

HOLDER = """
import sys
from snapagent.store.files import locked
with locked(sys.argv[1], 1.0):
    print("held", flush=True)
    sys.stdin.read()
"""


def is_locked(folder: Path) -> bool:
    try:
        with locked(str(folder), 0.0):
            return False
    except StoreFailure as failure:
        assert failure.reason == LOCKED
        return True


def test_a_lock_keeps_other_processes_out_and_leaves_no_file(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None and holder.stdout.readline() == "held\n"
        assert is_locked(tmp_path)
        holder.kill()
        holder.wait()

    assert not is_locked(tmp_path)
    assert os.listdir(tmp_path) == []


def test_a_child_that_was_forked_while_the_lock_was_held_does_not_keep_it(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    with locked(str(tmp_path), 1.0):
        child = os.fork()
        if child == 0:
            os.close(writing)
            os.read(reading, 1)  # lives on while the parent goes on
            os._exit(0)
    os.close(reading)
    try:
        assert not is_locked(tmp_path)
    finally:
        os.close(writing)
        os.waitpid(child, 0)


def test_where_folders_cannot_be_locked_a_file_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = fcntl.flock

    def flock(descriptor: int, operation: int) -> None:
        if os.path.isdir(f"/proc/self/fd/{descriptor}"):  # as on NFS
            raise OSError(errno.EBADF, os.strerror(errno.EBADF))
        real(descriptor, operation)

    monkeypatch.setattr(system.fcntl, "flock", flock)
    with locked(str(tmp_path), 1.0):
        assert is_locked(tmp_path)
    assert not is_locked(tmp_path)
    assert os.listdir(tmp_path) == [".lock"]


def test_a_lock_file_that_another_version_holds_is_waited_for(tmp_path: Path) -> None:
    with open(tmp_path / ".lock", "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        assert is_locked(tmp_path)
    assert not is_locked(tmp_path)


def test_where_nothing_can_be_locked_nothing_is_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def flock(descriptor: int, operation: int) -> None:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))

    for module in (system.fcntl, fcntl):  # filelock has the ordinary one
        monkeypatch.setattr(module, "flock", flock)
    assert is_locked(tmp_path)


def test_a_folder_that_was_removed_while_waiting_is_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "function"
    folder.mkdir()
    real = fcntl.flock

    def flock(descriptor: int, operation: int) -> None:
        monkeypatch.setattr(system.fcntl, "flock", real)
        folder.rmdir()  # another process clears it
        real(descriptor, operation)

    monkeypatch.setattr(system.fcntl, "flock", flock)
    with locked(str(folder), 1.0, make=True) as opened:
        assert os.fstat(opened).st_ino == folder.stat().st_ino


def test_no_library_is_imported_for_a_lock_where_folders_can_be_locked(tmp_path: Path) -> None:
    script = (
        "import sys; from snapagent.store.files import locked\n"
        "with locked(sys.argv[1], 1.0): print('filelock' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True, check=True)

    assert done.stdout == "False\n"
