"""Find the functions and bundles that arguments of the command line name. Errors list the nearest names."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from fnmatch import fnmatchcase

from ..config.targets import Target, TargetPattern
from ..core.near_names import near_matches
from ..errors import ConfigError, StoreError, TargetNotFoundError
from ..store.layout import SUFFIX, BundleEntry
from ..store.reader import FunctionFolder, StoreReader
from .group import UnknownNameError

_FILE_NAME = len("20261122T093408.123456Z-a41f9c-1-3fa9c1d2")  # characters: longer than any hash prefix


def folders(store: StoreReader, glob: str | None = None) -> list[FunctionFolder]:
    """The functions of the store that a glob matches, all without one."""
    found = [folder for folder in store.functions() if folder.target is not None or _may_hold_bundles(store, folder)]
    return found if glob is None else fitting(found, glob)


def fitting(found: Sequence[FunctionFolder], glob: str) -> list[FunctionFolder]:
    """The functions that a glob matches by the grammar of targets, or else by the rules of a shell."""
    for fits in _interpretations(glob):
        chosen = [folder for folder in found if fits(folder)]
        if chosen:
            return chosen
    return []


def _may_hold_bundles(store: StoreReader, folder: FunctionFolder) -> bool:
    try:
        return bool(store.bundles(folder.name))
    except StoreError:  # not readable for this user: the command reports it
        return True


def total_of(store: StoreReader, chosen: Iterable[FunctionFolder]) -> int:
    """The number of bundles of these functions; folders that this user may not read count as empty."""
    total = 0
    for folder in chosen:
        with suppress(StoreError):
            total += len(store.bundles(folder.name))
    return total


def _interpretations(glob: str) -> Iterator[Callable[[FunctionFolder], bool]]:
    try:
        pattern = TargetPattern.parse(glob)
    except ConfigError:
        pass
    else:
        yield lambda folder: _fits(pattern, folder)
    yield lambda folder: fnmatchcase(folder.name, glob) or fnmatchcase(name_of(folder), glob)


def _fits(pattern: TargetPattern, folder: FunctionFolder) -> bool:
    target = Target.read(folder.target) if folder.target is not None else None
    return target is not None and pattern.matches(target)


def is_glob(text: str) -> bool:
    return any(char in text for char in "*?[")


def name_of(folder: FunctionFolder) -> str:
    """`module:qualname` where the store knows it, else the folder's name."""
    return folder.target if folder.target is not None else folder.name


def function(store: StoreReader, name: str) -> FunctionFolder:
    """The function of this name, with a dot or a colon after the module. Raises TargetNotFoundError."""
    quick = store.function(name)
    if quick is not None and name in (quick.target, quick.name):
        return quick
    known = list(store.functions())
    exact = [folder for folder in known if name in (folder.target, folder.name)]
    for folder in exact or [folder for folder in known if _dotted(name) == _dotted(name_of(folder))]:
        return folder
    names = [name_of(folder) for folder in known]
    raise TargetNotFoundError(name, near_matches(name, names), store.base_path, len(names))


def matching(store: StoreReader, globs: Sequence[str]) -> list[FunctionFolder]:
    """The functions that these names and globs match; all functions without any.

    Raises TargetNotFoundError for the first that matches nothing.
    """
    if not globs:
        return folders(store)
    chosen: dict[str, FunctionFolder] = {}
    for glob in globs:
        found = folders(store, glob) if is_glob(glob) else [function(store, glob)]
        if not found:
            known = [name_of(folder) for folder in folders(store)]
            raise TargetNotFoundError(glob, near_matches(glob, known), store.base_path, len(known))
        chosen.update((folder.name, folder) for folder in found)
    return list(chosen.values())


def _dotted(name: str) -> str:
    return name.replace(":", ".", 1)


def bundle(store: StoreReader, folder: FunctionFolder, text: str | None) -> BundleEntry:
    """A bundle by a prefix of its hash or by its file name; without either the newest.

    Raises BundleNotFoundError or AmbiguousHashError.
    """
    if text is None:
        return store.newest(folder.name)
    text = text.rpartition("/")[2]
    if len(text.removesuffix(SUFFIX)) >= _FILE_NAME or text.endswith(SUFFIX):
        return store.by_name(folder.name, text)
    return store.by_hash(folder.name, text)


def newest_two(store: StoreReader, folder: FunctionFolder) -> tuple[BundleEntry, BundleEntry]:
    """The newest bundle and the one before it, the older first. Raises UnknownNameError when there is only one."""
    entries = store.bundles(folder.name)
    if len(entries) < 2:
        newest = store.newest(folder.name)  # raises BundleNotFoundError when there is none
        raise UnknownNameError(f"{name_of(folder)} has only one bundle, {newest.short_hash}; a comparison needs two")
    return entries[-2], entries[-1]
