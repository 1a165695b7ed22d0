"""The fixture `side_effects`: what one test wraps and patches, and what remains when it has ended."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ...config.settings import Settings
from ...core.records import Record
from ...errors import SnapagentError
from ...store import StoreReader
from . import patching, recording
from .assert_calls import check_calls
from .layout import TestPlace
from .mode import Mode
from .recordings import LAST, SEQUENCE, Book, Rules
from .secrets import Secrets
from .wrapped_call import Effect, effect_of
from .wrappers import wrapper_of


class Ended(Record):
    """What a test leaves behind: calls that were not served, recordings that nothing asked for, files written."""

    misses: tuple[SnapagentError, ...] = ()
    unused: tuple[str, ...] = ()
    written: tuple[str, ...] = ()


class SideEffects:
    """Serves the recorded results of effectful calls; records those of new ones where that is allowed."""

    def __init__(
        self, place: TestPlace, library: StoreReader, mode: Mode, settings_for: Callable[[str], Settings]
    ) -> None:
        self._place = place
        self._library = library
        self._mode = mode
        self._settings_for = settings_for
        self._books: dict[str, Book] = {}
        self._secrets = Secrets()
        self._undo: list[Callable[[], None]] = []

    def wrap(
        self,
        effect: str | Callable[..., Any],
        *,
        make: Callable[[], Any] | None = None,
        name: str | None = None,
        ignore: Iterable[str] = (),
        repeat: str = SEQUENCE,
        facsimiles: Mapping[str, object] | None = None,
    ) -> Callable[..., Any]:
        """A function that stands for `effect`: for a mock's `side_effect`, or to be injected.

        Args:
            effect: `module:function`, `module:Class.method`, the dotted form, or a callable.
            make: Builds the object whose method is meant; it is called only when something is recorded.
            name: The folder of its recordings; default: the qualified name.
            ignore: Argument paths that do not matter: neither stored nor compared.
            repeat: What more calls with the same arguments than are recorded get: `sequence` (an error) or `last`
                (the last recorded outcome again).
            facsimiles: What to put in place of placeholders in recorded results, by path.
        """
        found = effect_of(effect, make, name)
        return wrapper_of(self._book(found, ignore, repeat, facsimiles))

    def patch(
        self,
        target: str,
        *,
        make: Callable[[], Any] | None = None,
        name: str | None = None,
        ignore: Iterable[str] = (),
        repeat: str = SEQUENCE,
        facsimiles: Mapping[str, object] | None = None,
    ) -> Callable[..., Any]:
        """Put such a function in place of a module's or class's attribute until the test ends; returns it."""
        found = effect_of(target, make, name)
        wrapper = wrapper_of(self._book(found, ignore, repeat, facsimiles), takes_instance=True)
        self._undo.append(patching.put(found.target, found.kind, wrapper))
        return wrapper

    def assert_calls(self, mock: Any, *, any_order: bool = False) -> None:
        """The mock (or the wrapper) saw exactly the recorded calls, in their order unless `any_order`."""
        __tracebackhide__ = True
        check_calls(mock, any_order)

    def _book(
        self, effect: Effect, ignore: Iterable[str], repeat: str, facsimiles: Mapping[str, object] | None
    ) -> Book:
        if repeat not in (SEQUENCE, LAST):
            raise ValueError(f"repeat is {SEQUENCE!r} or {LAST!r}, not {repeat!r}")
        rules = Rules((ignore,) if isinstance(ignore, str) else tuple(ignore), repeat, dict(facsimiles or {}))
        known = self._books.get(effect.name)
        if known is not None:
            if not known.effect.is_same(effect) or known.rules != rules:
                both = f"{known.effect.target!r} and {effect.target!r}"
                raise ValueError(f"{both} would share the recordings of {effect.name!r}; give one of them a name=")
            return known
        folder = self._place.of_wrapper(effect.name)
        book = Book(effect, folder, self._library, self._mode, self._settings_for(effect.target), rules, self._secrets)
        self._books[effect.name] = book
        return book

    def undo(self) -> None:
        """Put everything back that was patched, the last first."""
        while self._undo:
            self._undo.pop()()

    def end(self, passed: bool) -> Ended:
        """After the test: write what a passed test recorded, and say what remains. Raises OSError."""
        books = self._books.values()
        misses = tuple(miss for book in books for miss in book.misses)
        before = set(self._place.recordings())
        used = {f"{book.folder}/{name}" for book in books for name in book.log}
        written: list[str] = []
        if passed and not misses:
            for book in books:
                written += [f"{book.folder}/{name}" for name in sorted(book.drafts)]
                book.commit()
            if self._mode.record and self._mode.renew:
                self._remove(before - used)
                before &= used
        unused = sorted(before - used) if passed and not misses else []  # a miss explains them
        return Ended(misses, tuple(unused), tuple(written))

    def _remove(self, paths: Iterable[str]) -> None:
        """Recordings that the test made anew without them."""
        for path in paths:
            recording.remove(path)
            folder = os.path.dirname(path)
            while folder != self._place.folder and not os.listdir(folder):
                os.rmdir(folder)
                folder = os.path.dirname(folder)
