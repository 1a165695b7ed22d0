"""Slow reads of the viewer, in threads: listing a store, counting, searching headers for a filter.

Results go to the screen as messages while the read continues. Each has the number of the request that it answers.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from textual.message import Message
from textual.worker import get_current_worker

from ...errors import StoreError
from ...store.layout import BundleEntry
from ...store.reader import FunctionFolder
from ..views.rows import FunctionRow
from .model import Model

_INTERVAL = 0.1  # seconds between two messages of a thread


class FunctionsRead(Message):
    """The functions of the store, or a problem."""

    def __init__(self, request: int, folders: Sequence[FunctionFolder], problem: str = "") -> None:
        super().__init__()
        self.request = request
        self.folders = folders
        self.problem = problem


class CountsRead(Message):
    """Counts of some functions."""

    def __init__(self, rows: dict[str, FunctionRow]) -> None:
        super().__init__()
        self.rows = rows


class BundlesRead(Message):
    """Bundles of a function that match the filter: the `first` message of an answer, more, and the `last` one."""

    def __init__(
        self, request: int, entries: Sequence[BundleEntry], examined: int, total: int, first: bool, last: bool
    ) -> None:
        super().__init__()
        self.request = request
        self.entries = entries
        self.examined = examined
        self.total = total
        self.first = first
        self.last = last


class BackgroundReader:
    """Answers requests in the calling thread until its worker is cancelled. `post` sends messages to the screen."""

    def __init__(self, model: Model, post: Callable[[Message], object]) -> None:
        self._model = model
        self._post = post

    def functions(self, request: int) -> None:
        """Read the functions by name, then their counts in batches."""
        try:
            folders = self._model.functions()
        except (StoreError, OSError) as error:
            self._post(FunctionsRead(request, (), str(error)))
            return
        self._post(FunctionsRead(request, folders))
        self._count(folders)

    def _count(self, folders: Sequence[FunctionFolder]) -> None:
        worker, rows, posted = get_current_worker(), dict[str, FunctionRow](), time.monotonic()
        for folder in folders:
            if worker.is_cancelled:
                return
            rows[folder.name] = self._model.counts(folder)
            if time.monotonic() - posted > _INTERVAL:
                self._post(CountsRead(rows))
                rows, posted = {}, time.monotonic()
        self._post(CountsRead(rows))

    def bundles(self, request: int, folder: FunctionFolder, words: str) -> None:
        """Read the bundles of a function, the newest first; with `words`, the matching ones as they are found."""
        entries = self._model.entries(folder)
        total = len(entries)
        if not words.strip():
            self._post(BundlesRead(request, entries, total, total, True, True))
            return
        worker, found, first, posted = get_current_worker(), list[BundleEntry](), True, time.monotonic()
        for examined, entry in enumerate(self._model.matching(folder, entries, words), 1):
            if worker.is_cancelled:
                return
            if entry is not None:
                found.append(entry)
            if time.monotonic() - posted > _INTERVAL:
                self._post(BundlesRead(request, found, examined, total, first, False))
                found, first, posted = [], False, time.monotonic()
        self._post(BundlesRead(request, found, total, total, first, True))
