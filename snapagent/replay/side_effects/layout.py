"""The paths of recordings: a folder for each wrapper of a test, a file for each call, named by its arguments."""

from __future__ import annotations

import os
from collections.abc import Iterator

from ...core.records import Record
from ...store.layout import SIDE_EFFECTS, SUFFIX, segment

DIGITS = 16  # of the argument hash, in a file name


class TestPlace(Record):
    """The test that recordings belong to. `file` is below the rootdir, without suffix, `/` between its parts.

    `name` is the function (`TestCart.test_add` in a class, the test's own parameter id in brackets), `bundle` the
    file name without suffix of the bundle that it replays, if any.
    """

    __test__ = False  # tells pytest that this class has no tests

    base_path: str
    file: str
    name: str
    bundle: str | None = None

    @property
    def folder(self) -> str:
        """The folder of all recordings of the test function."""
        parts = [segment(part) for part in (*self.file.split("/"), self.name)]
        return "/".join((self.base_path, SIDE_EFFECTS, *parts))

    def of_wrapper(self, name: str) -> str:
        """The folder of one wrapper's recordings."""
        return self._below(f"{self.folder}/{segment(name)}")

    def _below(self, wrapper_folder: str) -> str:
        return wrapper_folder if self.bundle is None else f"{wrapper_folder}/{segment(self.bundle)}"

    def recordings(self) -> Iterator[str]:
        """The paths of the recordings of all wrappers of this test, for its own bundle only."""
        for wrapper_folder in _folders(self.folder):
            yield from recordings_in(self._below(wrapper_folder))


def recordings_in(folder: str) -> list[str]:
    """The paths of the recordings in a folder; empty when there is no such folder."""
    try:
        with os.scandir(folder) as found:
            return [item.path for item in found if item.name.endswith(SUFFIX) and not item.name.startswith(".")]
    except OSError:
        return []


def _folders(path: str) -> list[str]:
    try:
        with os.scandir(path) as found:
            return sorted(item.path for item in found if item.is_dir(follow_symlinks=False))
    except OSError:
        return []


def file_name(digits: str, occurrence: int) -> str:
    """`9be1c0de44aa10f2.pkl`, and `-2`, `-3` for repeats of the same arguments."""
    return f"{digits}{SUFFIX}" if occurrence == 1 else f"{digits}-{occurrence}{SUFFIX}"
