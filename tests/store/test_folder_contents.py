"""A folder's bundles as sorted names: the order of ages, whatever the names are made of."""

from __future__ import annotations

import os
import random

import pytest
from storing import NOON, TARGET, new_entry, publish, publish_many

from snapagent.core import system
from snapagent.errors import StoreError
from snapagent.store import Store, layout


@pytest.fixture
def store(tmp_path):
    return Store(str(tmp_path / "captures"))


def name(when: float, token: str, counter: int, digits: str = "0" * 8) -> str:
    return new_entry("", when, token, counter, f"h1:{digits}").name


def test_names_sort_as_their_entries_do_also_within_a_microsecond(store):
    publish(store)
    folder = store.folder(TARGET)
    names = [
        name(NOON + second, token, counter)
        for second in (1, 2)
        for token in ("abcdef", "abcdef0", "0bcdef")
        for counter in (1, 2, 9, 10, 11, 100)
    ]
    random.Random(1).shuffle(names)
    for one in names:
        open(os.path.join(folder, one), "w").close()

    entries = list(store.bundles(TARGET))

    assert entries == sorted(entries)
    assert [entry.counter for entry in entries if entry.token == "abcdef"] == [1, 2, 9, 10, 11, 100] * 2
    assert list(reversed(store.bundles(TARGET))) == entries[::-1]


def test_files_that_are_not_bundles_are_left_out(store):
    entry = publish(store)
    for odd in ("x.pkl", entry.name + "x", f"{entry.name}\n", ".tmp-" + entry.name, entry.name.upper()):
        open(os.path.join(store.folder(TARGET), odd), "w").close()

    assert list(store.bundles(TARGET)) == [entry]


def test_an_entry_is_made_only_when_it_is_used(store, monkeypatch):
    publish_many(store, 30)
    made = []
    real = layout.parse_bundle_name
    monkeypatch.setattr(layout, "parse_bundle_name", lambda *args: made.append(1) or real(*args))

    bundles = store.bundles(TARGET)
    assert len(bundles) == 30
    assert made == []
    bundles[-1], bundles[-3:]
    assert len(made) == 4


def test_ages_cut_the_names(store):
    entries = publish_many(store, 10)
    bundles = store.bundles(TARGET)

    assert list(bundles.within(NOON + 3, None)) == entries[3:]
    assert list(bundles.within(None, NOON + 3)) == entries[:3]
    assert list(bundles.within(NOON + 3, NOON + 5)) == entries[3:5]
    assert len(bundles.within(NOON + 100, None)) == 0


def test_pins_are_known_from_the_same_look(store):
    first, second = publish_many(store, 2)
    store.pin(first)
    bundles = store.bundles(TARGET)

    assert [bundles.is_pinned(entry) for entry in (first, second)] == [True, False]
    assert bundles.unpinned() == [second.name]


def test_no_folder_has_no_bundles_and_one_that_may_not_be_listed_says_so(store, tmp_path, monkeypatch):
    assert list(store.bundles(TARGET)) == []
    publish(store)

    def refused(path):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(system.os, "listdir", refused)
    with pytest.raises(StoreError, match="run this as its owner"):
        store.bundles(TARGET)


def test_a_function_is_found_by_either_name_without_a_look_at_the_others(store):
    publish(store)
    assert store.function("shop.pricing:quote").target == "shop.pricing:quote"
    assert store.function("shop.pricing.quote").name == "shop.pricing.quote"
    assert store.function("shop.pricing.other") is None
    os.symlink(store.folder(TARGET), os.path.join(store.base_path, "link"))
    assert store.function("link") is None
    os.mkdir(os.path.join(store.base_path, "side_effects"))
    assert store.function("side_effects") is None
