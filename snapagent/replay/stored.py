"""A stored call: its header, and its parts unpickled on demand, each time anew."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..bundle import BundleFile, Header
from ..errors import FacsimileError, NotReplayableError
from ..placeholder import PRESENT
from ..sealing.portability import refused_globals, verdict
from ..serializer import get_serializer
from ..serializer.thawing.load import check_facsimiles, thaw
from ..store import BundleEntry, StoreReader

PICKLE = "pickle"  # the serializer that knows of placeholders


def placeholder_paths(header: Header) -> list[str]:
    """Where a bundle has something else than what was there; notes about values that are there tell no such place."""
    return [note.path for note in header.notes if note.kind not in PRESENT]


def fitting(header: Header, facsimiles: Mapping[str, object]) -> dict[str, object]:
    """Those facsimiles that this bundle has a placeholder for."""
    return {path: value for path, value in facsimiles.items() if _fits(path, placeholder_paths(header))}


def _fits(path: str, placeholders: Sequence[str]) -> bool:
    try:
        check_facsimiles({path: None}, placeholders)
    except FacsimileError:
        return False
    return True


class StoredCall:
    """One bundle of a library. The file is read once, checked and trusted, before anything of it is unpickled."""

    def __init__(
        self,
        library: StoreReader,
        entry: BundleEntry,
        header: Header,
        facsimiles: Mapping[str, object],
        file: BundleFile | None = None,
    ) -> None:
        self.entry = entry
        self.header = header
        self._library = library
        self._facsimiles = dict(facsimiles)
        check_facsimiles(self._facsimiles, placeholder_paths(header))
        self._file = file

    @property
    def has_instance(self) -> bool:
        """Whether the first argument is the bound instance or class."""
        return self.header.kind in ("method", "classmethod")

    def read(self) -> BundleFile:
        """The file, which may be pruned from now on.

        Raises:
            CorruptBundleError, UntrustedBundleError: nothing of it was unpickled.
        """
        if self._file is None:
            self._file = self._library.read(self.entry)
        return self._file

    def load(self, part: str) -> Any:
        """A fresh copy of a part: `call` is (instance, args, kwargs), `outcome` the value or the exception.

        Raises:
            NotReplayableError: this interpreter cannot load it; told from the header.
            BundleLoadError: unpickling failed.
        """
        refusal = verdict(self.header)
        if refusal is not None:
            raise NotReplayableError(self.header.target, *refusal)
        data = self._library.part(self.read(), part, self.entry.path)
        harmful = refused_globals(data)
        if harmful:
            reason = f"loading its {part} would open files ({', '.join(harmful)})"
            raise NotReplayableError(self.header.target, reason, "exclude that value and capture the call again")
        serializer = next(each.serializer for each in self.header.parts if each.name == part)
        if serializer != PICKLE:
            return get_serializer(serializer).loads(data)
        return thaw(data, facsimiles=self._facsimiles, target=self.header.target, part=part)
