"""Every call is counted, and each one that was not captured has a reason."""

from __future__ import annotations

import threading

from snapagent.capture.ledger import Ledger
from snapagent.store.counts import Counts
from snapagent.targets import Target

TARGET = Target("shop.pricing", "quote")


def test_calls_are_counted_exactly_by_many_threads() -> None:
    ledger = Ledger(TARGET)

    def many() -> None:
        for _ in range(5_000):
            ledger.tick()

    threads = [threading.Thread(target=many) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert ledger.take().calls == 40_000


def test_what_was_taken_is_not_handed_out_again() -> None:
    ledger = Ledger(TARGET)
    ledger.tick(), ledger.tick_admitted(), ledger.count_captured()
    assert ledger.take() == Counts(1, 1)
    assert not ledger.take()


def test_counts_that_could_not_be_stored_are_part_of_the_next_ones() -> None:
    ledger = Ledger(TARGET)
    ledger.tick(), ledger.count_skipped("recursive")
    taken = ledger.take()
    ledger.give_back(taken)
    ledger.tick(), ledger.count_skipped("recursive")
    assert ledger.take() == Counts(2, 0, {"recursive": 2})


def test_calls_turned_away_belong_to_the_reason_of_their_time() -> None:
    ledger = Ledger(TARGET)
    ledger.turn_away("backing_off")
    for _ in range(3):
        ledger.tick()
    ledger.turn_away("quota_met")
    for _ in range(2):
        ledger.tick()
    assert ledger.take() == Counts(5, 0, {"backing_off": 3, "quota_met": 2})


def test_admitted_and_counted_calls_are_not_turned_away_as_well() -> None:
    ledger = Ledger(TARGET)
    ledger.turn_away("not_sampled")
    ledger.tick(), ledger.tick_admitted(), ledger.count_captured()
    ledger.tick(), ledger.count_skipped("recursive")
    ledger.tick(), ledger.tick_admitted(), ledger.count_skipped("queue_full", admitted=True)
    ledger.tick(), ledger.tick_admitted(), ledger.count_failed("disk_full")
    ledger.tick()
    counts = ledger.take()
    assert counts == Counts(5, 1, {"recursive": 1, "queue_full": 1, "not_sampled": 1}, {"disk_full": 1})
    assert counts.calls == counts.captured + sum(counts.skipped.values()) + sum(counts.failed.values())


def test_a_forked_child_does_not_count_its_parents_calls() -> None:
    ledger = Ledger(TARGET)
    ledger.tick(), ledger.tick_admitted(), ledger.count_captured()
    ledger.restart()
    assert not ledger.take()
    ledger.tick()
    assert ledger.take().calls == 1
