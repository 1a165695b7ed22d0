"""A bundle's effects are served: dependencies answer from the tape, writes are verified, nothing real is reached."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest import mock

import pytest
from bundles import Shop
from tapes import taped

from snapagent import EffectNotRecorded, NotReplayableError, OutcomeError, PlaceholderError, load_capture

pytest_plugins = ("pytester",)

PROGRAM = """
import asyncio
import sqlite3
import time
from datetime import UTC, datetime

IS_LIVE = True
CALLS = []


class Gone(Exception):
    pass


def _reach(*what):
    CALLS.append(what)
    if not IS_LIVE:
        raise ConnectionError("the real thing was called")


class Repo:
    def __init__(self, rows):
        self.rows = rows

    def find(self, status, limit=10):
        _reach("find", status, limit)
        return [row for row in self.rows if row["status"] == status][:limit]

    def put(self, row):
        _reach("put", row)
        row["id"] = len(self.rows) + 7
        return row


class Gateway:
    currency = "EUR"

    def __init__(self):
        self.url = "https://pay"

    def charge(self, order, amount):
        _reach("charge", order, amount)
        if amount > 1000:
            raise Gone("limit", amount)
        return {"order": order, "paid": amount}

    def refund(self, order):
        _reach("refund", order)


def rate(currency):
    _reach("rate", currency)
    return {"EUR": 1.0, "USD": 1.25}[currency]


def log(text, at=None):
    _reach("log", text)


RATES = {}


def table():
    _reach("table")
    return RATES


class Orders:
    def __init__(self, repo, gateway):
        self.repo = repo
        self.gateway = gateway

    def place(self, amount):
        rows = self.repo.find("open", limit=2)
        total = amount * rate("USD")
        paid = self.gateway.charge(len(rows), total)
        row = {"status": "open", "total": total}
        self.repo.put(row)
        log("placed")
        return {"paid": paid["paid"], "row": row, "rows": rows}


def price(currencies):
    return [rate(currency) for currency in currencies]


def charge_all(amounts):
    gateway = Gateway()
    return [gateway.charge(1, amount) for amount in amounts]


def write_two(first, second):
    log(first)
    log(second)


def stamped():
    log("now", at=datetime.now(UTC))
    return time.time()


def same_table():
    return table() is table()


NUMBERS = [0]


async def number():
    _reach("number")
    NUMBERS[0] += 1
    return NUMBERS[0]


async def worker():
    return await number()


async def workers():
    NUMBERS[0] = 0
    return await asyncio.gather(worker(), worker())


async def task_a():
    log("a")


async def task_b():
    log("b")


async def two_tasks():
    await task_a()
    await task_b()


def waits():
    rate("EUR")
    end = time.time() + 0.01
    while time.time() < end:
        time.sleep(0.002)
    return "ended"


def rate_of_nothing():
    rate("XXX")


def opens():
    return sqlite3.connect(":memory:")
"""

NAMES = ("find", "put", "charge", "refund", "rate", "log", "table")
ALL = {
    "served_program:Repo.find": "read",
    "served_program:Repo.put": "write",
    "served_program:Gateway.charge": "write",
    "served_program:Gateway.refund": "write",
    "served_program:rate": "read",
    "served_program:log": "write",
    "served_program:number": "read",
    "served_program:table": "read",
}


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    (tmp_path / "served_program.py").write_text(PROGRAM)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield importlib.import_module("served_program")
    sys.modules.pop("served_program", None)


def gone(program: ModuleType) -> None:
    """The real things are out of reach from now on."""
    program.IS_LIVE = False
    program.CALLS.clear()


def order_bundle(shop: Shop, program: ModuleType, **options: Any) -> Any:
    orders = program.Orders(program.Repo([{"status": "open"}, {"status": "done"}]), program.Gateway())
    bundle = taped(
        shop,
        "served_program:Orders.place",
        program.Orders.place,
        40,
        instance=orders,
        exclude=("self.gateway",),
        dependencies=ALL,
        receivers={"self.gateway": orders.gateway},
        **options,
    )
    gone(program)
    return bundle


def bundle_of(shop: Shop, program: ModuleType, name: str, *args: Any, **options: Any) -> Any:
    program.IS_LIVE = True
    bundle = taped(shop, f"served_program:{name}", getattr(program, name), *args, dependencies=ALL, **options)
    gone(program)
    return bundle


def test_37_the_same_code_passes_with_everything_out_of_reach(shop: Shop, program: ModuleType) -> None:
    bundle = order_bundle(shop, program)
    verdict = bundle.check()
    assert verdict.kind == "equal"
    assert verdict.notes == ("effects: 5 served",)
    assert bundle.call() == bundle.result
    assert program.CALLS == []


def test_05_a_dependency_that_changes_its_argument_changes_the_live_one(shop: Shop, program: ModuleType) -> None:
    found = order_bundle(shop, program).call()
    assert found["row"]["id"] == 9


def test_04_a_recorded_exception_is_raised_again(shop: Shop, program: ModuleType) -> None:
    bundle = bundle_of(shop, program, "charge_all", [5, 2000])
    with pytest.raises(program.Gone, match="limit"):
        bundle.call()
    assert bundle.check()


def test_07_08_identity_of_results_is_kept(shop: Shop, program: ModuleType) -> None:
    bundle = bundle_of(shop, program, "same_table")
    assert bundle.call() is True
    assert bundle.check()


def test_38_reordered_reads_pass_unless_strict(shop: Shop, program: ModuleType) -> None:
    bundle = bundle_of(shop, program, "price", ["EUR", "USD"])

    def backwards(currencies: list[str]) -> list[float]:
        return [program.rate(currency) for currency in reversed(currencies)][::-1]

    assert bundle.check(backwards)
    with pytest.raises(AssertionError, match=r"effects\[0\]"):
        bundle.check(backwards, effects="strict")


def test_39_a_read_that_is_left_out_is_a_note(shop: Shop, program: ModuleType) -> None:
    bundle = bundle_of(shop, program, "price", ["EUR", "USD"])
    verdict = bundle.check(lambda currencies: [1.0, 1.25])
    assert verdict.notes == ("effects: 2 reads not made",)
    with pytest.raises(AssertionError, match="was recorded, not made"):
        bundle.check(lambda currencies: [1.0, 1.25], effects="strict")


def test_40_an_equal_read_more_is_answered_again_with_a_note(shop: Shop, program: ModuleType) -> None:
    bundle = bundle_of(shop, program, "price", ["EUR"])

    def twice(currencies: list[str]) -> list[float]:
        return [program.rate("EUR"), program.rate("EUR")][:1]

    assert bundle.check(twice).notes == ("effects: 1 served, 1 repeated",)
    with pytest.raises(AssertionError, match="made again"):
        bundle.check(twice, effects="strict")


def test_41_a_read_whose_answers_differed_is_used_up(shop: Shop, program: ModuleType) -> None:
    bundle = bundle_of(shop, program, "price", ["EUR", "EUR"], repeat={"served_program:rate": "never"})

    def thrice(currencies: list[str]) -> list[float]:
        return [program.rate("EUR") for _ in range(3)]

    with pytest.raises(EffectNotRecorded, match="was recorded 2 times, and that is used up"):
        bundle.check(thrice)


def test_42_a_read_with_another_argument_names_the_nearest_call(shop: Shop, program: ModuleType) -> None:
    bundle = bundle_of(shop, program, "price", ["EUR"])

    def other(currencies: list[str]) -> list[float]:
        return [program.rate("USD")]

    with pytest.raises(EffectNotRecorded) as caught:
        bundle.check(other)
    text = str(caught.value)
    assert text.startswith("served_program:rate(currency='USD') was not recorded\n  call 1 of this run, from ")
    assert "nearest: effect 0 of 1, rate(currency='EUR'), not used yet" in text
    assert "currency: 'USD' != 'EUR'" in text
    assert "recorded 2026-11-22" in text
    assert isinstance(caught.value, AssertionError)
    assert program.CALLS == []


def test_43_a_write_with_other_values_is_answered_and_fails_the_check(shop: Shop, program: ModuleType) -> None:
    bundle = bundle_of(shop, program, "write_two", "a", "b")

    def write_two(first: str, second: str) -> None:
        program.log("x")
        program.log(second)

    write_two.__code__ = write_two.__code__.replace(co_qualname="write_two")
    with pytest.raises(AssertionError, match=r"effects\[0\]\.text of served_program:log: expected 'a', got 'x'"):
        bundle.check(write_two)
    assert bundle.check(write_two, effects="answers")
    assert bundle.call(write_two) is None


def test_44_a_write_that_is_left_out_fails(shop: Shop, program: ModuleType) -> None:
    bundle = bundle_of(shop, program, "write_two", "a", "b")
    with pytest.raises(AssertionError, match=r"effects\[1\]: served_program:log\(.*\) was recorded, not made"):
        bundle.check(lambda first, second: program.log(first))
    assert bundle.check(lambda first, second: program.log(first), effects="answers")


def test_45_a_write_more_fails_and_is_not_executed(shop: Shop, program: ModuleType) -> None:
    bundle = bundle_of(shop, program, "write_two", "a", "b")

    def thrice(first: str, second: str) -> None:
        for text in (first, second, "c"):
            program.log(text)

    with pytest.raises(EffectNotRecorded, match=r"log\(text='c'\)"):
        bundle.check(thrice)
    assert program.CALLS == []


def test_46_two_writes_in_another_order_fail(shop: Shop, program: ModuleType) -> None:
    bundle = bundle_of(shop, program, "write_two", "a", "b")

    def swapped(first: str, second: str) -> None:
        program.log(second)
        program.log(first)

    with pytest.raises(AssertionError, match=r"effects\[0\].*order"):
        bundle.check(swapped)
    assert bundle.check(swapped, effects="answers")


def test_48_49_a_swallowed_miss_fails_and_nothing_that_follows_is_reported(
    shop: Shop, program: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "snapagent.yaml").write_text("version: 1\ndependencies: ['served_program:rate']\ntargets: []\n")
    monkeypatch.setenv("SNAPAGENT_CONFIG", str(tmp_path / "snapagent.yaml"))
    bundle = bundle_of(shop, program, "write_two", "a", "b")

    def swallowing(first: str, second: str) -> str:
        try:
            program.rate("EUR")
        except Exception:
            program.log("other")
        return "another result"

    with pytest.raises(EffectNotRecorded, match="was never recorded in this bundle") as caught:
        bundle.check(swallowing)
    assert "another result" not in str(caught.value)
    assert "cache above it" in str(caught.value)
    verdict = bundle.verdict(swallowing)
    assert verdict.kind == "changed" and verdict.reason == str(caught.value)


def test_54_clock_readings_in_arguments_and_result_are_excused(shop: Shop, program: ModuleType) -> None:
    bundle = bundle_of(shop, program, "stamped")
    assert bundle.check()
    assert bundle.check(clock=False)


def test_57_58_a_placeholder_with_effects_gets_a_stand_in(shop: Shop, program: ModuleType) -> None:
    bundle = order_bundle(shop, program)
    seen = {}

    def peek(self: Any, amount: int) -> dict[str, Any]:
        seen["is"] = isinstance(self.gateway, program.Gateway)
        seen["repr"] = repr(self.gateway)
        seen["currency"] = self.gateway.currency
        return program.Orders.place(self, amount)

    assert bundle.check(peek)
    assert seen == {
        "is": True,
        "repr": "<stand-in for self.gateway: served_program.Gateway>",
        "currency": "EUR",
    }
    with pytest.raises(PlaceholderError, match=r"self\.gateway\.url .*facsimiles=\{'self\.gateway'"):
        bundle.call(lambda self, amount: self.gateway.url)


def test_59_a_facsimile_wins(shop: Shop, program: ModuleType) -> None:
    order_bundle(shop, program)

    class Fake:
        def charge(self, order: int, amount: float) -> dict[str, Any]:
            return {"paid": amount}

    bundle = load_capture("served_program:Orders.place", base_path=shop.base_path, facsimiles={"self.gateway": Fake()})
    assert bundle.check()
    assert bundle.using(self=program.Orders(program.Repo([]), Fake())).call()["paid"] == 50


def test_60_what_a_test_replaces_itself_wins_and_is_not_missed_on_the_tape(shop: Shop, program: ModuleType) -> None:
    bundle = order_bundle(shop, program)
    with mock.patch.object(program, "log") as log, mock.patch.object(program.Repo, "put", autospec=True) as put:
        put.side_effect = lambda self, row: row.update(id=9)
        assert bundle.check().notes == ("effects: 3 served",)
    assert log.call_args == mock.call("placed")


def test_60_side_effects_patch_wins_and_records_the_real_call(
    shop: Shop, program: ModuleType, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle_of(shop, program, "price", ["EUR"])
    program.IS_LIVE = True
    pytester.makepyfile(
        test_price=f"""
        from snapagent import load_capture

        def test_price(side_effects):
            side_effects.patch("served_program:rate")
            bundle = load_capture("served_program:price", base_path={shop.base_path!r})
            assert bundle.check().notes == ("effects: none asked for",)
        """
    )
    monkeypatch.setenv("SIDE_EFFECT_CAPTURE", "True")
    pytester.runpytest("-p", "no:cacheprovider").assert_outcomes(passed=1)
    assert program.CALLS == [("rate", "EUR")]
    monkeypatch.delenv("SIDE_EFFECT_CAPTURE")
    pytester.runpytest("-p", "no:cacheprovider").assert_outcomes(passed=1)
    assert program.CALLS == [("rate", "EUR")]


def test_51_identical_workers_are_not_told_apart_by_their_path(shop: Shop, program: ModuleType) -> None:
    """Documented: their answers come in the order of the calls. A wider dependency tells them apart."""
    bundle = bundle_of(shop, program, "workers")
    assert bundle.check()
    assert bundle.call() == bundle.result == [1, 2]


def test_47_writes_of_two_tasks_may_be_swapped(shop: Shop, program: ModuleType) -> None:
    bundle = bundle_of(shop, program, "two_tasks")

    async def in_the_other_order() -> None:
        await program.task_b()
        await program.task_a()

    assert bundle.check()
    assert bundle.check(in_the_other_order)


def test_72_a_bundle_without_effects_is_replayed_as_ever(shop: Shop, program: ModuleType) -> None:
    shop.capture("served_program:opens", program.rate, "EUR")
    bundle = load_capture("served_program:opens", base_path=shop.base_path)
    import sqlite3

    assert bundle.effects == []
    bundle.call(lambda currency: sqlite3.connect(":memory:").close())
    program.CALLS.clear()
    assert bundle.check(program.rate).notes == ()
    assert program.CALLS == [("rate", "EUR")]


def test_55_waiting_functions_end_while_effects_are_served(shop: Shop, program: ModuleType) -> None:
    assert bundle_of(shop, program, "waits").check()


def test_67_a_renamed_dependency_is_one_error_before_the_call(shop: Shop, program: ModuleType) -> None:
    bundle = bundle_of(shop, program, "price", ["EUR"])
    program.rates = program.rate
    del program.rate
    with pytest.raises(NotReplayableError, match=r"served_program:rate is gone.*near: rates"):
        bundle.check()


def test_68_a_changed_signature_is_said_first(shop: Shop, program: ModuleType) -> None:
    bundle = bundle_of(shop, program, "price", ["EUR"])

    def rate(currency: str, day: str = "today") -> float:
        return 1.0

    program.rate = rate
    rate.__module__ = "served_program"
    with pytest.raises(EffectNotRecorded) as caught:
        bundle.check()
    assert (
        str(caught.value).splitlines()[1].strip() == "its signature has changed: (currency) then, (currency, day) now"
    )


def test_69_a_result_that_cannot_be_loaded_is_never_made_live(shop: Shop, program: ModuleType) -> None:
    bundle = bundle_of(shop, program, "charge_all", [2000])
    del program.Gone
    with pytest.raises(EffectNotRecorded, match=r"was recorded \(effect 0\), but cannot be loaded here.*Gone"):
        bundle.call()
    assert program.CALLS == []


def test_70_an_incomplete_tape_is_refused_with_its_reason(shop: Shop, program: ModuleType) -> None:
    bundle = bundle_of(shop, program, "price", ["EUR"], summary={"complete": False, "reason": "more than 500 effects"})
    with pytest.raises(NotReplayableError, match="its tape is incomplete: more than 500 effects"):
        bundle.check()
    assert bundle.verdict().kind == "not replayable"
    assert program.CALLS == []


def test_73_each_replay_begins_with_all_effects(shop: Shop, program: ModuleType) -> None:
    bundle = bundle_of(shop, program, "price", ["EUR", "USD"])
    assert bundle.call() == bundle.call() == [1.0, 1.25]


def test_the_effects_of_a_bundle_can_be_read(shop: Shop, program: ModuleType) -> None:
    bundle = order_bundle(shop, program)
    assert [(effect.dependency, effect.role) for effect in bundle.effects] == [
        ("served_program:Repo.find", "read"),
        ("served_program:rate", "read"),
        ("served_program:Gateway.charge", "write"),
        ("served_program:Repo.put", "write"),
        ("served_program:log", "write"),
    ]
    find, _, charge, *_ = bundle.effects
    assert find.arguments == {"status": "open", "limit": 2}
    assert find.result == [{"status": "open"}]
    assert charge.receiver == "self.gateway"
    assert charge.exception is None
    assert charge.path[-1] == "Orders.place"
    assert repr(charge) == "<effect 2: write served_program:Gateway.charge returned>"

    raised = bundle_of(shop, program, "rate_of_nothing")
    (effect,) = raised.effects
    assert isinstance(effect.exception, KeyError)
    with pytest.raises(OutcomeError, match="KeyError"):
        _ = effect.result


def test_effects_false_calls_the_live_dependencies(shop: Shop, program: ModuleType) -> None:
    bundle = bundle_of(shop, program, "price", ["EUR"])
    with pytest.raises(ConnectionError):
        bundle.call(effects=False)
    program.IS_LIVE = True
    assert bundle.call(effects=False) == [1.0]
    assert program.CALLS[-1] == ("rate", "EUR")


def test_62_a_live_dependency_is_called_for_real_and_the_verdict_says_so(shop: Shop, program: ModuleType) -> None:
    bundle = bundle_of(shop, program, "price", ["EUR"])
    program.IS_LIVE = True
    verdict = bundle.check(live=["served_program:rate"])
    assert verdict.notes == ("effects: 1 let through",)
    assert program.CALLS == [("rate", "EUR")]


def test_the_functions_are_their_own_again_after_a_replay(shop: Shop, program: ModuleType) -> None:
    bundle = bundle_of(shop, program, "price", ["EUR"])
    before = program.rate.__code__
    bundle.check()
    assert program.rate.__code__ is before


def test_an_unknown_way_of_comparing_effects_is_an_error(shop: Shop, program: ModuleType) -> None:
    bundle = bundle_of(shop, program, "price", ["EUR"])
    with pytest.raises(ValueError, match="answers, writes, strict"):
        bundle.check(effects="reads")
