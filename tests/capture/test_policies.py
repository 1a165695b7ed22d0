"""Who is let in: quota, sampling, budget and back-off."""

from __future__ import annotations

import time

import pytest

from snapagent.capture import policies
from snapagent.capture.ledger import Ledger
from snapagent.capture.policies import Gate, Governor
from snapagent.config import DEFAULT_SETTINGS
from snapagent.targets import Target


def gate(governor: Governor | None = None, **settings: object) -> tuple[Gate, Ledger]:
    ledger = Ledger(Target("shop.pricing", "quote"))
    return Gate(DEFAULT_SETTINGS.replace(**settings), ledger, governor or Governor(1.0)), ledger


def test_the_gate_closes_when_the_quota_is_met() -> None:
    door, _ = gate(quota=2)
    door.took(1)
    assert door.closed is None
    door.took(2)
    assert door.closed == policies.QUOTA_MET
    assert door.still_closed()
    assert door.closed_for_good


def test_captures_of_other_processes_count_towards_the_quota() -> None:
    door, ledger = gate(quota=3)
    door.took(ledger.tick_admitted() + 1)
    door.heard(1)
    assert door.closed is None
    door.heard(2)
    assert door.closed == policies.QUOTA_MET


def test_a_quota_of_nothing_captures_nothing() -> None:
    door, _ = gate(quota=0)
    assert door.closed == policies.QUOTA_MET


def test_a_failed_capture_gives_its_place_in_the_quota_back() -> None:
    door, ledger = gate(quota=2)
    door.took(ledger.tick_admitted() + 1)
    door.failed(0.0)
    door.took(ledger.tick_admitted() + 1)
    assert door.closed is None


def test_the_share_of_calls_that_is_sampled_is_the_share_asked_for() -> None:
    door, _ = gate(sample=0.25)
    taken = sum(door.samples() for _ in range(20_000))
    assert 4_600 < taken < 5_400


def test_failures_in_a_row_turn_calls_away_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(policies, "FIRST_PAUSE", 0.05)
    door, _ = gate()
    for _ in range(policies.FAILURES):
        assert door.closed is None
        door.failed(0.0)
    assert door.closed == policies.BACKING_OFF
    assert door.still_closed()
    time.sleep(0.06)
    assert not door.still_closed()
    door.failed(0.0)  # the one probe failed: closed again, and for longer
    assert door.closed == policies.BACKING_OFF
    time.sleep(0.06)
    assert door.still_closed()


def test_a_success_between_failures_keeps_the_gate_open() -> None:
    door, _ = gate()
    for _ in range(policies.FAILURES - 1):
        door.failed(0.0)
    door.succeeded(0.0)
    door.failed(0.0)
    assert door.closed is None


def test_a_very_slow_capture_closes_its_function_until_the_budget_has_paid() -> None:
    door, _ = gate(Governor(0.5))
    door.succeeded(policies.SLOW * 2)
    assert door.closed == policies.TOO_SLOW
    assert door.still_closed()


def test_the_first_captures_of_a_function_are_taken_whatever_the_budget() -> None:
    governor = Governor(0.01)
    governor.spend(100.0)
    door, ledger = gate(governor)
    taken = 0
    while door.affords() and taken < 100:
        ledger.tick_admitted()
        taken += 1
    assert taken == policies.ALWAYS


def test_over_budget_is_over_until_time_has_filled_the_bucket() -> None:
    governor = Governor(0.5)
    governor.spend(policies.BURST + 0.02)
    assert not governor.allows()
    time.sleep(0.1)
    assert governor.allows()


def test_a_budget_of_everything_never_says_no() -> None:
    governor = Governor(1.0)
    governor.spend(1e6)
    assert governor.allows()
