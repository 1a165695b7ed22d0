from __future__ import annotations

import math
from datetime import UTC, datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from storing import new_entry

from snapagent.config.targets import Target
from snapagent.store.layout import (
    folder_name,
    is_function_folder,
    is_own_file,
    is_own_name,
    parse_bundle_name,
    parse_stamp,
    segment,
    stamp,
)

HOSTILE = [
    "../../etc/passwd",
    "/absolute",
    "nul\0byte",
    "lone\udc80surrogate",
    "line\nbreak",
    "-rf",
    ".hidden",
    "..",
    ".",
    "",
    "a" * 5000,
    "é" * 3000,
    "CON",
    "nul.txt",
    "com1",
    "trailing.",
    "trailing ",
    "sp ace",
    "colon:inside",
    "a/b",
    "a\\b",
    "factory.<locals>.inner",
    "module.<lambda>",
]


@pytest.mark.parametrize("name", HOSTILE, ids=range(len(HOSTILE)))
def test_a_hostile_name_becomes_one_harmless_component(name: str, tmp_path) -> None:
    slug = segment(name)

    assert slug.isascii() and slug.isprintable()
    assert not set(slug) & set("/\\\0\n<>: ")
    assert not slug.startswith((".", "-")) and not slug.endswith((".", " ")) and ".." not in slug
    assert slug.partition(".")[0].partition("~")[0].lower() not in ("con", "nul", "com1")
    assert len(slug) <= 120
    (tmp_path / slug).mkdir()
    assert [path.name for path in tmp_path.iterdir()] == [slug]


def test_different_names_never_share_a_folder_even_where_case_does_not_count() -> None:
    names = [*HOSTILE, *(name + "x" for name in HOSTILE), "a b", "a_b", "A b", "a" * 5001]

    assert len({segment(name).casefold() for name in names}) == len(names)


@pytest.mark.parametrize(
    "target", ["shop.pricing:quote", "shop.orders:OrderService.place", "app:_private", "__main__:f", "a:B.__init__"]
)
def test_the_folder_of_an_ordinary_function_is_its_dotted_name(target: str) -> None:
    assert folder_name(target) == target.replace(":", ".")


@pytest.mark.parametrize("target", ["shop.pricing:quote", "shop:make.<locals>.inner", "größe:maß"])
def test_every_spelling_of_a_target_leads_to_the_same_folder(target: str) -> None:
    folder = folder_name(Target.parse(target))

    assert folder_name(target) == folder_name(target.replace(":", ".")) == folder_name(folder) == folder


def test_a_name_has_one_folder_however_its_letters_are_encoded() -> None:
    assert folder_name("m:\u00b5") == folder_name("m:\u03bc")
    assert folder_name("m:me\u0301thode") == folder_name("m:m\u00e9thode")


def test_a_bundle_name_gives_back_what_it_was_made_of() -> None:
    entry = new_entry("/store/f", 1795348800.123456, "a41f9c", 12, "h1:3fa9c1d2aabbccdd")

    assert entry.name == "20261122T120000.123456Z-a41f9c-12-3fa9c1d2.pkl"
    assert parse_bundle_name(entry.name, "/store/f") == entry
    assert entry.when == pytest.approx(1795348800.123456)


def test_entries_sort_by_time_then_by_counter_as_a_number() -> None:
    names = [new_entry("f", 5.0, "aaaaaa", counter, "h1:00000000") for counter in (9, 10, 11)]
    names.append(new_entry("f", 4.0, "ffffff", 99, "h1:00000000"))

    assert [entry.counter for entry in sorted(names)] == [99, 9, 10, 11]


@pytest.mark.parametrize(
    "name",
    [
        "index.json",
        ".tmp-20261122T120000.123456Z-a41f9c-1-3fa9c1d2.pkl",
        "20261122T120000.123456Z-a41f9c-1-3fa9c1d2.pkl.pin",
        "20261122T120000Z-a41f9c-1-3fa9c1d2.pkl",
        "20261122T120000.123456Z-a41f9c-1-3fa9c1d2.pkl\n",
        "20261122T120000.123456Z-a41f9c-٣-3fa9c1d2.pkl",
        "golden.pkl",
    ],
)
def test_other_files_are_not_taken_for_bundles(name: str) -> None:
    assert parse_bundle_name(name, "f") is None


@given(st.floats(0.0, 253402300799.0))
@example(1795348800.0000005)
@example(1795348800.9999998)
@example(0.9999995)
@example(2.5e-6)
def test_a_name_says_the_time_as_datetime_rounds_it(when: float) -> None:
    assert stamp(when) == datetime.fromtimestamp(when, UTC).strftime("%Y%m%dT%H%M%S.%fZ")


@pytest.mark.parametrize("when", [-1e9, 0.0, 1e18, math.inf])
def test_a_clock_that_is_out_of_its_mind_still_gives_a_name(when: float) -> None:
    assert parse_bundle_name(new_entry("f", when, "a41f9c", 1, "h1:00000000").name, "f") is not None


def test_a_stamp_that_is_not_a_date_is_the_oldest() -> None:
    assert parse_stamp("20261399T129900.123456Z") == 0.0
    assert parse_stamp(stamp(1.5)) == 1.5


def test_each_name_that_the_store_uses_beside_bundles_is_known_as_its_own() -> None:
    bundle = "20261122T093408.123456Z-a41f9c-1-3fa9c1d2.pkl"
    own_files = [bundle, f"{bundle}.pin", "index.json", "manifest.json", ".quota", ".corrupt-index.json", ".tmp-x"]

    assert all(is_own_file(name) and is_own_name(name) for name in own_files)
    assert all(
        is_own_name(name) and not is_own_file(name) for name in (".lock", ".counts", ".hashes", ".hashes-a41f9c")
    )
    assert not any(is_own_name(name) for name in ("notes.txt", "x.pkl", "index.json.pin", ".hidden", "x.tmp-"))


def test_side_effects_and_hidden_folders_are_not_folders_of_functions() -> None:
    assert [name for name in ("shop.quote", "side_effects", ".processes") if is_function_folder(name)] == ["shop.quote"]
