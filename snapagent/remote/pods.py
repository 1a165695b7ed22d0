"""Folders of pods on a shared file system, read as if they were an object store: `file:///mnt/captures`.

Below the folder each pod has a store of its own, at most three levels down; the folder itself may be one. Keys are made
from headers, which are read when a page of them is asked for.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice

from ..errors import CorruptBundleError
from ..store import files
from ..store.bundle_files import MAX_FILE, read_header
from ..store.layout import bundle_names, is_function_folder
from .failures import NoBucket, ObjectGone
from .keys import Key, key_of, misfit
from .objects import Found, Traffic
from .urls import RemoteUrl

_DEPTH = 3
_PAGE = 100  # headers


class PodFolders:
    """All stores below a folder. Raises NoBucket when there is no such folder."""

    def __init__(self, url: RemoteUrl) -> None:
        if not os.path.isdir(url.prefix):
            raise NoBucket(f"there is no folder {url.prefix}")
        self.url = url
        self.traffic = Traffic()
        self._functions: dict[str, list[str]] = {}  # folder of a function -> the paths of all pods
        self._places: dict[str, str] = {}  # name of a bundle -> the path of its folder
        self._search(url.prefix, _DEPTH)

    def _search(self, path: str, depth: int) -> None:
        with suppress(OSError), os.scandir(path) as items:
            for item in items:
                if is_function_folder(item.name) and item.is_dir(follow_symlinks=False):
                    if self._holds_bundles(item.path):
                        self._functions.setdefault(item.name, []).append(item.path)
                    elif depth:
                        self._search(item.path, depth - 1)

    def _holds_bundles(self, path: str) -> bool:
        with suppress(OSError):
            return any(bundle_names(os.listdir(path)))
        return False

    def folders(self) -> list[str]:
        return sorted(self._functions)

    def pages(self, folder: str, after: Key | None = None) -> Iterator[list[Found]]:
        """The bundles of a function in all pods, the newest first."""
        names: dict[str, str] = {}
        for path in self._functions.get(folder, ()):
            with suppress(OSError), files.opened_folder(path) as opened:
                names.update((name, path) for name in bundle_names(os.listdir(opened)))
        self._places.update(names)
        newest_first = iter(sorted((name for name in names if after is None or name < after.name), reverse=True))
        while page := list(islice(newest_first, _PAGE)):
            yield [found for name in page for found in self._found(folder, name)]

    def _found(self, folder: str, name: str) -> Iterator[Found]:
        path = self._places[name]
        with suppress(OSError, CorruptBundleError), files.opened_folder(path) as opened:
            header, size = read_header(opened, name, f"{path}/{name}")
            if misfit(header, folder, name) is None:
                modified = os.stat(name, dir_fd=opened, follow_symlinks=False).st_mtime
                yield Found(key_of(header, name), size, modified)

    def read(self, found: Found) -> bytes:
        return self.start(found, MAX_FILE)

    def start(self, found: Found, length: int) -> bytes:
        try:
            with files.opened_folder(self._places[found.key.name]) as opened:
                return files.read_regular(found.key.name, length, folder=opened)[0]
        except OSError as error:
            raise ObjectGone from error
