from __future__ import annotations

import math
import random

import pytest
from storing import NOON, TARGET, names, new_entry, publish, publish_many

from snapagent.config.settings import Settings
from snapagent.store import BundleEntry, Counts, Store
from snapagent.store.retention import RetentionRules, surplus

LATER = NOON + 1e6


def entry(second: int, kind: str = "returned") -> BundleEntry:
    return new_entry("f", NOON + second, "a41f9c", second, f"h1:{'e' if kind != 'returned' else '0'}0000000")


def kept(kinds: str, keep: float, keep_outcomes: int, *, max_age: float = math.inf, pinned: str = "") -> str:
    """What stays of bundles that are written one a second, one letter an outcome kind; pinned ones by their digit."""
    made = {entry(second): kind for second, kind in enumerate(kinds)}
    pins = {one.name for one in made if str(one.counter) in pinned}
    now = NOON + len(kinds) - 1
    out = surplus(list(made), RetentionRules(keep, keep_outcomes, max_age), made.__getitem__, pins, now)
    return "".join(kind for one, kind in sorted(made.items()) if one not in out)


@pytest.mark.parametrize(
    ("kinds", "keep", "keep_outcomes", "stays"),
    [
        ("rrrrr", 2, 1, "rr"),
        ("rr", 2, 1, "rr"),
        ("", 2, 1, ""),
        ("errrr", 2, 1, "err"),  # the one error outlives a flood of successes
        ("eerrr", 2, 1, "err"),
        ("eerrr", 2, 2, "eerrr"[:4]),
        ("errrr", 2, 0, "rr"),
        ("eeere", 2, 1, "re"),  # the newest two have both kinds: nothing is lacking
        ("vterr", 2, 1, "vterr"),  # each kind on its own
        ("rrrrr", math.inf, 0, "rrrrr"),
    ],
)
def test_the_newest_stay_and_the_newest_of_each_kind_that_they_lack(kinds, keep, keep_outcomes, stays) -> None:
    assert kept(kinds, keep, keep_outcomes) == stays


def kept_shapes(shapes: str, keep: float, keep_outcomes: int, keep_shapes: int) -> str:
    """The same for bundles of one letter a shape; a capital letter is a call that raised."""
    made = {entry(second): shape for second, shape in enumerate(shapes)}
    out = surplus(
        list(made),
        RetentionRules(keep, keep_outcomes, math.inf, keep_shapes),
        lambda one: "ValueError" if made[one].isupper() else "returned",
        (),
        LATER,
        lambda one: made[one].strip("-").lower(),
    )
    return "".join(shape for one, shape in sorted(made.items()) if one not in out)


@pytest.mark.parametrize(
    ("shapes", "keep", "keep_outcomes", "keep_shapes", "stays"),
    [
        ("abaaaa", 2, 1, 0, "aa"),
        ("abaaaa", 2, 1, 4, "baa"),  # the one call of another kind outlives a flood of equal ones
        ("bbaaaa", 2, 1, 4, "baa"),  # the newest of a shape
        ("abcdea", 1, 1, 2, "dea"),  # so many at most, the newest ones
        ("dcbadcba", 1, 1, 9, "dcba"),
        ("abab", 2, 1, 4, "ab"),  # the newest have both: nothing is lacking
        ("Bcaaa", 1, 1, 1, "Bca"),  # what stays for its outcome takes no place of the shapes
        ("bBaa", 1, 1, 4, "Ba"),  # and its shape is not lacking
        ("-abaa", 1, 1, 4, "ba"),  # a bundle without a shape stays for none
        ("abcde", math.inf, 0, 1, "abcde"),
        ("Bcaaa", 1, 0, 4, "Bca"),
    ],
)
def test_the_newest_of_each_shape_stay_that_they_lack(shapes, keep, keep_outcomes, keep_shapes, stays) -> None:
    assert kept_shapes(shapes, keep, keep_outcomes, keep_shapes) == stays


@pytest.mark.parametrize("seed", range(50))
def test_processes_that_know_some_bundles_lose_no_shape_where_there_is_a_place_for_each(seed: int) -> None:
    chance = random.Random(seed)
    made = {entry(second): chance.choice("aaaaaaabcdE") for second in range(30)}
    rules = RetentionRules(chance.randint(1, 3), chance.randint(0, 1), math.inf, 4)
    left = list(made)
    for _ in range(10):  # each removes what is surplus among those that it knows
        some = chance.sample(left, min(len(left), 12))
        gone = surplus(some, rules, lambda _: "returned", (), LATER, made.__getitem__)
        left = [one for one in left if one not in gone]

    newest = {made[one]: one for one in sorted(made)}
    assert set(newest.values()) <= set(left)


def test_pinned_bundles_stay_and_do_not_count() -> None:
    assert kept("abcdef", 2, 0, pinned="03") == "adef"


def test_what_is_too_old_goes_however_few_there_are_but_pinned_ones_stay() -> None:
    assert kept("abcdef", 10, 1, max_age=2.5, pinned="0") == "adef"


def test_bundles_of_a_clock_that_ran_ahead_go_first() -> None:
    ahead = [new_entry("f", NOON + 1e8 + second, "ffffff", second, "h1:00000000") for second in range(3)]
    now = [entry(second) for second in range(2)]

    assert surplus([*now, *ahead], RetentionRules(2, 0, math.inf), lambda _: "r", (), NOON + 2) == ahead


@pytest.mark.parametrize("seed", range(50))
def test_what_is_surplus_among_some_is_surplus_among_all(seed: int) -> None:
    chance = random.Random(seed)
    made = {entry(second): chance.choice("abc") for second in range(12)}
    rules = RetentionRules(chance.randint(1, 4), chance.randint(0, 1), math.inf)
    some = chance.sample(sorted(made), 8)

    part = surplus(some, rules, made.__getitem__, (), LATER)

    assert set(part) <= set(surplus(list(made), rules, made.__getitem__, (), LATER))


def test_an_update_keeps_exactly_the_newest_and_the_last_error(store: Store) -> None:
    error = publish(store, "bad", exception="ValueError", when=NOON - 1)
    entries = publish_many(store, 5)

    index = store.update(TARGET, Counts(6, 6), Settings(keep=2))

    assert names(store.entries(TARGET)) == names([error, *entries[-2:]])
    assert [stored.outcome_kind for stored in index.bundles] == ["returned", "returned", "ValueError"]


def test_a_pinned_bundle_survives_until_it_is_unpinned(store: Store) -> None:
    entries = publish_many(store, 5)
    store.pin(entries[0])

    store.update(TARGET, Counts(), Settings(keep=2))
    assert names(store.entries(TARGET)) == names([entries[0], *entries[3:]])
    assert store.is_pinned(entries[0])

    store.unpin(entries[0])
    store.update(TARGET, Counts(), Settings(keep=2))
    assert names(store.entries(TARGET)) == names(entries[3:])


def test_max_age_removes_old_bundles_where_everything_else_is_kept(store: Store) -> None:
    import time

    old, new = publish(store, 1, when=time.time() - 100), publish(store, 2, when=time.time())

    store.update(TARGET, Counts(), Settings(keep=math.inf, max_age=50.0))

    assert store.entries(TARGET) == [new]
    assert old not in store.entries(TARGET)


def test_prune_says_what_it_would_remove_and_then_removes_it(store: Store) -> None:
    entries = publish_many(store, 4)

    assert store.prune(TARGET, Settings(keep=1), dry_run=True) == entries[:3]
    assert store.entries(TARGET) == entries
    assert store.prune(TARGET, Settings(keep=1)) == entries[:3]
    assert store.entries(TARGET) == entries[3:]


def test_a_torn_bundle_is_kept_by_no_outcome_kind_and_hides_no_other(store: Store) -> None:
    torn, *rest = publish_many(store, 4)
    with open(torn.path, "wb") as file:
        file.write(b"snapagent-bun")

    store.update(TARGET, Counts(), Settings(keep=2))

    assert store.entries(TARGET) == rest[-2:]
