"""The entries of a folder as `os.scandir` gives them: kept while the program takes them, and given again at replay."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any


class Listing:
    """The entries that the program takes of a folder, and their facts. Others are not asked for."""

    def __init__(self, entries: Any) -> None:
        self.entries = entries
        self.facts: list[dict[str, Any]] = []
        self.is_kept = False  # whether a recording wants the facts

    def __iter__(self) -> Listing:
        return self

    def __next__(self) -> Any:
        entry = next(self.entries)
        self.facts.append(_facts_of(entry))
        return entry

    def __enter__(self) -> Listing:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        self.entries.close()


def _facts_of(entry: Any) -> dict[str, Any]:
    try:
        facts = entry.stat(follow_symlinks=False)
        target = entry.stat() if entry.is_symlink() else facts
    except OSError:  # it is gone, or the link leads nowhere
        facts = target = None
    kinds = (entry.is_dir(), entry.is_file(), entry.is_symlink())
    return {"name": entry.name, "kinds": kinds, "inode": entry.inode(), "stat": target, "lstat": facts}


class ServedEntry:
    """An entry of a folder that is not there."""

    def __init__(self, folder: str, facts: dict[str, Any]) -> None:
        self.name = facts["name"]
        self.path = os.path.join(folder, self.name)
        self._facts = facts

    def is_dir(self, *, follow_symlinks: bool = True) -> bool:
        return self._facts["kinds"][0] and (follow_symlinks or not self.is_symlink())

    def is_file(self, *, follow_symlinks: bool = True) -> bool:
        return self._facts["kinds"][1] and (follow_symlinks or not self.is_symlink())

    def is_symlink(self) -> bool:
        return bool(self._facts["kinds"][2])

    def is_junction(self) -> bool:
        return False

    def inode(self) -> int:
        return int(self._facts["inode"])

    def stat(self, *, follow_symlinks: bool = True) -> Any:
        found = self._facts["stat" if follow_symlinks else "lstat"]
        if found is None:
            raise FileNotFoundError(2, "No such file or directory", self.path)
        return found

    def __fspath__(self) -> str:
        return self.path

    def __repr__(self) -> str:
        return f"<DirEntry {self.name!r}>"


class ServedListing:
    """What `os.scandir` returns at replay."""

    def __init__(self, folder: str, facts: list[dict[str, Any]]) -> None:
        self._entries: Iterator[ServedEntry] = iter([ServedEntry(folder, each) for each in facts])

    def __iter__(self) -> ServedListing:
        return self

    def __next__(self) -> ServedEntry:
        return next(self._entries)

    def __enter__(self) -> ServedListing:
        return self

    def __exit__(self, *error: object) -> None:
        """Nothing is open."""

    def close(self) -> None:
        """Nothing is open."""
