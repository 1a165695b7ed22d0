"""`list --trace`: the bundles of one trace, of one function or of all."""

from __future__ import annotations

import json

import pytest

TRACE, OTHER = "4bf92f3577b34da6a3ce929d0e0e4736", "00000000000000000000000000000001"


@pytest.fixture
def traced(shop):
    """Two functions with calls in a trace, in another one, and in none."""
    for target in ("shop.pricing:quote", "shop.orders:place"):
        for number, trace in enumerate((TRACE, OTHER, None, TRACE)):
            entry = shop.add(target, rows=f"[{number}]")
            if trace is not None:
                bundle = shop.store.read(entry)
                header = bundle.header.replace(origin={"trace_id": trace, "span_id": f"{number:016x}"})
                shop.store.delete(entry)
                shop.store.publish(target, header, bundle.payload, when=entry.when)
    return shop


def test_without_a_target_the_bundles_of_all_functions_are_listed(traced, run) -> None:
    result = run("list", "--trace", TRACE)
    rows = json.loads(run("list", "--trace", TRACE, "--json").stdout)

    assert result.exit_code == 0
    assert [(row["target"], row["arguments"][:8]) for row in rows] == [
        ("shop.orders:place", "rows=[3]"),
        ("shop.orders:place", "rows=[0]"),
        ("shop.pricing:quote", "rows=[3]"),
        ("shop.pricing:quote", "rows=[0]"),
    ]
    assert result.stdout.splitlines()[0].startswith("FUNCTION")
    assert len(result.stdout.splitlines()) == 5


def test_with_a_target_or_a_glob_only_theirs_are_listed(traced, run) -> None:
    def listed(*words: str) -> int:
        return len(json.loads(run("list", *words, "--trace", TRACE, "--json").stdout))

    assert listed("shop.pricing.quote") == listed("shop.pricing:*") == 2
    assert listed("shop.**:**") == 4
    assert listed("shop.pricing.quote", "-n", "1") == 1


@pytest.mark.parametrize("digits", [TRACE.upper(), TRACE[:8], f" {TRACE} "])
def test_the_beginning_of_an_id_in_any_case_is_enough(traced, run, digits: str) -> None:
    assert len(json.loads(run("list", "--trace", digits, "--json").stdout)) == 4


def test_a_trace_without_bundles_lists_nothing_and_says_so(traced, run) -> None:
    result = run("list", "--trace", "f" * 32)

    assert (result.exit_code, result.stdout) == (0, "")
    assert f"no bundle of the trace {'f' * 32}" in result.stderr


@pytest.mark.parametrize("text", ["", "xyz", "f" * 33])
def test_what_cannot_be_a_trace_is_wrong_usage(traced, run, text: str) -> None:
    assert run("list", "--trace", text).exit_code == 2


def test_show_names_the_trace_and_the_revision(shop, run) -> None:
    entry = shop.add()
    bundle = shop.store.read(entry)
    header = bundle.header.replace(origin={"trace_id": TRACE, "revision": "3f2a91c", "host": "web-1"})
    shop.store.publish("shop.pricing:quote", header, bundle.payload, when=entry.when + 1)

    shown = run("show", "shop.pricing.quote").stdout

    assert f"trace  {TRACE}" in shown and "revision  3f2a91c" in shown
