from __future__ import annotations

import math
from pathlib import Path

import pytest
from storing import NOON, TARGET, publish, publish_many

from snapagent.config.settings import Settings
from snapagent.core import system
from snapagent.store import Counts, Store, hash_shards

KEEP_ALL = Settings(keep=math.inf)


def shard_bytes(store: Store) -> int:
    return sum(file.stat().st_size for file in Path(store.folder(TARGET), ".hashes").iterdir())


@pytest.fixture
def full(store: Store) -> Store:
    publish_many(store, hash_shards.FEWEST + 10)
    store.update(TARGET, Counts(410, 410), KEEP_ALL)
    return store


def test_what_is_stored_later_is_found_without_listing_the_folder(full: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    later = publish(full, "later", when=NOON + 1e4)
    full.update(TARGET, Counts(1, 1), KEEP_ALL)
    monkeypatch.setattr(system.os, "listdir", lambda path: pytest.fail("the folder was listed"))

    assert full.by_hash(TARGET, later.short_hash) == later
    assert full.newest(TARGET) == later


def test_lost_shards_are_made_again(full: Store) -> None:
    hash_shards.discard(full.folder(TARGET))
    publish(full, "later", when=NOON + 1e4)

    full.update(TARGET, Counts(1, 1), KEEP_ALL)

    entries = full.entries(TARGET)
    found = [hash_shards.find(full.folder(TARGET), entry.short_hash) for entry in entries]
    assert all(entry in candidates for entry, candidates in zip(entries, found, strict=True) if candidates is not None)
    assert None not in found


def test_names_of_bundles_that_are_gone_do_not_pile_up(full: Store) -> None:
    before = shard_bytes(full)
    for number in range(200):
        for step in range(8):
            entry = publish(full, number * 8 + step, when=NOON + 1e5 + number)
            full.delete(entry)
            full.folder_writer(TARGET).record_removed(entry.name, 0)
        full.update(TARGET, Counts(8, 8), KEEP_ALL)

    assert shard_bytes(full) < 4.5 * before


def test_shards_go_when_few_bundles_are_left(full: Store) -> None:
    full.update(TARGET, Counts(), Settings(keep=5))
    full.update(TARGET, Counts(), Settings(keep=5), last=True)
    Store(full.base_path).update(TARGET, Counts(), Settings(keep=5))

    assert not hash_shards.exist(full.folder(TARGET))
    assert full.by_hash(TARGET, full.newest(TARGET).short_hash) == full.newest(TARGET)


def test_half_made_shards_of_a_killed_process_are_removed_by_the_next_builder(full: Store) -> None:
    orphan = Path(full.folder(TARGET), ".hashes-abcdef")
    orphan.mkdir()
    (orphan / "00").write_text("")
    hash_shards.discard(full.folder(TARGET))

    full.update(TARGET, Counts(1, 0, {"quota_met": 1}), KEEP_ALL)

    assert not orphan.exists() and hash_shards.exist(full.folder(TARGET))
