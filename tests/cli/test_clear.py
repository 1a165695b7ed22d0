"""`clear`: removes nothing that it did not say, and nothing without a yes."""

from __future__ import annotations

import json

import pytest


def test_without_a_terminal_it_wants_yes_and_removes_nothing(shop, run):
    entry = shop.add()

    result = run("clear")

    assert result.exit_code == 1
    assert "--yes" in result.stderr
    assert shop.store.entries("shop.pricing:quote") == [entry]


def test_a_dry_run_shows_and_removes_nothing(shop, run):
    entry = shop.add()

    result = run("clear", "--dry-run", "--json")

    assert json.loads(result.stdout)["removed"][0]["bundles"] == 1
    assert shop.store.entries("shop.pricing:quote") == [entry]


def test_yes_removes_bundles_counts_and_folders_of_what_was_named_only(shop, run):
    shop.add()
    shop.add("till:count")
    shop.count(calls=5, captured=1)

    result = run("clear", "shop.**:**", "--yes")

    assert result.exit_code == 0
    assert [folder.target for folder in shop.store.functions()] == ["till:count"]


def test_pinned_bundles_stay_unless_they_are_meant(shop, run):
    pinned, _ = shop.add(rows="[1]"), shop.add(rows="[2]")
    shop.store.pin(pinned)

    run("clear", "--yes")
    assert shop.store.entries("shop.pricing:quote") == [pinned]

    run("clear", "--yes", "--pinned")
    assert list(shop.store.functions()) == []


def test_recorded_side_effects_and_foreign_files_stay(shop, run):
    shop.add()
    recorded = shop.base_path / "side_effects" / "tests" / "x.pkl"
    recorded.parent.mkdir(parents=True)
    recorded.write_bytes(b"")
    note = shop.base_path / "shop.pricing.quote" / "README"
    note.write_text("mine")

    run("clear", "--yes")

    assert recorded.exists()
    assert note.exists()


@pytest.mark.parametrize("name", ["shop.pricing.qoute", "shpo.*:*"])
def test_a_name_that_is_not_there_removes_nothing_at_all(shop, run, name):
    entry = shop.add()

    result = run("clear", "shop.pricing.quote", name, "--yes")

    assert result.exit_code == 2
    assert shop.store.entries("shop.pricing:quote") == [entry]


def test_an_empty_store_is_nothing_to_clear(shop, run):
    result = run("clear", "--yes")

    assert result.exit_code == 0
    assert "nothing to remove" in result.stderr
