"""`.hashes/<x>`: names of a function's bundles by the first digits of their hashes.

One of a hundred thousand bundles is found by reading one small file. Kept only for functions with many more bundles
than the index lists.

A file holds one name a line and is only appended to; names of bundles that are gone stay until the shards are rebuilt.
Lost shards are rebuilt from the names of the bundles.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator

from ..core.system import os
from . import files
from .layout import DIGITS, HASHES, BundleEntry, parse_bundle_names

FEWEST = 400  # bundles up to which the folder is listed instead
_TAIL = len("-3fa9c1d2.pkl")
_LINE = len("20261122T093408.123456Z-a41f9c-123456-3fa9c1d2.pkl\n")
_BLOAT = 3  # names of bundles that are gone are tolerated up to so many times what is stored
_LIMIT = 64 * 1024 * 1024  # bytes of one shard that are read
# First two digits -> file, one of 128: more files take too long to write, fewer are too large to read.
_SHARDS = {f"{number:02x}": f"{number & 0x7F:02x}" for number in range(256)}
_FIRST_DIGITS = slice(DIGITS.start, DIGITS.start + 2)  # where they stand in the name of a bundle


def exist(folder: str) -> bool:
    path = f"{folder}/{HASHES}"
    return os.path.isdir(path) and not os.path.islink(path)


def are_bloated(folder: str, stored: int) -> bool:
    """True when most names in the shards are of bundles that are gone."""
    path = f"{folder}/{HASHES}"
    return sum(files.sizes(path, files.list_names(path)).values()) > _BLOAT * max(stored, FEWEST) * _LINE


def add(folder: str, names: Iterable[str]) -> None:
    """Append names of bundles to shards that exist."""
    _append(f"{folder}/{HASHES}", names)


def build(folder: str, names: Iterable[str], token: str) -> None:
    """Write the shards of all `names`, which are those of bundles. Readers see none or all of them."""
    for name in files.list_names(folder):
        if name.startswith(f"{HASHES}-"):  # left by a killed process: only one at a time builds, with the lock
            files.remove_folder(f"{folder}/{name}")
    draft = f"{folder}/{HASHES}-{token}"
    files.make_folders(draft)
    try:
        _append(draft, names)
        discard(folder)
        os.rename(draft, f"{folder}/{HASHES}")
    except BaseException:
        files.remove_folder(draft)
        raise


def _append(path: str, names: Iterable[str]) -> None:
    lines: dict[str, list[str]] = defaultdict(list)
    for name in names:
        lines[_SHARDS[name[_FIRST_DIGITS]]].append(name)
    with files.own_folder(path) as shards:
        for shard, among in lines.items():
            among.append("")
            files.append(shards, shard, "\n".join(among).encode("ascii"))


def find(folder: str, digits: str) -> list[BundleEntry] | None:
    """Entries whose short hash begins with `digits` (two to eight), the newest last; None when there are no shards.

    Some of them may be gone.
    """
    try:
        with files.opened_folder(f"{folder}/{HASHES}") as shards:
            try:
                data, _ = files.read_regular(_SHARDS[digits[:2]], _LIMIT, folder=shards)
            except FileNotFoundError:
                return []
    except OSError:
        return None
    return sorted(parse_bundle_names(_names_with(data, f"-{digits}".encode("ascii", "replace")), folder))


def _names_with(data: bytes, beginning: bytes) -> Iterator[str]:
    """The lines whose hash begins with `beginning`. Searching the bytes is faster than splitting them into lines."""
    position = data.find(beginning)
    while position >= 0:
        start, end = data.rfind(b"\n", 0, position) + 1, data.find(b"\n", position)
        end = end if end >= 0 else len(data)
        if data.rfind(beginning, start, end) == end - _TAIL:
            yield data[start:end].decode("ascii", "replace")
        position = data.find(beginning, end)


def discard(folder: str) -> None:
    """Remove the shards."""
    files.remove_folder(f"{folder}/{HASHES}")
