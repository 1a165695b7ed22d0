"""The first index of a folder: cheap where nobody else writes, and it hides no bundle where somebody does."""

from __future__ import annotations

import json
import math
import os
from pathlib import Path

import pytest
from storing import TARGET, publish

from snapagent.config.settings import Settings
from snapagent.core import system
from snapagent.store import Counts, Store, index
from snapagent.store.folder_contents import FolderContents

KEEP_ALL = Settings(keep=math.inf)
SKIPPED = Counts(3, 0, {"over_budget": 3})


def other(store: Store) -> Store:
    """The store as another process sees it."""
    return Store(store.base_path)


def index_on_disk(store: Store) -> dict[str, object]:
    found: dict[str, object] = json.loads(Path(store.folder(TARGET), "index.json").read_text())
    return found


def test_a_function_that_was_only_called_has_a_folder_with_an_index_and_nothing_else(store: Store) -> None:
    os.mkdir(store.base_path)
    store.update(TARGET, SKIPPED)

    assert os.listdir(store.folder(TARGET)) == ["index.json"]
    assert index_on_disk(store)["calls"] == 3
    assert other(store).index(TARGET).counts == SKIPPED


def test_counts_that_are_saved_without_the_lock_make_the_index_of_a_new_folder(store: Store) -> None:
    os.mkdir(store.base_path)
    store.write_pending_counts(TARGET, SKIPPED)
    assert index_on_disk(store)["calls"] == 3

    other(store).write_pending_counts(TARGET, SKIPPED)  # the folder is there: beside the index
    assert index_on_disk(store)["calls"] == 3
    assert store.index(TARGET).calls == 6


def test_a_short_process_leaves_no_mark_and_no_lock_beside_its_bundle(store: Store) -> None:
    entry = publish(store)
    store.update(TARGET, Counts(1, 1), last=True)

    assert sorted(os.listdir(store.folder(TARGET))) == sorted([entry.name, "index.json"])
    assert other(store).newest(TARGET) == entry


def test_two_processes_that_begin_with_the_same_function_count_each_call_once(store: Store) -> None:
    second = other(store)
    publish(store, 1)
    publish(second, 2, when=2e9)
    second.update(TARGET, Counts(1, 1))
    store.update(TARGET, Counts(1, 1))

    assert index_on_disk(store)["calls"] == index_on_disk(store)["captured"] == index_on_disk(store)["stored"] == 2


@pytest.mark.parametrize("settings", [Settings(keep=5), KEEP_ALL], ids=["few", "all"])
@pytest.mark.parametrize("step", ["save", "set_fresh"])
def test_a_bundle_published_while_another_process_writes_the_first_index_is_found_though_its_process_is_killed(
    store: Store, monkeypatch: pytest.MonkeyPatch, step: str, settings: Settings
) -> None:
    writing = other(store)
    publish(writing, 1)
    published = []
    real = getattr(index, step)

    def while_another_publishes(*args: object) -> None:
        if not published:
            published.append(publish(store, 2, when=2e9))  # this process is killed then
        real(*args)

    publish(store, 0, when=1.0)
    monkeypatch.setattr(index, step, while_another_publishes)
    writing.update(TARGET, Counts(1, 1), settings)

    assert [store.newest(TARGET)] == published
    writing.update(TARGET, Counts(1, 0, {"quota_met": 1}), settings)
    assert [store.newest(TARGET)] == published


def test_another_process_that_makes_the_first_index_without_the_lock_loses_no_count(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.makedirs(store.folder(TARGET), 0o700)
    real = FolderContents.refresh

    def while_another_creates(self: FolderContents, folder: int, *args: object) -> None:
        real(self, folder, *args)  # type: ignore[arg-type]
        monkeypatch.setattr(FolderContents, "refresh", real)
        assert index.create(folder, index.FunctionIndex(str(TARGET)).counting(SKIPPED))

    monkeypatch.setattr(FolderContents, "refresh", while_another_creates)
    store.update(TARGET, SKIPPED)

    assert index_on_disk(store)["calls"] == 6


@pytest.mark.parametrize("stranger", [None, ".quota", "notes.txt", ".tmp-left"])
def test_the_first_index_of_own_bundles_is_that_of_a_listing(store: Store, stranger: str | None) -> None:
    """Where only this process has published, its bundles are not looked at one by one."""
    for number in range(150):
        publish(store, number, when=float(number), exception="ValueError" if number % 3 else None)
    gone = publish(store, "evicted", when=50.5)
    store.folder_writer(TARGET).record_removed(gone.name, os.stat(gone.path).st_size)
    os.unlink(gone.path)
    if stranger is not None:  # then they are
        Path(store.folder(TARGET), stranger).touch()
    store.update(TARGET, Counts(151, 151), KEEP_ALL)
    made = index_on_disk(store)
    assert made["stored"] == 150
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(system.os, "listdir", lambda path: pytest.fail("a reader listed the folder"))
        assert other(store).newest(TARGET).when == pytest.approx(149.0)

    other(store).update(TARGET, Counts(), Settings(keep=900))  # lists

    assert index_on_disk(store) == made | {"tokens": index_on_disk(store)["tokens"]}
    assert [number for number in index_on_disk(store)["tokens"].values() if number] == [150]
