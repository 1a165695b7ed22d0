"""Selects the bundles of a function by hash prefix, file name, arguments and outcome."""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from ..bundle import BundleFile, Header
from ..core.records import Record
from ..core.short_hashes import told_apart
from ..errors import AmbiguousHashError, BundleNotFoundError, CorruptBundleError
from ..store import BundleEntry, StoreReader
from ..store.bundle_files import check_place
from .live_call import ArgumentFilter

Found = tuple[BundleEntry, Header]

_FILE_NAME = re.compile(r"\d{8}T\d{6}\.\d+Z-.+")


class BundleQuery(Record):
    """The bundles of a function to select; None: any value."""

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
    ) -> BundleQuery:
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


def find_newest(store: StoreReader, query: BundleQuery) -> tuple[BundleEntry, BundleFile]:
    """The newest bundle that fits, read, checked and trusted.

    A broken file is skipped with a warning, unless the query names it by its hash or file name.
    Raises what `select` raises, and UntrustedBundleError.
    """
    found = _find_directly(store, query)
    if found is not None:
        return found
    broken: set[str] = set()
    while True:
        entry, _ = select(store, query, most=1, strict=_is_named(query), but=broken)[0]
        try:
            return entry, store.read(entry)
        except CorruptBundleError as error:  # its header could be read
            if _is_named(query):
                raise
            broken.add(entry.name)
            if len(broken) == len(store.bundles(query.target)):
                raise
            warnings.warn(f"left out: {error}", stacklevel=3)


def _is_named(query: BundleQuery) -> bool:
    """Whether the query means certain bundles, and no others will do."""
    return query.name is not None or query.prefix is not None


def _find_directly(store: StoreReader, query: BundleQuery) -> tuple[BundleEntry, BundleFile] | None:
    """The bundle when the store can find it without listing the folder, however large; else None."""
    if query.name is not None or query.call is not None or query.outcome is not None:
        return None
    try:
        prefix = query.prefix
        entry = store.newest(query.target) if prefix is None else store.by_hash(query.target, prefix)
        file = store.read(entry)
        check_place(entry, file.header)
    except BundleNotFoundError:  # or just pruned: the error of `select` lists what there is
        return None
    except CorruptBundleError:
        if query.prefix is not None:
            raise
        return None  # `select` warns of it and takes an older one
    return (entry, file) if _fits(file.header, query) else None


def select(
    store: StoreReader,
    query: BundleQuery,
    most: int | None = None,
    strict: bool = False,
    but: Collection[str] = (),
    torn: bool = False,
) -> list[Found]:
    """The bundles that fit, oldest first: at least one, and at most the newest `most`; not those with the names `but`.

    A file that is torn, without a readable header or of another function is skipped with a warning, so that it does not
    hide the others. With `strict` its error is raised. With `torn` a file that is cut behind its header is found, too.

    Raises:
        TargetNotFoundError, BundleNotFoundError, AmbiguousHashError: they list what there is.
        CorruptBundleError: none fits, and there are files that cannot be read.
    """
    entries = [entry for entry in _candidates(store, query) if entry.name not in but]
    fits = ArgumentFilter(*query.call, query.function) if query.call is not None else None
    found: list[Found] = []
    broken: list[CorruptBundleError] = []
    for item in _headers(store, reversed(entries), torn):
        if isinstance(item, CorruptBundleError):
            broken.append(item)
        elif _fits(item[1], query) and (fits is None or fits(item[1])):
            found.append(item)
        if most is not None and len(found) >= most and query.prefix is None:
            break
    if broken and (strict or not found):
        raise broken[0]
    for error in broken:
        warnings.warn(f"left out: {error}", stacklevel=3)
    if not found:
        raise BundleNotFoundError(query.target, str(query), _existing(store, query.target))
    _refuse_ambiguous(found, query)
    return found[:most][::-1]


def _headers(
    store: StoreReader, entries: Iterable[BundleEntry], torn: bool = False
) -> Iterator[Found | CorruptBundleError]:
    for entry in entries:
        try:
            yield entry, store.loadable_header(entry, torn=torn)
        except CorruptBundleError as error:
            yield error
        except BundleNotFoundError:  # pruned since the folder was listed
            continue


def _candidates(store: StoreReader, query: BundleQuery) -> list[BundleEntry]:
    """The entries that fit by their file names, oldest first."""
    if query.name is not None:
        return [store.by_name(query.target, query.name)]
    entries = store.entries(query.target)
    if not entries:
        return [store.newest(query.target)]  # raises the error that names the nearest functions
    prefix = (query.prefix or "")[:8].lower()
    return [entry for entry in entries if entry.short_hash.startswith(prefix)]


def _fits(header: Header, query: BundleQuery) -> bool:
    if ":" in query.target and header.target != query.target:
        return False  # a function with the same dotted name, so the same folder
    if query.outcome is not None and query.outcome not in _outcome_names(header):
        return False
    digits = header.hash.partition(":")[2]
    return query.prefix is None or digits.startswith(query.prefix.lower())


def _outcome_names(header: Header) -> set[str]:
    names = {header.outcome}
    if header.exception:
        names |= {header.exception, header.exception.rpartition(".")[2]}
    return names


def _refuse_ambiguous(found: list[Found], query: BundleQuery) -> None:
    hashes = dict.fromkeys(header.hash for _, header in found)
    if query.prefix is not None and len(hashes) > 1:
        raise AmbiguousHashError(query.target, query.prefix, tuple(hashes), told_apart(hashes))


def _existing(store: StoreReader, target: str) -> tuple[str, ...]:
    """The existing bundles for an error message, the newest first, with the outcome of the newest eight."""
    entries = store.entries(target)
    recent = [item for item in _headers(store, reversed(entries[-8:])) if not isinstance(item, CorruptBundleError)]
    names = [f"{entry.short_hash} ({header.outcome_kind})" for entry, header in recent]
    return (*names, *(entry.short_hash for entry in reversed(entries[:-8])))
