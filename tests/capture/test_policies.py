"""Admission of calls: quota, sampling, budget and back-off."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import pytest

from snapagent.capture.recording import admission, budget
from snapagent.capture.recording.admission import Gate
from snapagent.capture.recording.budget import Governor
from snapagent.capture.recording.ledger import Ledger
from snapagent.capture.reporting import Reporter
from snapagent.config.reading import DEFAULT_SETTINGS
from snapagent.config.targets import Target
from snapagent.store.index import Counts


def gate(governor: Governor | None = None, **settings: object) -> tuple[Gate, Ledger]:
    ledger = Ledger(Target("shop.pricing", "quote"))
    return Gate(DEFAULT_SETTINGS.replace(**settings), ledger, governor or Governor(1.0)), ledger


def passes(door: Gate, ledger: Ledger) -> bool:
    """Whether the next call is let in, asked as a recorder asks."""
    for _ in ledger.skipping:
        return False
    if time.perf_counter() < door.waits_until:
        return False
    return not (door.chooses and door.refuses())


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The moment that the clock of gates and budgets says, to be set."""
    moment = [100.0]
    for module in (admission, budget):
        monkeypatch.setattr(module, "perf_counter", lambda: moment[0])
    return moment


def test_the_gate_closes_when_the_quota_is_met() -> None:
    door, _ = gate(quota=2)
    door.count_admitted(1)
    assert door.closed is None
    door.count_admitted(2)
    assert door.closed == admission.QUOTA_MET
    assert door.still_closed()
    assert door.closed_for_good


def test_captures_of_other_processes_count_towards_the_quota() -> None:
    door, ledger = gate(quota=3)
    door.count_admitted(ledger.tick_admitted() + 1)
    door.update_elsewhere(1)
    assert door.closed is None
    door.update_elsewhere(2)
    assert door.closed == admission.QUOTA_MET


def test_a_quota_of_nothing_captures_nothing() -> None:
    door, _ = gate(quota=0)
    assert door.closed == admission.QUOTA_MET


def test_a_failed_capture_gives_its_place_in_the_quota_back() -> None:
    door, ledger = gate(quota=2)
    door.count_admitted(ledger.tick_admitted() + 1)
    door.failed(0.0, 0.0)
    door.count_admitted(ledger.tick_admitted() + 1)
    assert door.closed is None


def test_the_share_of_calls_that_is_sampled_is_the_share_asked_for() -> None:
    door, ledger = gate(sample=0.25)
    taken = sum(passes(door, ledger) for _ in range(20_000))
    assert 4_600 < taken < 5_400
    assert ledger.totals().skipped == {"not_sampled": 20_000 - taken}


def test_each_call_has_the_same_chance_to_be_sampled() -> None:
    first, second = 0, 0
    for _ in range(4_000):
        door, ledger = gate(sample=0.3)
        first += passes(door, ledger)
        second += passes(door, ledger)
    assert 1_050 < first < 1_350
    assert 1_050 < second < 1_350


def test_a_sample_of_nothing_captures_nothing() -> None:
    door, ledger = gate(sample=0.0)
    assert not any(passes(door, ledger) for _ in range(1_000))
    assert ledger.totals() == Counts(1_000, 0, {"not_sampled": 1_000})


def test_calls_after_the_quota_was_met_are_counted() -> None:
    door, ledger = gate(quota=0)
    assert not any(passes(door, ledger) for _ in range(100))
    assert ledger.totals() == Counts(100, 0, {admission.QUOTA_MET: 100})


def test_a_failure_reopens_a_gate_whose_quota_was_met() -> None:
    door, ledger = gate(quota=1)
    assert passes(door, ledger)
    door.count_admitted(ledger.tick_admitted() + 1)
    assert not passes(door, ledger)
    door.failed(0.0, 0.0)
    assert passes(door, ledger)


def test_over_budget_the_calls_of_the_next_moment_are_counted_and_not_decided(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = [100.0]
    monkeypatch.setattr(admission, "perf_counter", lambda: now[0])
    door, ledger = gate()
    door.over_budget()
    assert door.waits_until > now[0]
    for _ in range(5_000):
        door.tick_waiting()
    assert ledger.totals() == Counts(5_001, 0, {admission.OVER_BUDGET: 5_001})
    now[0] += 1.0
    assert door.waits_until < now[0]


def call_over_budget(door: Gate, ledger: Ledger, number: int) -> int:
    """Call so often, as a recorder asks, while the budget allows nothing. Returns how many calls were decided."""
    decided = 0
    for _ in range(number):
        for _ in ledger.skipping:
            break
        else:
            if admission.perf_counter() < door.waits_until:
                door.tick_waiting()
            else:
                decided += 1
                door.over_budget()
    return decided


@pytest.mark.parametrize("number", [1, 10, admission.LEAST_AHEAD, 700, 5_000])
def test_over_budget_each_call_is_counted_once_however_many_are_skipped_ahead(number: int, now: list[float]) -> None:
    door, ledger = gate()
    total = 0
    for wait in (number, number, 3 * number, number // 3, 1, 1, number):
        total += wait
        assert call_over_budget(door, ledger, wait) == (1 if wait else 0)
        assert ledger.totals() == Counts(total, 0, {admission.OVER_BUDGET: total})
        now[0] += 1.0
        door.governor.end_waits()


def test_a_function_that_is_seldom_called_now_is_decided_again_at_the_end_of_its_wait(now: list[float]) -> None:
    door, ledger = gate()
    call_over_budget(door, ledger, 500)
    now[0] += 1.0
    call_over_budget(door, ledger, 1)  # skips many ahead
    door.governor.end_waits()
    assert not passes(door, ledger)  # the wait is not over
    now[0] += 1.0
    assert not passes(door, ledger)  # still among those that were skipped ahead
    door.governor.end_waits()
    assert passes(door, ledger)


def test_the_writer_s_thread_ends_waits_that_are_over(now: list[float], tmp_path: Path) -> None:
    door, ledger = gate()
    call_over_budget(door, ledger, 500)
    now[0] += 1.0
    call_over_budget(door, ledger, 1)  # skips many ahead
    now[0] += 1.0
    assert not passes(door, ledger)

    Reporter(str(tmp_path), set(), {}, {}, door.governor).run_if_due()  # as its rounds do

    assert passes(door, ledger)


def test_the_end_of_a_wait_leaves_alone_what_is_skipped_for_another_reason(now: list[float]) -> None:
    door, ledger = gate()
    for _ in range(2):
        call_over_budget(door, ledger, 500)
        now[0] += 1.0
    ledger.skip_next(10, admission.NOT_SAMPLED)
    door.governor.end_waits()
    assert not any(passes(door, ledger) for _ in range(10))
    assert ledger.totals().skipped[admission.NOT_SAMPLED] == 10


def test_a_gate_that_closes_while_calls_are_skipped_ahead_gives_its_own_reason(now: list[float]) -> None:
    door, ledger = gate()
    for _ in range(2):
        call_over_budget(door, ledger, 500)
        now[0] += 1.0
    call_over_budget(door, ledger, 1)
    door.close("paused")
    assert not passes(door, ledger)
    assert ledger.totals().skipped == {admission.OVER_BUDGET: 1001, "paused": 1}


def test_a_gate_that_closes_while_it_waits_for_the_budget_gives_its_own_reason() -> None:
    door, ledger = gate()
    door.over_budget()
    door.close("paused")
    assert not passes(door, ledger)
    assert ledger.totals().skipped == {admission.OVER_BUDGET: 1, "paused": 1}


def test_over_budget_calls_that_a_sparse_sample_leaves_out_are_still_counted_as_not_sampled() -> None:
    door, ledger = gate(sample=0.001)
    for _ in range(20_000):
        if passes(door, ledger):
            door.over_budget()

    skipped = ledger.totals().skipped
    assert sum(skipped.values()) == 20_000
    assert skipped["not_sampled"] > 19_000


def test_a_second_capture_leaves_some_of_the_budget_for_functions_that_have_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(budget, "FIRSTS", 0.0)
    governor = Governor(0.02)
    often, _ = gate(governor)
    while often.affords():
        often.succeeded(0.001, 0.001)
    rare, _ = gate(governor)
    assert governor.balance > admission.FOR_FIRSTS - 0.002
    assert rare.affords()


def test_failures_in_a_row_turn_calls_away_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(admission, "FIRST_PAUSE", 0.05)
    door, _ = gate()
    for _ in range(admission.FAILURES):
        assert door.closed is None
        door.failed(0.0, 0.0)
    assert door.closed == admission.BACKING_OFF
    assert door.still_closed()
    time.sleep(0.06)
    assert not door.still_closed()
    door.failed(0.0, 0.0)  # the one probe failed: closed again, and for longer
    assert door.closed == admission.BACKING_OFF
    time.sleep(0.06)
    assert door.still_closed()


def test_a_success_between_failures_keeps_the_gate_open() -> None:
    door, _ = gate()
    for _ in range(admission.FAILURES - 1):
        door.failed(0.0, 0.0)
    door.succeeded(0.0, 0.0)
    door.failed(0.0, 0.0)
    assert door.closed is None


def test_a_very_slow_capture_closes_its_function_until_the_budget_has_paid() -> None:
    door, _ = gate(Governor(0.5))
    door.succeeded(0.0, admission.SLOW * 2)
    assert door.closed == admission.TOO_SLOW
    assert door.still_closed()


def test_a_very_slow_capture_that_failed_closes_its_function_too() -> None:
    door, _ = gate(Governor(0.5))
    door.failed(0.0, admission.SLOW * 2)
    assert door.closed == admission.TOO_SLOW
    assert door.still_closed()


def test_a_quota_that_is_met_stays_met_after_a_very_slow_capture() -> None:
    door, ledger = gate(Governor(0.5), quota=1)
    door.count_admitted(ledger.tick_admitted() + 1)
    door.succeeded(0.0, admission.SLOW * 2)
    assert door.closed_for_good


def test_the_first_capture_of_a_function_is_taken_over_the_budget_and_no_second() -> None:
    governor = Governor(0.01)
    governor.spend(100.0)
    for _ in range(3):
        door, _ = gate(governor)
        assert door.affords()
        assert not door.affords()


def test_first_captures_are_bounded_for_the_process_and_spread_over_time(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(budget, "perf_counter", lambda: now[0])
    governor = Governor(0.001)
    spent = []
    for _ in range(200):  # two hundred seconds, in each of which a thousand targets are called first
        now[0] += 1.0
        for _ in range(1000):
            door, _ = gate(governor)
            if not door.affords():
                break
            door.succeeded(0.001, 0.001)
        spent.append(governor.spent)
    assert spent[0] < budget.BURST + budget.FIRSTS_AT_ONCE + budget.FIRSTS_PER_SECOND + 0.03
    assert spent[2] > spent[1] > spent[0]
    assert spent[-1] < budget.BURST + budget.FIRSTS + budget.LEAST_DEBT + 200 * 0.001 + 0.01


def test_the_writer_is_paid_before_more_is_admitted() -> None:
    governor = Governor(0.02)
    door, _ = gate(governor)
    door.succeeded(0.0, 0.0)
    size = 1_000_000
    admitted = 0
    while governor.balance > door.needs and admitted < 100:
        door.succeeded(0.0001, 0.0001, door.reserve(size))
        admitted += 1
    assert admitted == 1
    door.settle(size, door.reserve(size), 0.0)  # a newer call made it surplus: the writer had nothing to do
    assert governor.balance > 0.0


@pytest.mark.parametrize("size", [100, 1_000_000])
def test_a_call_that_newer_ones_made_surplus_lets_the_next_wait_and_counts_as_no_work(size: int) -> None:
    governor = Governor(0.02)
    door, _ = gate(governor)
    door.succeeded(0.0, 0.0)
    reserved, before = door.reserve(size), governor.balance
    door.succeeded(0.0, 0.0, reserved)
    door.settle(size, reserved, 0.0)
    assert governor.balance == pytest.approx(before - admission.SURPLUS)
    assert governor.spent == pytest.approx(0.0)


def test_what_the_writer_took_for_a_call_is_expected_of_the_next() -> None:
    door, _ = gate(Governor(0.02))
    for _ in range(10):
        door.settle(1000, door.reserve(1000), 0.02)
    assert door.reserve(1000) == pytest.approx(0.02, rel=0.1)
    assert door.reserve(2000) == pytest.approx(0.04, rel=0.1)


def test_a_costly_target_waits_until_so_much_is_saved(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(budget, "perf_counter", lambda: now[0])
    governor = Governor(0.02)
    door, _ = gate(governor)
    assert door.affords()
    door.succeeded(0.03, 0.03)
    assert governor.balance > 0.0
    assert not door.affords()
    now[0] += 2.0
    assert door.affords()


def test_calls_inside_a_call_find_it_paid() -> None:
    governor = Governor(0.02)
    outer, _ = gate(governor)
    outer.pay_ahead(budget.BURST + budget.FIRSTS_AT_ONCE + 0.02)
    inner, _ = gate(governor)
    inner.succeeded(0.001, 0.001)
    assert not inner.affords()
    outer.succeeded(0.01, 0.01, 0.01, budget.BURST + budget.FIRSTS_AT_ONCE + 0.02)
    assert inner.affords()


def test_loading_our_libraries_is_not_charged_to_the_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "dill", raising=False)
    governor = Governor(0.02)
    door, _ = gate(governor)

    monkeypatch.setitem(sys.modules, "dill", sys)
    door.succeeded(admission.SLOW + 0.1, admission.SLOW + 0.1)
    assert (governor.balance, door.closed) == (pytest.approx(budget.BURST, abs=0.001), None)

    door.succeeded(admission.SLOW + 0.1, admission.SLOW + 0.1)
    assert governor.balance < 0.0
    assert door.closed == admission.TOO_SLOW


def test_a_budget_of_nothing_captures_nothing() -> None:
    door, _ = gate(Governor(0.0))
    time.sleep(0.01)
    assert door.governor.balance == 0.0
    assert not door.affords()


def test_over_budget_is_over_until_time_has_filled_the_bucket() -> None:
    governor = Governor(0.5)
    governor.spend(budget.BURST + 0.02)
    assert not governor.allows()
    time.sleep(0.1)
    assert governor.allows()


def test_only_a_new_process_may_spend_a_burst_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(budget, "perf_counter", lambda: now[0])
    governor = Governor(0.02)
    governor.spend(budget.BURST)
    assert not governor.allows()

    now[0] += 3600.0  # an idle hour

    assert governor.allows()
    assert governor.balance == pytest.approx(budget.SAVED)


def test_a_caller_is_charged_what_its_clock_does_not_see_as_well() -> None:
    door, _ = gate(governor := Governor(0.02))
    door.succeeded(0.00001, 0.00001)
    assert governor.spent == pytest.approx(0.00002)
    door.succeeded(0.1, 0.1)
    assert governor.spent == pytest.approx(0.10002 + admission.UNSEEN)


def test_a_budget_of_everything_never_says_no() -> None:
    governor = Governor(1.0)
    governor.spend(1e6)
    assert governor.allows()
