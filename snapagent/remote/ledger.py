"""What this store has uploaded: `.push/ledger`, one line per bundle. Losing it costs requests, never a bundle.

It begins with the URL: what one object store has, another one may lack. Each other line is
`<seconds> <folder> <file name> <kind> <hash16>`; none of them holds a space. It is appended after the object
store has said that it has the bundle, and before the bundle leaves the spool, so a crash anywhere repeats an upload
that the object store answers with "exists already".
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from threading import Lock

from ..core.records import Record
from ..store import files
from ..store.layout import PUSH
from .keys import Key

LEDGER = "ledger"
AGAIN_AFTER = 24 * 3600.0  # seconds after which an equal call is uploaded once more
_COMPACT_AFTER = 20_000  # lines: a process that watches for months keeps what it needs
_LARGEST = 256 * 1024 * 1024  # bytes of a ledger that are read


class _Line(Record):
    when: float
    folder: str
    name: str
    call: tuple[str, str]

    def __str__(self) -> str:
        return f"{self.when:.0f} {self.folder} {self.name} {self.call[0]} {self.call[1]}\n"


class Ledger:
    """Read once, then kept in memory and on disk. `add` may be called from several threads. Raises OSError."""

    def __init__(self, base_path: str, url: str, now: float) -> None:
        self._base_path = base_path
        self._title = f"# {url}\n".encode("utf-8", "surrogateescape")
        self._lock = Lock()
        self._compact(now)

    def _compact(self, now: float) -> None:
        self._added = 0
        self._names: dict[str, set[str]] = {}
        self._calls: dict[tuple[str, str, str], float] = {}
        with files.own_folder(f"{self._base_path}/{PUSH}", make=True) as push:
            data = _read(push)
            lines = list(_lines(data)) if data.startswith(self._title) else []
            kept = [line for line in lines if self._is_needed(line, now)]
            fits = data.startswith(self._title) and data.endswith(b"\n")  # a torn line must not get a successor
            if len(kept) < len(lines) or not fits:
                files.publish(push, LEDGER, self._title + "".join(map(str, kept)).encode())
        for line in kept:
            self._remember(line)

    def _is_needed(self, line: _Line, now: float) -> bool:
        """False for a bundle that cannot be met again and that is too old to make an equal one wait."""
        return now - line.when < AGAIN_AFTER or os.path.lexists(f"{self._base_path}/{line.folder}/{line.name}")

    def _remember(self, line: _Line) -> None:
        self._names.setdefault(line.folder, set()).add(line.name)
        self._calls[(line.folder, *line.call)] = line.when

    def has(self, folder: str, name: str) -> bool:
        return name in self._names.get(folder, ())

    def has_equal(self, call: tuple[str, str, str], now: float) -> bool:
        """True when a call of this folder, outcome kind and hash was uploaded within the last 24 hours."""
        when = self._calls.get(call)
        return when is not None and now - when < AGAIN_AFTER

    def forget(self, folder: str, present: set[str]) -> None:
        """Let go of the names that the store's folder does not hold any more."""
        if folder in self._names:
            with self._lock:
                self._names[folder] &= present

    def add(self, key: Key, now: float) -> None:
        line = _Line(now, key.folder, key.name, key.call)
        with self._lock:
            with files.own_folder(f"{self._base_path}/{PUSH}") as push:
                files.append(push, LEDGER, str(line).encode())
            self._remember(line)
            self._added += 1
            if self._added >= _COMPACT_AFTER:
                self._compact(now)


def _read(push: int) -> bytes:
    try:
        return files.read_regular(LEDGER, _LARGEST, folder=push)[0]
    except FileNotFoundError:
        return b""


def _lines(data: bytes) -> Iterator[_Line]:
    for text in data.decode("utf-8", "replace").splitlines():
        try:
            when, folder, name, kind, digits = text.split(" ")
            yield _Line(float(when), folder, name, (kind, digits))
        except ValueError:  # a line that a power cut has torn: its bundle is uploaded again
            continue
