"""Files of this package have descriptor numbers that a program does not get, and never those of standard streams."""

from __future__ import annotations

import fcntl
import os
import resource
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from snapagent.core import descriptors
from snapagent.core.descriptors import open_high

CLOSED = """
import os, sys
from snapagent.core.descriptors import open_high
os.closerange(0, 3)
first, second = (open_high(sys.argv[1], os.O_RDWR) for _ in range(2))
streams = []
for number in range(3):
    try:
        os.write(number, b"x")
    except OSError:
        streams.append(number)
reopened = os.open(os.devnull, os.O_RDWR)
print(min(first, second) > 2, os.pread(second, 99, 0), streams, reopened, file=open(sys.argv[2], "w"))
"""


@pytest.fixture
def limit() -> Iterator[int]:
    """The soft limit of open files, restored afterwards."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    yield before[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


def test_the_number_is_high_and_the_lowest_one_stays_free(tmp_path: Path) -> None:
    free = os.open(os.devnull, os.O_RDONLY)
    os.close(free)

    descriptor = open_high(str(tmp_path / "file"), os.O_WRONLY | os.O_CREAT, 0o600)
    again = os.open(os.devnull, os.O_RDONLY)
    try:
        assert descriptor > 100
        assert again == free
        assert fcntl.fcntl(descriptor, fcntl.F_GETFD) & fcntl.FD_CLOEXEC
        assert os.write(descriptor, b"data") == 4
    finally:
        os.close(again)
        os.close(descriptor)
    assert (tmp_path / "file").read_bytes() == b"data"


def test_a_process_that_may_open_few_files_still_opens_one(tmp_path: Path, limit: int) -> None:
    free = os.open(os.devnull, os.O_RDONLY)
    os.close(free)
    resource.setrlimit(resource.RLIMIT_NOFILE, (free + 1, limit))

    descriptor = open_high(os.devnull, os.O_RDONLY)
    os.close(descriptor)
    assert descriptor == free


def test_a_file_that_is_missing_leaves_no_descriptor_behind(tmp_path: Path) -> None:
    before = os.listdir("/dev/fd")
    with pytest.raises(FileNotFoundError):
        open_high(str(tmp_path / "missing"), os.O_RDONLY)
    assert os.listdir("/dev/fd") == before


def test_closed_standard_streams_stay_closed_and_write_into_no_file(tmp_path: Path) -> None:
    file, printed = tmp_path / "file", tmp_path / "printed"
    file.write_bytes(b"as before")

    subprocess.run([sys.executable, "-c", CLOSED, str(file), str(printed)], check=True, timeout=60)
    assert printed.read_text() == "True b'as before' [0, 1, 2] 0\n"


def test_a_thread_waits_while_a_stream_is_closed_and_opened_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(descriptors, "_PATIENCE", 20.0)
    kept = os.dup(0)
    opened: list[int] = []
    os.close(0)
    try:
        thread = threading.Thread(target=lambda: opened.append(open_high(os.devnull, os.O_RDONLY)))
        thread.start()
        time.sleep(0.05)
        assert opened == []
    finally:
        assert os.dup(kept) == 0
        os.set_inheritable(0, True)
        os.close(kept)
    thread.join(20)
    os.close(opened.pop())
