"""The fixture `side_effects`: what a test wraps and patches, and what it records."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ...config.settings import Settings
from ...core.records import Record
from ...errors import SnapagentError
from ...store import StoreReader
from . import recording
from .assert_calls import check_calls
from .layout import TestPlace, recordings_in
from .mode import Mode
from .recordings import LAST, SEQUENCE, Recordings, ServingRules
from .secrets import Secrets
from .wrapped_call import WrappedCallable, wrapped_callable
from .wrappers import patch_attribute, wrapper_of


class SessionResult(Record):
    """How a test ended: calls that were not served, paths of unused recordings, paths of files written."""

    misses: tuple[SnapagentError, ...] = ()
    unused: tuple[str, ...] = ()
    written: tuple[str, ...] = ()


class SideEffects:
    """Serves the recorded results of side effects, and records new ones where recording is allowed."""

    def __init__(
        self, place: TestPlace, library: StoreReader, mode: Mode, settings_for: Callable[[str], Settings]
    ) -> None:
        self._place = place
        self._library = library
        self._mode = mode
        self._settings_for = settings_for
        self._recordings: dict[str, Recordings] = {}
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
        """A function that serves or records `effect`: for a mock's `side_effect`, or to pass to the code under test.

        Args:
            effect: `module:function`, `module:Class.method`, the dotted form, or a callable.
            make: Builds the object that has the method; called only when something is recorded.
            name: The folder of its recordings; default: the qualified name.
            ignore: Argument paths that are neither stored nor compared.
            repeat: For calls beyond the recorded ones with the same arguments: `sequence` raises an error, `last`
                serves the last recorded outcome again.
            facsimiles: Stand-ins for placeholders in recorded results, by path.
        """
        wrapped = wrapped_callable(effect, make, name)
        return wrapper_of(self._recordings_of(wrapped, ignore, repeat, facsimiles))

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
        """Replace an attribute of a module or class by such a function until the test ends. Returns the function."""
        wrapped = wrapped_callable(target, make, name)
        wrapper = wrapper_of(self._recordings_of(wrapped, ignore, repeat, facsimiles), takes_instance=True)
        self._undo.append(patch_attribute(wrapped.target, wrapped.kind, wrapper))
        return wrapper

    def overlay(self, target: str) -> Callable[..., Any] | None:
        """What answers calls of a dependency that the replayed bundle did not record; None where that is a miss."""
        recordings = self._recordings_of(wrapped_callable(target, None, None), (), SEQUENCE, None)
        if not self._mode.record and not recordings_in(recordings.folder):
            return None
        return wrapper_of(recordings, takes_instance=True)

    def assert_calls(self, mock: Any, *, any_order: bool = False) -> None:
        """Check that the mock (or the wrapper) saw exactly the recorded calls, in order unless `any_order`.

        Raises AssertionError with the calls that differ, TypeError when `mock` has no wrapper.
        """
        __tracebackhide__ = True
        check_calls(mock, any_order)

    def _recordings_of(
        self, wrapped: WrappedCallable, ignore: Iterable[str], repeat: str, facsimiles: Mapping[str, object] | None
    ) -> Recordings:
        if repeat not in (SEQUENCE, LAST):
            raise ValueError(f"repeat is {SEQUENCE!r} or {LAST!r}, not {repeat!r}")
        rules = ServingRules((ignore,) if isinstance(ignore, str) else tuple(ignore), repeat, dict(facsimiles or {}))
        known = self._recordings.get(wrapped.name)
        if known is not None:
            if not known.wrapped.is_same(wrapped) or known.rules != rules:
                both = f"{known.wrapped.target!r} and {wrapped.target!r}"
                raise ValueError(f"{both} would share the recordings of {wrapped.name!r}; give one of them a name=")
            return known
        folder, settings = self._place.of_wrapper(wrapped.name), self._settings_for(wrapped.target)
        found = Recordings(wrapped, folder, self._library, self._mode, settings, rules, self._secrets)
        self._recordings[wrapped.name] = found
        return found

    def undo(self) -> None:
        """Restore everything that was patched, the last first."""
        while self._undo:
            self._undo.pop()()

    def end(self, passed: bool) -> SessionResult:
        """After the test: write what a passed test recorded. Raises OSError."""
        everything = self._recordings.values()
        misses = tuple(miss for each in everything for miss in each.misses)
        before = set(self._place.recordings())
        used = {f"{each.folder}/{name}" for each in everything for name in each.log}
        written: list[str] = []
        if passed and not misses:
            for each in everything:
                written += [f"{each.folder}/{name}" for name in sorted(each.drafts)]
                each.commit()
            if self._mode.record and self._mode.renew:
                self._remove(before - used)
                before &= used
        unused = sorted(before - used) if passed and not misses else []  # after a miss, unused recordings are expected
        return SessionResult(misses, tuple(unused), tuple(written))

    def _remove(self, paths: Iterable[str]) -> None:
        """Delete recordings that the renewed test no longer uses, and folders that become empty."""
        for path in paths:
            recording.remove(path)
            folder = os.path.dirname(path)
            while folder != self._place.folder and not os.listdir(folder):
                os.rmdir(folder)
                folder = os.path.dirname(folder)
