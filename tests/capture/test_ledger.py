"""Every call is counted, and each one that was not captured has a reason."""

from __future__ import annotations

import threading

from snapagent.capture.recording.ledger import FOREVER, Ledger
from snapagent.config.targets import Target
from snapagent.store.index import Counts

TARGET = Target("shop.pricing", "quote")


def call(ledger: Ledger, times: int = 1) -> int:
    """Calls that take a step of what is to be skipped; returns how many had to be looked at."""
    looked_at = 0
    for _ in range(times):
        for _ in ledger.skipping:
            break
        else:
            ledger.count_skipped("looked_at")
            looked_at += 1
    return looked_at


def many_threads(work: object, number: int = 8) -> None:
    threads = [threading.Thread(target=work) for _ in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_calls_are_counted_exactly_by_many_threads() -> None:
    ledger = Ledger(TARGET)
    ledger.skip_next(17_000, "not_sampled")

    many_threads(lambda: call(ledger, 5_000))

    assert ledger.take() == Counts(40_000, 0, {"not_sampled": 17_000, "looked_at": 23_000})


def test_changing_what_is_skipped_loses_no_call_of_another_thread() -> None:
    ledger = Ledger(TARGET)

    def work() -> None:
        for number in range(500):
            ledger.skip_next(number % 7, f"reason {number % 3}")
            call(ledger, 10)

    many_threads(work)

    assert ledger.totals().calls == sum(ledger.totals().skipped.values()) == 40_000


def test_what_was_taken_is_not_handed_out_again() -> None:
    ledger = Ledger(TARGET)
    ledger.tick_admitted(), ledger.count_captured()
    assert ledger.take() == Counts(1, 1)
    assert not ledger.take()


def test_skipped_calls_belong_to_the_reason_of_their_time() -> None:
    ledger = Ledger(TARGET)
    ledger.skip_next(100, "over_budget")
    call(ledger, 3)
    ledger.skip_next(FOREVER, "quota_met")
    call(ledger, 2)
    assert ledger.take() == Counts(5, 0, {"over_budget": 3, "quota_met": 2})


def test_after_the_calls_to_be_skipped_each_is_looked_at() -> None:
    ledger = Ledger(TARGET)
    ledger.skip_next(3, "not_sampled")
    assert call(ledger, 5) == 2
    ledger.skip_next(100, "not_sampled")
    call(ledger)
    ledger.stop_skipping()
    assert call(ledger, 4) == 4
    assert ledger.totals() == Counts(10, 0, {"not_sampled": 4, "looked_at": 6})


def test_each_admitted_call_is_counted_once_whatever_becomes_of_it() -> None:
    ledger = Ledger(TARGET)
    ledger.tick_admitted(), ledger.count_captured()
    ledger.count_skipped("recursive")
    ledger.tick_admitted(), ledger.count_skipped("queue_full", admitted=True)
    ledger.tick_admitted(), ledger.count_failed("disk_full")
    ledger.skip_next(1, "not_sampled")
    call(ledger)
    counts = ledger.take()
    assert counts == Counts(5, 1, {"recursive": 1, "queue_full": 1, "not_sampled": 1}, {"disk_full": 1})
    assert counts.calls == counts.captured + sum(counts.skipped.values()) + sum(counts.failed.values())


def test_a_forked_child_does_not_count_its_parents_calls() -> None:
    ledger = Ledger(TARGET)
    ledger.tick_admitted(), ledger.count_captured()
    ledger.skip_next(FOREVER, "quota_met")
    call(ledger, 5)
    ledger.called = True

    ledger.restart()

    assert not ledger.take()
    assert not ledger.called
    assert call(ledger) == 1  # so that somebody is told of the child's calls
    assert ledger.take().calls == 1
