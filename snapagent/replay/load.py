"""`load_capture` and `load_captures`: from a function's name to its bundles."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ..bundle import Header
from ..errors import BundleNotFoundError
from ..serializer.thawing.load import check_facsimiles
from ..store import StoreReader, own_writes
from .bundle import Bundle
from .captures_dir import library_for
from .select import BundleQuery, find_newest, select
from .stored import applicable_facsimiles, placeholder_paths

Facsimiles = Mapping[str, object] | Callable[[], Mapping[str, object]]


def load_capture(
    target: str | Callable[..., Any],
    *,
    hash: str | None = None,
    args: Sequence[Any] | None = None,
    kwargs: Mapping[str, Any] | None = None,
    outcome: str | None = None,
    facsimiles: Facsimiles | None = None,
    base_path: str | os.PathLike[str] | None = None,
) -> Bundle:
    """The newest bundle of a function that fits.

    Args:
        target: `module.qualname`, `module:qualname`, or the function itself.
        hash: A prefix of the argument hash, with or without `h1:` or `h2:`, or a bundle's file name.
        args, kwargs: The call's arguments (without the bound instance), in any spelling that binds the same.
        outcome: `returned`, `raised`, or the type of an exception.
        facsimiles: Stand-ins for placeholders, by path, or a function that returns them.
        base_path: The folder of captures; default: pytest's option, the environment, the config, `captures`.

    Raises:
        TargetNotFoundError, BundleNotFoundError, AmbiguousHashError: they list what there is.
        FacsimileError: a path where the bundle has no placeholder.
        CorruptBundleError, UntrustedBundleError: nothing of the file was unpickled.
    """
    query = BundleQuery.of(target, hash, args, kwargs, outcome)
    store = _open(query, base_path)
    entry, file = find_newest(store, query)
    return Bundle(store, entry, file.header, facsimiles() if callable(facsimiles) else facsimiles, file)


def load_captures(
    target: str | Callable[..., Any],
    *,
    hash: str | None = None,
    args: Sequence[Any] | None = None,
    kwargs: Mapping[str, Any] | None = None,
    outcome: str | None = None,
    limit: int | None = None,
    facsimiles: Facsimiles | None = None,
    base_path: str | os.PathLike[str] | None = None,
) -> list[Bundle]:
    """All bundles of a function that fit, oldest first; with `limit` the newest of them.

    The list is empty when the function has bundles and none fits. An unknown function, or one without bundles, raises
    TargetNotFoundError: a test that loops over a misspelled name must not pass. A damaged file is skipped with a
    warning that names it. A facsimile applies to the bundles that have a placeholder at its path; it is an error when
    none has. A function that returns them is called once for each bundle, so that no two bundles share an object.
    """
    query = BundleQuery.of(target, hash, args, kwargs, outcome)
    try:
        return _bundles(query, limit, facsimiles, base_path)
    except BundleNotFoundError:
        return []


def captures_for(
    target: str | Callable[..., Any],
    *,
    hash: str | None = None,
    outcome: str | None = None,
    limit: int | None = None,
    facsimiles: Facsimiles | None = None,
    base_path: str | os.PathLike[str] | None = None,
) -> list[Bundle]:
    """Like `load_captures`, for tests: raises BundleNotFoundError, which lists the existing bundles, when none fits.

    A torn file is among them if its header can be read, so that its test fails and does not vanish.
    """
    return _bundles(BundleQuery.of(target, hash, None, None, outcome), limit, facsimiles, base_path, torn=True)


def _bundles(
    query: BundleQuery,
    limit: int | None,
    facsimiles: Facsimiles | None,
    base_path: str | os.PathLike[str] | None,
    torn: bool = False,
) -> list[Bundle]:
    if limit is not None and (not isinstance(limit, int) or limit < 1):
        raise ValueError(f"limit must be a number of bundles, at least 1, not {limit!r}")
    store = _open(query, base_path)
    found = select(store, query, most=limit, torn=torn)
    facsimiles_of_each = _facsimiles_of_each([header for _, header in found], facsimiles or {})
    return [Bundle(store, *item, own) for item, own in zip(found, facsimiles_of_each, strict=True)]


def _open(query: BundleQuery, base_path: str | os.PathLike[str] | None) -> StoreReader:
    """The captures to search, including what this process has captured so far."""
    own_writes.wait_for_writers()
    return library_for(query.target, base_path)


def _facsimiles_of_each(headers: Sequence[Header], facsimiles: Facsimiles) -> list[dict[str, object]]:
    """For each bundle the facsimiles of its placeholders. Raises FacsimileError for one that no bundle has."""
    known = list(dict.fromkeys(path for header in headers for path in placeholder_paths(header)))
    found = []
    for header in headers:
        own = facsimiles() if callable(facsimiles) else facsimiles
        check_facsimiles(own, known)
        found.append(applicable_facsimiles(header, own))
    return found
