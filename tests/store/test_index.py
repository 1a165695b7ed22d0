from __future__ import annotations

import json
import math
import os
from pathlib import Path

import pytest
from storing import NOON, TARGET, names, publish, publish_many

from snapagent.config.settings import Settings
from snapagent.core import system
from snapagent.store import BundleEntry, Counts, Store, files, index

KEEP_ALL = Settings(keep=math.inf)


def index_file(store: Store) -> Path:
    return Path(store.folder(TARGET)) / "index.json"


def on_disk(store: Store) -> dict[str, object]:
    return json.loads(index_file(store).read_text())


def test_the_index_has_counts_reasons_and_the_newest_bundles(store: Store) -> None:
    entries = publish_many(store, 3)

    store.update(TARGET, Counts(7, 3, {"quota_met": 2}, {"disk_full": 2}), KEEP_ALL)

    found = on_disk(store)
    assert found["target"] == "shop.pricing:quote"
    assert (found["calls"], found["captured"]) == (7, 3)
    assert (found["skipped"], found["failed"]) == ({"quota_met": 2}, {"disk_full": 2})
    assert [bundle["file"] for bundle in found["bundles"]] == names(entries)[::-1]
    assert found["bundles"][0]["hash"] == store.header(entries[-1]).hash


def test_counts_of_several_processes_add_up(store: Store) -> None:
    for _ in range(3):
        Store(store.base_path).update(TARGET, Counts(2, 1, {"over_budget": 1}))

    assert store.index(TARGET).counts == Counts(6, 3, {"over_budget": 3})


def test_a_function_without_bundles_has_an_index_too(store: Store) -> None:
    store.update(TARGET, Counts(5, 0, {"not_sampled": 5}))

    assert store.index(TARGET).skipped == {"not_sampled": 5}
    assert [function.target for function in store.functions()] == ["shop.pricing:quote"]


BROKEN = {
    "missing": None,
    "empty": b"",
    "half": b'{"newest":"2026',
    "a list": b"[]",
    "a number": b"1",
    "NaN": b"NaN",
    "null counts": b'{"version":1,"target":null,"calls":null}',
    "negative": b'{"version":1,"target":"a:b","calls":-1,"captured":0,"stored":0,"bytes":0,"skipped":{},"failed":{},'
    b'"bundles":[],"tokens":{},"merged":[]}',
    "of the future": b'{"version":99,"target":"a:b","calls":12}',
    "deep": b"[" * 100_000,
    "not text": bytes(range(256)),
}


@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN)
def test_an_index_that_is_lost_or_broken_is_rebuilt_from_headers(store: Store, broken: bytes | None) -> None:
    entries = publish_many(store, 3)
    store.update(TARGET, Counts(9, 3, {"quota_met": 6}), KEEP_ALL)
    if broken is None:
        index_file(store).unlink()
    else:
        index_file(store).write_bytes(broken)

    read = store.index(TARGET)
    assert [stored.name for stored in read.bundles] == names(entries)[::-1]
    assert (read.target, read.calls, read.captured) == ("shop.pricing:quote", 3, 3)
    assert store.newest(TARGET) == entries[-1]

    Store(store.base_path).update(TARGET, Counts(1, 0, {"quota_met": 1}), KEEP_ALL)
    assert (on_disk(store)["calls"], on_disk(store)["captured"], on_disk(store)["stored"]) == (4, 3, 3)


@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN)
def test_the_bytes_are_read_off_the_text_of_a_usable_index_alone(store: Store, broken: bytes | None) -> None:
    publish_many(store, 3)
    store.update(TARGET, Counts(9, 3, {'],"stored":1,"bytes":2,"tokens":{},"merged":[]}\n': 6}), KEEP_ALL)

    with files.opened_folder(store.folder(TARGET)) as folder:
        usable = index.load_usable(folder)
        assert usable is not None and index.stored_bytes(folder) == usable.bytes > 0
        index_file(store).unlink()
        if broken is not None:
            index_file(store).write_bytes(broken)
        assert index.stored_bytes(folder) is index.load_usable(folder) is None


def test_a_broken_index_is_set_aside_for_whoever_wants_to_see_it(store: Store) -> None:
    publish(store)
    store.update(TARGET, Counts(1, 1))
    index_file(store).write_text("{")

    store.update(TARGET, Counts())

    assert (Path(store.folder(TARGET)) / ".corrupt-index.json").read_text() == "{"


def test_an_index_of_a_hundred_megabytes_is_not_read(store: Store) -> None:
    publish(store)
    store.update(TARGET, Counts(1, 1))
    with open(index_file(store), "r+b") as file:
        file.truncate(100 * 1024 * 1024)

    assert store.index(TARGET).captured == 1


def test_bundles_of_a_killed_process_are_found_though_no_index_lists_them(store: Store) -> None:
    publish_many(store, 2)
    store.update(TARGET, Counts(2, 2), KEEP_ALL)
    killed = publish(Store(store.base_path), "killed", when=NOON + 50)

    assert killed.name in [stored.name for stored in store.index(TARGET).bundles]
    assert store.index(TARGET).captured == 3


def test_the_index_lists_the_newest_hundred_and_counts_the_rest(store: Store) -> None:
    entries = publish_many(store, 130)

    updated = store.update(TARGET, Counts(130, 130), KEEP_ALL)

    assert [stored.name for stored in updated.bundles] == names(entries)[:-101:-1]
    assert updated.stored == 130
    assert store.index(TARGET) == updated


def test_counts_are_owed_until_they_are_written(store: Store) -> None:
    os.makedirs(store.folder(TARGET), 0o700)
    with index_lock(store), pytest.raises(Exception, match="locked"):
        store.update(TARGET, Counts(3, 0, {"quota_met": 3}), timeout=0.01)
    assert store.index(TARGET).calls == 0

    store.update(TARGET, Counts(1, 0, {"quota_met": 1}))

    assert on_disk(store)["calls"] == 4


def index_lock(store: Store):
    from snapagent.store.files import locked

    return locked(store.folder(TARGET), 1.0)


def test_counts_left_beside_are_read_at_once_and_merged_once(store: Store) -> None:
    store.update(TARGET, Counts(1, 0, {"quota_met": 1}))
    Store(store.base_path).write_pending_counts(TARGET, Counts(2, 0, {"quota_met": 2}))

    assert store.index(TARGET).calls == 3
    assert on_disk(store)["calls"] == 1

    store.update(TARGET, Counts())
    assert store.index(TARGET).calls == on_disk(store)["calls"] == 3
    store.update(TARGET, Counts())
    assert on_disk(store)["calls"] == 3


def test_a_kill_between_merging_counts_and_removing_them_counts_nothing_twice(store: Store) -> None:
    from snapagent.store import pending_counts

    store.write_pending_counts(TARGET, Counts(2, 0, {"quota_met": 2}))
    ((_, left),) = [(0, list(os.scandir(f"{store.folder(TARGET)}/.counts")))]
    kept = {file.name: Path(file.path).read_bytes() for file in left}
    store.update(TARGET, Counts())
    for name, data in kept.items():  # as if the process had been killed before it removed them
        Path(f"{store.folder(TARGET)}/.counts/{name}").write_bytes(data)

    assert store.index(TARGET).calls == 2
    Store(store.base_path).update(TARGET, Counts(1, 0, {"quota_met": 1}))
    assert store.index(TARGET).calls == 3
    assert pending_counts.collect(store.folder(TARGET), ()) == (Counts(), [])


def test_a_reader_lists_the_folder_only_when_the_index_is_stale(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    entries = publish_many(store, 3)
    store.update(TARGET, Counts(3, 3), KEEP_ALL)
    listed: list[object] = []
    real = os.listdir
    monkeypatch.setattr(system.os, "listdir", lambda path: listed.append(path) or real(path))

    assert store.newest(TARGET) == entries[-1]
    assert store.by_hash(TARGET, entries[0].short_hash) == entries[0]
    assert listed == []

    newer = publish(store, "newer", when=NOON + 99)
    assert store.newest(TARGET) == newer
    assert len(listed) == 1


def test_a_bundle_that_is_published_right_after_an_update_is_the_newest(store: Store) -> None:
    """Within one tick of the clock of the file system."""
    for number in range(50):
        publish(store, number, when=NOON + 2 * number)
        store.update(TARGET, Counts(1, 1), KEEP_ALL)
        newer = publish(store, -number, when=NOON + 2 * number + 1)

        assert store.newest(TARGET) == newer


def test_the_first_bytes_of_the_index_name_the_newest_bundle(store: Store) -> None:
    entry = publish(store, "x" * 1000)
    store.update(TARGET, Counts(1, 1))

    with files.opened_folder(store.folder(TARGET)) as folder:
        assert index.newest_name(folder) == entry.name


def killed_beside_another(base: str) -> tuple[Store, BundleEntry]:
    """One process publishes and is killed before it updates the index; another one runs on and updates it."""
    other = Store(base)
    publish_many(other, 3)
    other.update(TARGET, Counts(3, 3), KEEP_ALL)
    killed = publish(Store(base), "the last words", when=NOON + 100)
    publish(other, "older", when=NOON + 50)
    other.update(TARGET, Counts(1, 1), KEEP_ALL)
    return other, killed


def test_the_newest_is_found_though_its_process_was_killed_while_another_one_updated_the_index(store: Store) -> None:
    _, killed = killed_beside_another(store.base_path)
    reader = Store(store.base_path)

    assert reader.newest(TARGET) == killed
    assert reader.by_hash(TARGET, killed.short_hash) == killed
    assert reader.index(TARGET).bundles[0].name == killed.name
    assert reader.index(TARGET).counts == Counts(5, 5)


def test_bundles_of_a_killed_process_are_indexed_after_a_minute_by_the_others(store: Store) -> None:
    other, killed = killed_beside_another(store.base_path)
    for mark in Path(other.folder(TARGET), ".counts").iterdir():
        os.utime(mark, (NOON, NOON))

    publish(other, "older", when=NOON + 60)
    other.update(TARGET, Counts(1, 1), KEEP_ALL)

    listed = json.loads(Path(other.folder(TARGET), "index.json").read_text())
    assert listed["newest"] == killed.name and listed["stored"] == 6
    assert os.listdir(Path(other.folder(TARGET), ".counts")) == []
