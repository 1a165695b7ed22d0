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
from .captures_dir import library_with
from .select import Wanted, newest, select
from .stored import fitting, placeholder_paths


def load_capture(
    target: str | Callable[..., Any],
    *,
    hash: str | None = None,
    args: Sequence[Any] | None = None,
    kwargs: Mapping[str, Any] | None = None,
    outcome: str | None = None,
    facsimiles: Mapping[str, object] | None = None,
    base_path: str | os.PathLike[str] | None = None,
) -> Bundle:
    """The newest bundle of a function that fits.

    Args:
        target: `module.qualname`, `module:qualname`, or the function itself.
        hash: A prefix of the argument hash, with or without `h1:`, or a bundle's file name.
        args, kwargs: The call's arguments (without the bound instance), in any spelling that binds the same.
        outcome: `returned`, `raised`, or the type of an exception.
        facsimiles: What to put in place of placeholders, by path.
        base_path: The folder of captures; default: pytest's option, the environment, the config, `captures`.

    Raises:
        TargetNotFoundError, BundleNotFoundError, AmbiguousHashError: they list what there is.
        FacsimileError: a path where the bundle has no placeholder.
        CorruptBundleError, UntrustedBundleError: nothing of the file was unpickled.
    """
    wanted = Wanted.of(target, hash, args, kwargs, outcome)
    store = _opened(wanted, base_path)
    entry, file = newest(store, wanted)
    return Bundle(store, entry, file.header, facsimiles, file)


def load_captures(
    target: str | Callable[..., Any],
    *,
    hash: str | None = None,
    args: Sequence[Any] | None = None,
    kwargs: Mapping[str, Any] | None = None,
    outcome: str | None = None,
    limit: int | None = None,
    facsimiles: Mapping[str, object] | None = None,
    base_path: str | os.PathLike[str] | None = None,
) -> list[Bundle]:
    """All bundles of a function that fit, oldest first; with `limit` the newest of them.

    The list is empty when the function has bundles and none fits. One that has none at all, or is not known, raises
    TargetNotFoundError: a loop over a misspelled name must not pass. A file that is no whole bundle does not hide the
    others: it is left out with a warning that names it. A facsimile is used in those bundles that have a placeholder
    at its path; when none has, that is an error.
    """
    wanted = Wanted.of(target, hash, args, kwargs, outcome)
    try:
        return _bundles(wanted, limit, facsimiles, base_path)
    except BundleNotFoundError:
        return []


def captures_for(
    target: str | Callable[..., Any],
    *,
    hash: str | None = None,
    outcome: str | None = None,
    limit: int | None = None,
    facsimiles: Mapping[str, object] | None = None,
    base_path: str | os.PathLike[str] | None = None,
) -> list[Bundle]:
    """`load_captures` for those who need at least one: raises BundleNotFoundError, which lists what there is."""
    return _bundles(Wanted.of(target, hash, None, None, outcome), limit, facsimiles, base_path)


def _bundles(
    wanted: Wanted,
    limit: int | None,
    facsimiles: Mapping[str, object] | None,
    base_path: str | os.PathLike[str] | None,
) -> list[Bundle]:
    if limit is not None and (not isinstance(limit, int) or limit < 1):
        raise ValueError(f"limit is a number of bundles, at least 1, not {limit!r}")
    store = _opened(wanted, base_path)
    found = select(store, wanted, most=limit)
    facsimiles_of = _fitting([header for _, header in found], facsimiles or {})
    return [Bundle(store, *item, own) for item, own in zip(found, facsimiles_of, strict=True)]


def _opened(wanted: Wanted, base_path: str | os.PathLike[str] | None) -> StoreReader:
    """The captures that are meant, those of this very process among them."""
    own_writes.wait_for_writers()
    return library_with(wanted.target, base_path)


def _fitting(headers: Sequence[Header], facsimiles: Mapping[str, object]) -> list[dict[str, object]]:
    """For each bundle the facsimiles that it has a placeholder for. Raises FacsimileError for one that none has."""
    check_facsimiles(facsimiles, list(dict.fromkeys(path for header in headers for path in placeholder_paths(header))))
    return [fitting(header, facsimiles) for header in headers]
