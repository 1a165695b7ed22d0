"""Puts another bundle in place of a stored one, under its name. What is known about the file beside it follows."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress

from ..bundle import BundleFile, Header, SigningKey, decode, encode
from ..core.clock import time
from ..core.system import os
from . import files, locks, trust
from .failures import StoreFailure, failing_at
from .folder_writer import FolderWriter
from .index import Counts, IndexedBundle
from .layout import INDEX, BundleEntry
from .retention import KEEP_ALL

_PATIENCE = 1.0  # seconds to wait for the lock of the index
_TURN = 10.0  # seconds to wait for others that replace a bundle here: they rewrite the manifest too


def encoded(
    header: Header, payload: Mapping[str, bytes], key: SigningKey | None, path: str
) -> tuple[bytes, BundleFile]:
    """The bytes of a bundle, and what a reader makes of them. `path` is for messages."""
    data = encode(header, payload, key)
    return data, decode(data, path)


def replace_bundle(entry: BundleEntry, data: bytes, bundle: BundleFile, key: SigningKey | None = None) -> None:
    """Write `data` over a bundle: a reader sees the old one or the new one, also when several processes write.

    A manifest that lists the bundle gets the new digest, signed with `key`, and an index the new outcome. Raises
    StoreFailure, and then the bundle is as it was or whole and new.
    """
    path = os.path.dirname(entry.path)
    token = os.urandom(3).hex()
    with failing_at(path), files.own_folder(path) as folder, locks.held_without_file(folder, path, _TURN):
        files.publish(folder, entry.name, data, token=f"{token}-")
        trust.update_manifest(path, entry.name, bundle.digest, key)
        indexed = files.exists(folder, INDEX)
    if indexed:
        with suppress(StoreFailure, OSError):  # readers of a stale index list the folder
            writer = FolderWriter(path, "", token)
            writer.record_published((IndexedBundle.of(entry.name, bundle.header, len(data)),), KEEP_ALL)
            writer.update(Counts(), KEEP_ALL, time(), _PATIENCE)
