"""Listings show every function that was called, and go on whatever a header or a folder is called."""

from __future__ import annotations

import json

import pytest

from snapagent.store.index import Counts
from snapagent.store.writer import Store

ODD = ["app:", ":f", ":", "a:b:c", "", "x", "app:<lambda>", "app: ", "\n", "a.b"]
LISTINGS = [
    ["list"],
    ["list", "--json"],
    ["list", "**:**"],
    ["list", "--sort", "calls"],
    ["status"],
    ["status", "--json"],
    ["stats"],
    ["stats", "--json"],
    ["verify"],
    ["export", "--json"],
    ["prune", "--dry-run", "--defaults"],
    ["why", "shop.pricing:quote"],
    ["why", "app:"],
    ["list", "app:"],
]


@pytest.mark.parametrize("command", LISTINGS, ids=" ".join)
def test_an_odd_name_stops_no_listing(shop, run, tmp_path, command):
    (tmp_path / "snapagent.yaml").write_text("version: 1\ntargets: ['app:**', 'shop.pricing:quote']\n")
    for name in ODD:
        shop.add(target=name)
    shop.add()

    result = run(*command)

    assert result.exit_code == 0, result.output
    if command[0] != "why" and command != ["list", "app:"]:
        assert "quote" in result.stdout or command[0] in ("status", "stats", "verify", "prune")


def test_a_function_that_was_called_is_listed_without_index_and_bundle(shop, run):
    """So it is when the process had no time for more than its counts."""
    store = Store(str(shop.base_path))
    store.write_pending_counts("shop.orders:place", Counts(7, 0, {}, {"lost_at_exit": 7}))

    (row,) = json.loads(run("list", "--json").stdout)

    assert row["target"] == "shop.orders:place" and row["bundles"] == 0
    assert (row["calls"], row["captured"], row["failed"]) == (7, 0, {"lost_at_exit": 7})
    assert "lost_at_exit 7" in run("list").stdout
    assert "exit_wait" in run("why", "shop.orders.place").stdout


def test_a_reason_stands_once_in_a_line(shop, run):
    shop.add()
    shop.count(calls=37, captured=1, skipped={"too_slow": 34}, failed={"too_slow": 2})

    line = run("list").stdout.splitlines()[1]

    assert line.count("too_slow") == 1 and "failed: too_slow 2 of 36" in line
