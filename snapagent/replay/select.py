"""Which bundles of a function are meant: by hash prefix, file name, arguments, outcome."""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from ..bundle import BundleFile, Header
from ..core.records import Record
from ..errors import AmbiguousHashError, BundleNotFoundError, CorruptBundleError
from ..store import BundleEntry, StoreReader
from .asked import ArgumentTest

Found = tuple[BundleEntry, Header]

_FILE_NAME = re.compile(r"\d{8}T\d{6}\.\d+Z-.+")


class Wanted(Record):
    """What somebody asks of a function's bundles; None: no matter."""

    target: str
    prefix: str | None = None
    name: str | None = None
    call: tuple[tuple[Any, ...], dict[str, Any]] | None = None
    outcome: str | None = None
    function: Callable[..., Any] | None = None

    @classmethod
    def of(
        cls,
        target: str | Callable[..., Any],
        hash: str | None,
        args: Sequence[Any] | None,
        kwargs: Mapping[str, Any] | None,
        outcome: str | None,
    ) -> Wanted:
        """From the arguments of `load_capture`."""
        call = None if args is None and kwargs is None else (tuple(args or ()), dict(kwargs or {}))
        prefix, name = _prefix_or_name(hash)
        return cls(target_name(target), prefix, name, call, outcome, None if isinstance(target, str) else target)

    def __str__(self) -> str:
        words = [
            f"hash {self.prefix!r}" if self.prefix is not None else "",
            f"file name {self.name!r}" if self.name else "",
            "these arguments" if self.call else "",
            f"outcome {self.outcome!r}" if self.outcome else "",
        ]
        return ", ".join(word for word in words if word) or "a readable header"


def target_name(target: str | Callable[..., Any]) -> str:
    """The name of a target; a function's is taken from it. Raises TypeError for what is neither."""
    if isinstance(target, str):
        return target
    if not hasattr(target, "__qualname__"):
        raise TypeError(f"a target is the name of a function or the function itself, not {target!r}")
    return f"{target.__module__}:{target.__qualname__}"


def _prefix_or_name(text: str | None) -> tuple[str | None, str | None]:
    if text is None:
        return None, None
    stem = os.path.basename(text).removesuffix(".pkl")
    if _FILE_NAME.fullmatch(stem):
        return None, stem
    version, colon, digits = text.strip().partition(":")
    return digits if colon else version, None


def newest(store: StoreReader, wanted: Wanted) -> tuple[BundleEntry, BundleFile]:
    """The newest bundle that fits, read, checked and trusted; raises as `select`, also for a broken file in its place.

    UntrustedBundleError too.
    """
    found = _straight(store, wanted)
    if found is None:
        entry, _ = select(store, wanted, most=1, strict=True)[0]
        found = entry, store.read(entry)
    return found


def _straight(store: StoreReader, wanted: Wanted) -> tuple[BundleEntry, BundleFile] | None:
    """What the store finds without listing the folder, however many bundles there are; None: more must be looked at."""
    if wanted.name is not None or wanted.call is not None or wanted.outcome is not None:
        return None
    try:
        prefix = wanted.prefix
        entry = store.newest(wanted.target) if prefix is None else store.by_hash(wanted.target, prefix)
        file = store.read(entry)
    except BundleNotFoundError:  # not there, or pruned this moment: `select` tells what there is
        return None
    return (entry, file) if _fits(file.header, wanted) else None


def select(store: StoreReader, wanted: Wanted, most: int | None = None, strict: bool = False) -> list[Found]:
    """The bundles that fit, oldest first, at least one; of more than `most` the newest.

    A file without a readable header is left out with a warning (`strict`: raised), as it must not hide the others.

    Raises:
        TargetNotFoundError, BundleNotFoundError, AmbiguousHashError: they list what there is.
        CorruptBundleError: nothing else fits but files that cannot be read.
    """
    entries = _candidates(store, wanted)
    fits = ArgumentTest(*wanted.call, wanted.function) if wanted.call is not None else None
    found: list[Found] = []
    broken: list[CorruptBundleError] = []
    for item in _headers(store, reversed(entries)):
        if isinstance(item, CorruptBundleError):
            broken.append(item)
        elif _fits(item[1], wanted) and (fits is None or fits(item[1])):
            found.append(item)
        if most is not None and len(found) >= most and wanted.prefix is None:
            break
    if broken and (strict or not found):
        raise broken[0]
    for error in broken:
        warnings.warn(f"left out: {error}", stacklevel=3)
    if not found:
        raise BundleNotFoundError(wanted.target, str(wanted), _known(store, wanted.target))
    _refuse_ambiguous(found, wanted)
    return found[:most][::-1]


def _headers(store: StoreReader, entries: Iterable[BundleEntry]) -> Iterator[Found | CorruptBundleError]:
    for entry in entries:
        try:
            yield entry, store.header(entry)
        except CorruptBundleError as error:
            yield error
        except BundleNotFoundError:  # pruned meanwhile
            continue


def _candidates(store: StoreReader, wanted: Wanted) -> list[BundleEntry]:
    """What the names alone leave to be looked at, oldest first."""
    if wanted.name is not None:
        return [store.by_name(wanted.target, wanted.name)]
    entries = store.entries(wanted.target)
    if not entries:
        return [store.newest(wanted.target)]  # raises the error that names the nearest functions
    prefix = (wanted.prefix or "")[:8].lower()
    return [entry for entry in entries if entry.short_hash.startswith(prefix)]


def _fits(header: Header, wanted: Wanted) -> bool:
    if ":" in wanted.target and header.target != wanted.target:
        return False  # another function whose name makes the same folder
    if wanted.outcome is not None and wanted.outcome not in _outcome_names(header):
        return False
    digits = header.hash.partition(":")[2]
    return wanted.prefix is None or digits.startswith(wanted.prefix.lower())


def _outcome_names(header: Header) -> set[str]:
    names = {header.outcome}
    if header.exception:
        names |= {header.exception, header.exception.rpartition(".")[2]}
    return names


def _refuse_ambiguous(found: list[Found], wanted: Wanted) -> None:
    hashes = dict.fromkeys(header.hash for _, header in found)
    if wanted.prefix is not None and len(hashes) > 1:
        raise AmbiguousHashError(wanted.target, wanted.prefix, tuple(hashes))


def _known(store: StoreReader, target: str) -> tuple[str, ...]:
    """What there is, the newest in a few words each."""
    entries = store.entries(target)
    recent = [item for item in _headers(store, reversed(entries[-8:])) if not isinstance(item, CorruptBundleError)]
    names = [f"{entry.short_hash} ({header.outcome_kind})" for entry, header in recent]
    return (*names, *(entry.short_hash for entry in reversed(entries[:-8])))
