"""`verify`: find every problem in a store. Each file is checked, none is unpickled, and one problem hides no other."""

from __future__ import annotations

import stat
from collections.abc import Callable, Collection, Iterator

from ..bundle import decode
from ..core.records import Record
from ..core.system import os
from ..errors import CorruptBundleError, UntrustedBundleError
from . import files, index
from .bundle_files import MAX_FILE
from .index import BrokenIndex
from .layout import INDEX, KEY, PIN, SUFFIX, TEMPORARY, folder_name, is_function_folder, is_own_name, parse_bundle_name
from .trust import Trust

CORRUPT = "corrupt"  # torn, altered, or not a bundle
UNTRUSTED = "untrusted"  # whole, but the trust policy refuses it
MISPLACED = "misplaced"  # whole, but of another function than its folder
FOREIGN = "foreign"  # not made by the store: a link, a FIFO, a file or folder of another name or owner
ORPHAN = "orphan"  # left by a writer that was killed, or a pin without its bundle
BROKEN_INDEX = "broken_index"


class Problem(Record):
    """One problem: the path, a kind (one of the words above), and a sentence."""

    path: str
    kind: str
    reason: str


def problems(
    base_path: str, trust: Trust, now: float, folders: Collection[str] | None, on_file: Callable[[str], None]
) -> Iterator[Problem]:
    """The problems under `base_path`, or only in its `folders`; none when there is no store.

    `on_file` is called with the name of each file in a function's folder, for progress.
    """
    if folders is not None:
        for name in folders:
            yield from _in_folder(f"{base_path}/{name}", name, trust, now, on_file)
        return
    try:
        with files.opened_folder(base_path, follow=True) as base:
            for name in sorted(os.listdir(base)):
                yield from _in_base(base, base_path, name, trust, now, on_file)
    except FileNotFoundError:
        return
    except OSError as error:
        yield Problem(base_path, FOREIGN, f"it cannot be listed ({error.strerror})")


def _in_base(
    base: int, base_path: str, name: str, trust: Trust, now: float, on_file: Callable[[str], None]
) -> Iterator[Problem]:
    path = f"{base_path}/{name}"
    found = os.stat(name, dir_fd=base, follow_symlinks=False)
    if name.startswith(TEMPORARY):
        yield from _orphan(path, found, now)
    elif stat.S_ISDIR(found.st_mode):
        if is_function_folder(name):
            yield from _in_folder(path, name, trust, now, on_file)
    elif stat.S_ISLNK(found.st_mode) or (name != KEY and name.endswith(SUFFIX)):
        yield Problem(path, FOREIGN, f"the store makes no {_kind(found)} here")


def _in_folder(path: str, name: str, trust: Trust, now: float, on_file: Callable[[str], None]) -> Iterator[Problem]:
    try:
        with files.opened_folder(path) as folder:
            names = frozenset(os.listdir(folder))
            for file in sorted(names):
                on_file(file)
                try:
                    yield from _file(folder, path, file, names, name, trust, now)
                except FileNotFoundError:
                    continue  # retention was quicker
            yield from _index(folder, path)
    except OSError as error:
        yield Problem(path, FOREIGN, f"it cannot be listed ({error.strerror})")


def _file(
    folder: int, path: str, name: str, names: Collection[str], target: str, trust: Trust, now: float
) -> Iterator[Problem]:
    found = os.stat(name, dir_fd=folder, follow_symlinks=False)
    place = f"{path}/{name}"
    if name.startswith(TEMPORARY):
        yield from _orphan(place, found, now)
    elif name.endswith(PIN) and parse_bundle_name(name.removesuffix(PIN), path) is not None:
        if name.removesuffix(PIN) not in names:
            yield Problem(place, ORPHAN, "it pins a bundle that is gone")
    elif parse_bundle_name(name, path) is not None:
        yield from _bundle(folder, place, name, found, target, trust)
    elif not is_own_name(name):
        yield Problem(place, FOREIGN, f"the store did not make this {_kind(found)}")


def _bundle(folder: int, place: str, name: str, found: files.Status, target: str, trust: Trust) -> Iterator[Problem]:
    if not stat.S_ISREG(found.st_mode):
        yield Problem(place, FOREIGN, f"it is a {_kind(found)} in place of a bundle")
        return
    try:
        data, found = files.read_regular(name, MAX_FILE, folder=folder)
        bundle = decode(data, place)
        trust.check(bundle, place, found, folder)
    except CorruptBundleError as error:
        yield Problem(place, CORRUPT, error.reason)
    except UntrustedBundleError as error:
        yield Problem(place, UNTRUSTED, f"{error.reason}; {error.remedy}")
    except FileNotFoundError:
        raise
    except OSError as error:
        yield Problem(place, CORRUPT, f"it cannot be read ({error.strerror or error})")
    else:
        if folder_name(bundle.header.target) != target:
            yield Problem(place, MISPLACED, f"it is a bundle of {bundle.header.target!r}")


def _index(folder: int, path: str) -> Iterator[Problem]:
    try:
        index.load(folder)
    except BrokenIndex:
        yield Problem(f"{path}/{INDEX}", BROKEN_INDEX, "it cannot be used; the next capture writes another")
    except OSError as error:
        yield Problem(f"{path}/{INDEX}", FOREIGN, f"it cannot be read ({error.strerror or error})")


def _orphan(path: str, found: files.Status, now: float) -> Iterator[Problem]:
    if abs(now - found.st_mtime) >= files.ORPHAN_AGE:
        yield Problem(path, ORPHAN, "a writer that was killed left it; 'snapagent prune' removes it")


def _kind(found: files.Status) -> str:
    for test, word in (
        (stat.S_ISLNK, "link"),
        (stat.S_ISDIR, "folder"),
        (stat.S_ISFIFO, "FIFO"),
        (stat.S_ISSOCK, "socket"),
        (stat.S_ISREG, "file"),
    ):
        if test(found.st_mode):
            return word
    return "device"
