"""Finds the newest bundle of a function by the beginning of its hash.

Shards and index are asked first: their cost does not grow with the number of bundles, that of a listing does.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ..core.short_hashes import told_apart, without_version
from ..errors import AmbiguousHashError, BundleNotFoundError, CorruptBundleError
from . import files, hash_shards, index
from .bundle_files import header_of
from .folder_contents import BundleEntries
from .index import BrokenIndex
from .layout import BundleEntry, parse_bundle_names
from .pending_counts import index_is_current

_HEXADECIMAL = frozenset("0123456789abcdef")
_SHORT = 8  # digits in the names of files
_TWINS = 32  # bundles of one short hash whose full hashes are compared


def find(target: object, path: str, prefix: str, listed: Callable[[], BundleEntries]) -> BundleEntry:
    """The newest bundle in the folder `path` whose hash begins with `prefix`; `listed` gives all bundles.

    Raises BundleNotFoundError, AmbiguousHashError, and what `listed` raises.
    """
    digits = without_version(prefix.strip().lower())
    fits = len(digits) >= 2 and _HEXADECIMAL.issuperset(digits)
    candidates = _with_digits(path, digits[:_SHORT]) if fits else None
    entry = _newest_with(target, candidates, digits) if candidates else None
    if entry is None:
        known = listed()
        entry = _newest_with(target, known.with_digits(digits[:_SHORT]), digits)
        if entry is None:
            raise BundleNotFoundError(str(target), f"a hash that begins with {digits!r}", known.short_hashes())
    return entry


def _with_digits(path: str, digits: str) -> list[BundleEntry] | None:
    """Candidates found without listing the folder, or None when only a listing can find all."""
    try:
        with files.opened_folder(path) as folder:
            if not index_is_current(folder, path):
                return None
            candidates = hash_shards.find(path, digits)
            if candidates is not None:
                return [entry for entry in candidates if files.exists(folder, entry.name)]
            found = index.load(folder)
    except (OSError, BrokenIndex):
        return None
    if found is None or found.stored > len(found.bundles):
        return None
    entries = parse_bundle_names((bundle.name for bundle in reversed(found.bundles)), path)
    return [entry for entry in entries if entry.short_hash.startswith(digits)]


def _newest_with(target: object, entries: Sequence[BundleEntry], digits: str) -> BundleEntry | None:
    """The newest of `entries` whose whole hash begins with `digits`; their short hashes are known to fit."""
    different = {entry.short_hash: entry for entry in entries}
    if len(different) > 1:
        whole = {short: _hash(entry) for short, entry in list(different.items())[-_TWINS:]}
        raise _ambiguous(target, digits, {whole.get(short, f"h1:{short}") for short in different})
    twins = entries[-_TWINS:]
    if len(digits) <= _SHORT:
        hashes = {_hash(entry) for entry in twins} if len(twins) > 1 else set()
        if len(hashes) > 1:
            raise _ambiguous(target, digits, hashes)
        return twins[-1] if twins else None
    fitting = (entry for entry in reversed(entries) if _hash(entry).partition(":")[2].startswith(digits))
    return next(fitting, None)


def _hash(entry: BundleEntry) -> str:
    try:
        return header_of(entry).hash
    except (CorruptBundleError, OSError):
        return f"h1:{entry.short_hash}"


def _ambiguous(target: object, digits: str, hashes: set[str]) -> AmbiguousHashError:
    found = sorted(hashes)
    return AmbiguousHashError(str(target), digits, found, told_apart(found))
