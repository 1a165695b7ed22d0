from __future__ import annotations

import multiprocessing
import os
import stat
from pathlib import Path

import pytest

from snapagent.bundle import SigningKey
from snapagent.store.failures import StoreFailure
from snapagent.store.keys import pseudonym_key, store_key


def test_the_key_of_a_store_is_made_once_and_is_for_its_owner_alone(tmp_path: Path) -> None:
    base = tmp_path / "captures"

    key = store_key(str(base))

    assert len(key) == 32 and store_key(str(base)) == key
    assert stat.S_IMODE((base / ".key").stat().st_mode) == 0o600
    assert [path.name for path in base.iterdir()] == [".key"]
    assert store_key(str(tmp_path / "other")) != key


def test_processes_that_make_it_at_once_agree(tmp_path: Path) -> None:
    with multiprocessing.get_context("fork").Pool(8) as pool:
        keys = pool.map(store_key, [str(tmp_path / "captures")] * 32)

    assert len(set(keys)) == 1


def test_a_planted_link_is_not_read_as_a_key(tmp_path: Path) -> None:
    (tmp_path / "known").write_bytes(b"k" * 32)
    os.symlink(tmp_path / "known", tmp_path / ".key")

    with pytest.raises(StoreFailure):
        store_key(str(tmp_path))


def test_a_damaged_key_is_reported(tmp_path: Path) -> None:
    (tmp_path / ".key").write_bytes(b"half")

    with pytest.raises(StoreFailure, match="broken_key"):
        store_key(str(tmp_path))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_a_key_of_another_user_is_not_used(tmp_path: Path) -> None:
    store_key(str(tmp_path))
    os.chown(tmp_path / ".key", 65534, 65534)

    with pytest.raises(StoreFailure, match="foreign"):
        store_key(str(tmp_path))


def test_the_first_signing_key_makes_pseudonyms_and_then_the_store_gets_no_key(tmp_path: Path) -> None:
    base = str(tmp_path / "captures")

    assert pseudonym_key((SigningKey(b"first"), SigningKey(b"second")), base) == b"first"
    assert not os.path.exists(base)
    assert pseudonym_key((), base) == store_key(base)
