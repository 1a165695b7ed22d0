"""Which bundles of a store are new: folders of functions are listed only when they have changed."""

from __future__ import annotations

import os
from contextlib import suppress

from ..store import files
from ..store.layout import bundle_names, is_function_folder

_RACY = 2.0  # seconds: a folder that changed so short a time ago may change again without another time stamp


class Scanner:
    """Looks at the folders of functions under `base_path`. A look at 200 unchanged ones costs about a millisecond."""

    def __init__(self, base_path: str) -> None:
        self._base_path = base_path
        self._listed: dict[str, tuple[int, set[str]]] = {}  # folder -> its time stamp when listed, and its bundles

    def changed(self, now: float) -> dict[str, set[str]]:
        """The names of all bundles of those functions whose folders have changed since the last look."""
        found: dict[str, set[str]] = {}
        present: set[str] = set()
        try:
            with os.scandir(self._base_path) as items:
                folders = [item.name for item in items if is_function_folder(item.name)]
        except FileNotFoundError:  # the program has not captured anything yet
            return {}
        for folder in folders:
            with suppress(FileNotFoundError, NotADirectoryError, PermissionError):
                stamp = os.stat(f"{self._base_path}/{folder}", follow_symlinks=False).st_mtime_ns
                present.add(folder)
                known = self._listed.get(folder)
                if known is not None and known[0] == stamp:
                    continue
                names = self._names(folder)
                settled = abs(now - stamp / 1e9) > _RACY
                self._listed[folder] = (stamp if settled else -1, names)
                if known is None or known[1] != names:
                    found[folder] = names
        for folder in self._listed.keys() - present:
            del self._listed[folder]
        return found

    def _names(self, folder: str) -> set[str]:
        with suppress(OSError), files.opened_folder(f"{self._base_path}/{folder}") as opened:
            return set(bundle_names(os.listdir(opened)))
        return set()
