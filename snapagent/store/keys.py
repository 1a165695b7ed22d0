"""The random key of a store: pseudonyms of redacted values are keyed with it when no SNAPAGENT_KEY is set.

Made once per `capture_dir`, so that equal secrets have equal pseudonyms in all its bundles and in no other store.
"""

from __future__ import annotations

import os
from contextlib import suppress

from . import files
from .failures import BROKEN_KEY, FOREIGN_FOLDER, StoreFailure
from .layout import KEY, TEMPORARY

_SIZE = 32  # bytes


def store_key(base_path: str) -> bytes:
    """Read the key, or make it. Raises StoreFailure when neither can be done; two makers agree on one key."""
    try:
        files.make_folders(base_path)
        with files.opened_folder(base_path, follow=True) as base:
            try:
                return _read(base)
            except FileNotFoundError:
                _make(base)
                return _read(base)
    except OSError as error:
        raise StoreFailure.of(error, f"{base_path}/{KEY}") from error


def _read(base: int) -> bytes:
    key, found = files.read(KEY, _SIZE, folder=base)
    if found.st_uid not in (os.geteuid(), 0):
        raise StoreFailure(FOREIGN_FOLDER, KEY)
    if len(key) != _SIZE:
        raise StoreFailure(BROKEN_KEY, KEY)  # made anew, equal secrets would have other pseudonyms than before
    return key


def _make(base: int) -> None:
    """Linked into place, so that the first maker wins and nobody reads half a key."""
    draft = f"{TEMPORARY}{os.urandom(4).hex()}{KEY}"
    try:
        files.publish(base, draft, os.urandom(_SIZE))
        with suppress(FileExistsError):
            os.link(draft, KEY, src_dir_fd=base, dst_dir_fd=base, follow_symlinks=False)
    finally:
        files.remove(base, draft)
