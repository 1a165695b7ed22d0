"""`show` says where a call came from, and `list --trace` finds the bundles of one trace."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from snapagent.cli import main

from .conftest import NOON, Shop, runner

TRACE, OTHER = "4bf92f3577b34da6a3ce929d0e0e4736", "4bf92fff77b34da6a3ce929d0e0e4736"


@pytest.fixture
def traced(tmp_path: Path) -> Shop:
    shop = Shop(tmp_path / "captures")
    for number, (target, trace) in enumerate(
        [("shop.pricing:quote", TRACE), ("shop.pricing:quote", OTHER), ("shop.orders:place", TRACE)]
    ):
        entry = shop.add(target, rows=f"[{number}]")
        bundle = shop.store.read(entry)
        origin: dict[str, object] = {
            "host": "web-1",
            "process_start": "2026-11-28T20:00:01.000000Z",
            "revision": "77c0ffee",
            "trace_id": trace,
            "span_id": "00f067aa0ba902b7",
        }
        shop.store.delete(entry)
        shop.store.publish(target, bundle.header.replace(origin=origin), bundle.payload, when=NOON + 100 + number)
    shop.add("shop.orders:cancel")
    return shop


def run(shop: Shop, *words: str) -> Result:
    return runner().invoke(main, [*words, "--captures-dir", str(shop.base_path)])


def found(shop: Shop, *words: str) -> list[Any]:
    done = run(shop, "list", *words, "--json")
    assert done.exit_code == 0, done.output
    return sorted(row["target"] for row in json.loads(done.stdout))


def test_show_says_where_the_call_came_from(traced: Shop) -> None:
    shown = " ".join(run(traced, "show", "shop.orders.place").stdout.split())
    assert "host web-1, process started 2026-11-2" in shown
    assert f"revision 77c0ffee, trace {TRACE}, span 00f067aa0ba902b7" in shown
    assert "host" not in run(traced, "show", "shop.orders.cancel").stdout
    header = json.loads(run(traced, "show", "shop.orders.place", "--json").stdout)
    assert header["origin"]["trace_id"] == TRACE


@pytest.mark.parametrize(
    "given",
    [TRACE, TRACE.upper(), TRACE[:9], f"00-{TRACE}-00f067aa0ba902b7-01", "4bf92f35-77b3-4da6-a3ce-929d0e0e4736"],
)
def test_a_trace_is_found_in_all_functions(traced: Shop, given: str) -> None:
    assert found(traced, "--trace", given) == ["shop.orders:place", "shop.pricing:quote"]


def test_a_trace_is_found_in_one_function_and_with_other_conditions(traced: Shop) -> None:
    assert found(traced, "shop.pricing.quote", "--trace", TRACE) == ["shop.pricing:quote"]
    assert found(traced, "shop.orders*:*", "--trace", TRACE) == ["shop.orders:place"]
    assert found(traced, "--trace", TRACE[:5]) == ["shop.orders:place", "shop.pricing:quote", "shop.pricing:quote"]
    assert found(traced, "--trace", TRACE, "--outcome", "raised") == []
    assert len(found(traced, "--trace", TRACE, "-n", "1")) == 1
    table = run(traced, "list", "--trace", TRACE)
    assert "shop.orders:place" in table.stdout and "FUNCTION" in table.stdout


def test_a_trace_without_bundles_and_a_wrong_one(traced: Shop) -> None:
    done = run(traced, "list", "--trace", "0" * 32)
    assert done.exit_code == 0
    assert "no bundle of the trace" in done.stderr
    done = run(traced, "list", "--trace", "not-a-trace")
    assert done.exit_code == 2
    assert "32 hexadecimal digits" in done.stderr
