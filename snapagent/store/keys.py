"""The key of pseudonyms, by which equal redacted values are still seen to be equal.

It is the first signing key when there is one. Else each `capture_dir` gets a random key of its own, made once, so that
equal secrets have equal pseudonyms in all its bundles and in no other store.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..bundle import SigningKey
from ..core.system import os
from . import files
from .failures import BROKEN_KEY, FOREIGN_FOLDER, StoreFailure, failing_at
from .layout import KEY

_SIZE = 32  # bytes


def pseudonym_key(signing_keys: Sequence[SigningKey], base_path: str) -> bytes:
    """The key for pseudonyms of this store. Raises StoreFailure like `store_key`."""
    return signing_keys[0].secret if signing_keys else store_key(base_path)


def key_for_one_more(signing_keys: Sequence[SigningKey], base_path: str) -> bytes:
    """The same for one bundle more, where no key is to be made: a folder in a repository has none.

    Its pseudonyms are then like no others. Raises StoreFailure when the key is there and cannot be read.
    """
    if signing_keys or os.path.lexists(f"{base_path}/{KEY}"):
        return pseudonym_key(signing_keys, base_path)
    return os.urandom(_SIZE)


def store_key(base_path: str) -> bytes:
    """Read the random key, or make it. Raises StoreFailure when neither is possible; concurrent makers get one key."""
    with failing_at(f"{base_path}/{KEY}"):
        files.make_folders(base_path)
        with files.opened_folder(base_path, follow=True) as base:
            try:
                return _read(base)
            except FileNotFoundError:
                files.create_once(base, KEY, os.urandom(_SIZE))
                return _read(base)


def _read(base: int) -> bytes:
    key, found = files.read_regular(KEY, _SIZE, folder=base)
    if found.st_uid not in (os.geteuid(), 0):
        raise StoreFailure(FOREIGN_FOLDER, KEY)
    if len(key) != _SIZE:
        raise StoreFailure(BROKEN_KEY, KEY)  # a new key would give equal secrets other pseudonyms than before
    return key
