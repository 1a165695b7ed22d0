"""What may last is read here, in threads: listing a store, counting, looking through headers for a filter.

What is found goes to the screen as messages while more is being looked for. Each has the number of the question that it
answers.
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

_EVERY = 0.1  # seconds between two messages of a thread


class FunctionsRead(Message):
    """The functions of the store, or what is wrong with it."""

    def __init__(self, question: int, folders: Sequence[FunctionFolder], problem: str = "") -> None:
        super().__init__()
        self.question = question
        self.folders = folders
        self.problem = problem


class CountsRead(Message):
    """Counts of some functions."""

    def __init__(self, rows: dict[str, FunctionRow]) -> None:
        super().__init__()
        self.rows = rows


class BundlesRead(Message):
    """Bundles of a function that fit the filter: the first ones of an answer, then more, until it is complete."""

    def __init__(
        self, question: int, entries: Sequence[BundleEntry], looked: int, of: int, first: bool, last: bool
    ) -> None:
        super().__init__()
        self.question = question
        self.entries = entries
        self.looked = looked
        self.of = of
        self.first = first
        self.last = last


class Reading:
    """Answers questions, each in the thread that calls; stops when that worker is cancelled. `post` takes messages."""

    def __init__(self, model: Model, post: Callable[[Message], object]) -> None:
        self._model = model
        self._post = post

    def functions(self, question: int) -> None:
        """The functions by name, then their counts, some at a time."""
        try:
            folders = self._model.functions()
        except (StoreError, OSError) as error:
            self._post(FunctionsRead(question, (), str(error)))
            return
        self._post(FunctionsRead(question, folders))
        self._count(folders)

    def _count(self, folders: Sequence[FunctionFolder]) -> None:
        worker, rows, told = get_current_worker(), dict[str, FunctionRow](), time.monotonic()
        for folder in folders:
            if worker.is_cancelled:
                return
            rows[folder.name] = self._model.counts(folder)
            if time.monotonic() - told > _EVERY:
                self._post(CountsRead(rows))
                rows, told = {}, time.monotonic()
        self._post(CountsRead(rows))

    def bundles(self, question: int, folder: FunctionFolder, words: str) -> None:
        """The bundles of a function, the newest first; with `words` those that fit, as they are found."""
        entries = self._model.entries(folder)
        of = len(entries)
        if not words.strip():
            self._post(BundlesRead(question, entries, of, of, True, True))
            return
        worker, found, first, told = get_current_worker(), list[BundleEntry](), True, time.monotonic()
        for looked, entry in enumerate(self._model.matching(folder, entries, words), 1):
            if worker.is_cancelled:
                return
            if entry is not None:
                found.append(entry)
            if time.monotonic() - told > _EVERY:
                self._post(BundlesRead(question, found, looked, of, first, False))
                found, first, told = [], False, time.monotonic()
        self._post(BundlesRead(question, found, of, of, first, True))
