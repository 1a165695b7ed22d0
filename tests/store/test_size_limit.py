from __future__ import annotations

import math
import os
from pathlib import Path

import pytest
from storing import NOON, header_of, payload_of, publish

from snapagent.config.settings import Settings
from snapagent.store import BundleEntry, Counts, Store, StoreFailure, index
from snapagent.store.layout import parse_bundle_names
from snapagent.store.retention import KEEP_ALL

SETTINGS = Settings(keep=math.inf)


def limited(tmp_path: Path, limit: float) -> Store:
    return Store(tmp_path / "captures", max_bytes=limit)


def write(store: Store, number: int, target: str = "shop:a", size: int = 1000, **header: object) -> BundleEntry:
    """As the writer does it."""
    payload = payload_of(os.urandom(size // 2))  # the value is in both parts
    store.open(target, KEEP_ALL, NOON + number)
    made = header_of(payload, target, **header)
    stored, data = store.prepare(made, payload, NOON + number, number)
    with store.writing(target) as folder:
        store.write(folder, stored, data)
    store.record(target, (stored,), KEEP_ALL)
    return next(parse_bundle_names((stored.name,), folder.path))


def used(store: Store) -> int:
    return sum(path.stat().st_size for path in Path(store.base_path).rglob("*.pkl"))


def test_the_oldest_of_all_functions_are_evicted(tmp_path: Path) -> None:
    store = limited(tmp_path, 50_000)

    entries = [write(store, number, f"shop:{'ab'[number % 2]}") for number in range(100)]

    assert used(store) <= 50_000
    left = {entry.name for target in ("shop:a", "shop:b") for entry in store.entries(target)}
    assert left == {entry.name for entry in entries[-len(left) :]}
    assert len(left) >= 20


def test_ten_times_the_limit_never_takes_more_than_the_limit(tmp_path: Path) -> None:
    store = limited(tmp_path, 20_000)

    for number in range(110):
        write(store, number)
        assert used(store) <= 20_000


def test_pinned_bundles_stay_and_do_not_count(tmp_path: Path) -> None:
    store = limited(tmp_path, 20_000)
    pinned = [write(store, number) for number in range(5)]
    for entry in pinned:
        store.pin(entry)

    for number in range(5, 60):
        write(store, number)

    assert set(pinned) <= set(store.entries("shop:a"))
    assert used(store) > 20_000


def test_the_one_error_outlives_a_flood_of_successes(tmp_path: Path) -> None:
    store = limited(tmp_path, 20_000)
    error = write(store, 0, exception="ValueError")
    store.update("shop:a", Counts(1, 1), SETTINGS)

    for number in range(1, 60):
        write(store, number)
        if number % 5 == 0:
            store.update("shop:a", Counts(5, 5), SETTINGS)

    assert error in store.entries("shop:a")
    assert used(store) <= 22_000


def test_what_another_process_stored_counts_too(tmp_path: Path) -> None:
    other = limited(tmp_path, math.inf)
    old = [publish(other, "x" * 1000, when=NOON - 1000 + number, target="shop:other") for number in range(10)]
    other.update("shop:other", Counts(10, 10), SETTINGS)

    store = limited(tmp_path, 20_000)
    for number in range(10):
        write(store, number)

    assert used(store) <= 22_000
    assert set(old) - set(store.entries("shop:other"))
    assert store.index("shop:other").stored == len(store.entries("shop:other"))


@pytest.mark.parametrize("keep", [math.inf, 900])
def test_what_is_evicted_while_the_index_is_written_is_not_counted_in_it_for_ever(
    tmp_path: Path, keep: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In `sync` mode callers make space while the writer's thread updates the index."""
    store = limited(tmp_path, math.inf)
    first, *_ = [write(store, number) for number in range(5)]
    settings = Settings(keep=keep)
    store.update("shop:a", Counts(5, 5), settings)
    write(store, 6)
    real = index.save

    def save(*args: object) -> None:
        monkeypatch.undo()
        store.folder_writer("shop:a").record_removed(first.name, Path(first.path).stat().st_size)
        os.unlink(first.path)
        real(*args)

    monkeypatch.setattr(index, "save", save)
    store.update("shop:a", Counts(1, 1), settings)
    store.update("shop:a", Counts(1, 1), settings)

    found = store.index("shop:a")
    assert (found.stored, found.bytes) == (5, used(store))


def test_a_bundle_larger_than_the_whole_store_is_refused(tmp_path: Path) -> None:
    store = limited(tmp_path, 10_000)
    small = write(store, 1)

    with pytest.raises(StoreFailure, match="store_full"):
        write(store, 2, size=30_000)

    assert used(store) <= 10_000
    assert store.entries("shop:a") in ([small], [])
