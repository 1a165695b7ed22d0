from __future__ import annotations

import math
import os

import pytest
from storing import NOON, TARGET, names, publish, publish_many

from snapagent.bundle import Header
from snapagent.config.settings import Settings
from snapagent.errors import (
    AmbiguousHashError,
    BundleNotFoundError,
    CorruptBundleError,
    StoreError,
    TargetNotFoundError,
)
from snapagent.store import Counts, Store, hash_shards

KEEP_ALL = Settings(keep=math.inf)


def indexed(store: Store, number: int) -> None:
    store.update(TARGET, Counts(number, number), KEEP_ALL)


def test_a_bundle_is_read_back_as_it_was_published(store: Store) -> None:
    entry = publish(store, {"rows": [1, 2]})

    bundle = store.read(entry)

    assert bundle.header == store.header(entry)
    assert bundle.header.target == "shop.pricing:quote"
    import pickle

    assert pickle.loads(store.part(bundle, "call")) == (None, ({"rows": [1, 2]},), {})
    with pytest.raises(KeyError):
        store.part(bundle, "side_effects")


@pytest.mark.parametrize("spelling", ["shop.pricing:quote", "shop.pricing.quote", TARGET])
def test_entries_come_oldest_first_under_every_spelling(store: Store, spelling: object) -> None:
    later, earlier = publish(store, 1, when=NOON + 1), publish(store, 2, when=NOON)

    assert store.entries(spelling) == [earlier, later]
    assert store.newest(spelling) == later


def test_functions_are_listed_by_name_with_their_targets_though_the_index_is_lost(store: Store) -> None:
    publish(store, target="shop:zeta")
    publish(store, target="shop:make.<locals>.inner")
    os.makedirs(f"{store.base_path}/side_effects/tests")
    os.makedirs(f"{store.base_path}/empty.folder")
    os.makedirs(f"{store.base_path}/.hidden")

    found = {function.target: function.name for function in store.functions()}

    assert set(found) == {None, "shop:make.<locals>.inner", "shop:zeta"}
    assert found["shop:zeta"] == "shop.zeta"


def test_a_store_that_is_not_there_is_empty_and_one_that_is_a_file_is_an_error(store: Store) -> None:
    assert list(store.functions()) == []
    assert store.entries(TARGET) == []
    assert store.index(TARGET).calls == 0
    with open(store.base_path, "w"):
        pass
    with pytest.raises(StoreError):
        list(store.functions())


def test_a_missing_function_names_its_nearest_neighbours(store: Store) -> None:
    publish(store, target="shop.pricing:quote")
    store.update("shop.pricing:quote", Counts(1, 1))

    with pytest.raises(TargetNotFoundError) as caught:
        store.newest("shop.pricing:qoute")

    assert caught.value.near == ("shop.pricing:quote",)


def test_a_function_without_bundles_is_not_named_as_its_own_neighbour(store: Store) -> None:
    publish(store, target="shop.pricing:quote")
    store.update("shop.pricing:quotes", Counts(3, 0, {"over_budget": 3}))

    with pytest.raises(TargetNotFoundError) as caught:
        store.newest("shop.pricing:quotes")

    assert caught.value.near == ("shop.pricing:quote",)
    assert "snapagent why shop.pricing:quotes" in str(caught.value)


def test_a_function_whose_folder_was_renamed_is_named_as_it_can_be_asked_for(store: Store) -> None:
    publish(store, target="shop.pricing:quote")
    os.rename(store.folder("shop.pricing:quote"), f"{store.base_path}/old.pricing.quote")

    with pytest.raises(TargetNotFoundError) as caught:
        store.newest("shop.pricing:quote")

    assert caught.value.near == ("old.pricing.quote",)
    assert store.newest("old.pricing.quote")


@pytest.mark.parametrize("stored", [3, 40, 450])
def test_a_bundle_is_found_by_any_unique_prefix_of_its_hash(store: Store, stored: int) -> None:
    entries = publish_many(store, stored)
    indexed(store, stored)
    wanted = entries[1]
    digest = store.header(wanted).hash
    short = [entry.short_hash for entry in entries]
    unique = next(size for size in range(1, 9) if sum(one.startswith(wanted.short_hash[:size]) for one in short) == 1)

    for prefix in (
        digest,
        digest[3:],
        digest[: 3 + unique],
        wanted.short_hash,
        wanted.short_hash.upper(),
        digest[3:20],
    ):
        assert store.by_hash(TARGET, prefix) == wanted
    assert hash_shards.exist(store.folder(TARGET)) is (stored > hash_shards.FEWEST)


@pytest.mark.parametrize("stored", [3, 450])
def test_among_bundles_of_equal_arguments_the_newest_is_meant(store: Store, stored: int) -> None:
    publish_many(store, stored)
    twins = [publish(store, "same", when=NOON + 1000 + second) for second in range(3)]
    indexed(store, stored + 3)

    assert store.by_hash(TARGET, twins[0].short_hash) == twins[-1]
    store.delete(twins[-1])
    assert store.by_hash(TARGET, twins[0].short_hash) == twins[1]


@pytest.mark.parametrize("stored", [3, 450])
def test_an_unknown_hash_is_not_found_however_much_is_stored(store: Store, stored: int) -> None:
    publish_many(store, stored)
    indexed(store, stored)

    for unknown in ("ffffffff", "zz", store.token):
        with pytest.raises(BundleNotFoundError):
            store.by_hash(TARGET, unknown)


def test_a_prefix_of_different_hashes_lists_them(store: Store) -> None:
    hashes = ["h1:aa11" + "0" * 28, "h1:aa22" + "0" * 28, "h1:aa1122" + "0" * 26]
    for number, digest in enumerate(hashes):
        publish(store, number, digest=digest)

    with pytest.raises(AmbiguousHashError) as caught:
        store.by_hash(TARGET, "aa")
    assert list(caught.value.hashes) == sorted(hashes)
    assert store.header(store.by_hash(TARGET, "aa22")).hash == hashes[1]


def test_different_hashes_that_share_all_digits_of_the_file_name_are_distinguished(store: Store) -> None:
    hashes = ["h1:0123456701" + "0" * 22, "h1:0123456702" + "0" * 22]
    entries = [publish(store, number, digest=digest) for number, digest in enumerate(hashes)]

    with pytest.raises(AmbiguousHashError):
        store.by_hash(TARGET, "01234567")
    assert [store.by_hash(TARGET, digest) for digest in hashes] == entries


def test_an_unknown_hash_or_name_says_which_there_are(store: Store) -> None:
    entry = publish(store)

    for unknown in ("ffffffff", "h1:ffffffff" + "0" * 24, "zz", "0x12", "\u00e9", "-1"):
        with pytest.raises(BundleNotFoundError) as caught:
            store.by_hash(TARGET, unknown)
        assert caught.value.known == (entry.short_hash,)
    with pytest.raises(BundleNotFoundError) as caught:
        store.by_name(TARGET, "20261122T093408.123456Z-a41f9c-1-3fa9c1d2")
    assert caught.value.known == (entry.name,)
    assert store.by_name(TARGET, entry.name) == store.by_name(TARGET, entry.name.removesuffix(".pkl")) == entry


def test_the_newest_is_right_though_another_process_was_killed_before_it_updated_the_index(store: Store) -> None:
    publish_many(store, 3)
    indexed(store, 3)
    unindexed = publish(Store(store.base_path), "unindexed", when=NOON + 99)

    assert store.newest(TARGET) == unindexed
    assert store.by_hash(TARGET, unindexed.short_hash) == unindexed


def test_one_bad_bundle_does_not_hide_the_others(store: Store) -> None:
    first, bad, last = publish_many(store, 3)
    with open(bad.path, "r+b") as file:
        file.truncate(60)

    found = dict(store.headers(TARGET))

    assert isinstance(found[first], Header) and isinstance(found[last], Header)
    assert isinstance(found[bad], CorruptBundleError)


def test_a_bundle_that_retention_removed_meanwhile_is_not_found_rather_than_a_traceback(store: Store) -> None:
    gone, left = publish_many(store, 2)
    store.delete(gone)

    for look in (store.read, store.header):
        with pytest.raises(BundleNotFoundError) as caught:
            look(gone)
        assert caught.value.known == (left.name,)
    assert not store.delete(gone)


def test_clearing_a_function_leaves_nothing_of_it_and_nothing_else_out(store: Store) -> None:
    entries = publish_many(store, 3)
    other = publish(store, target="shop:other")
    store.pin(entries[0])
    store.update(TARGET, Counts(3, 3), Settings(keep=2, quota=5))

    assert store.clear(TARGET, pinned=False) == 2
    assert store.entries(TARGET) == entries[:1]
    assert store.clear(TARGET) == 1
    assert os.listdir(store.base_path) == ["shop.other"]
    assert names(store.entries("shop:other")) == names([other])
    assert store.clear(TARGET) == 0


def test_clearing_leaves_files_that_are_not_the_stores(store: Store) -> None:
    publish(store)
    with open(f"{store.folder(TARGET)}/notes.txt", "w"):
        pass

    assert store.clear(TARGET) == 1
    assert os.listdir(store.folder(TARGET)) == ["notes.txt"]
