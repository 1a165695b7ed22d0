"""`push --watch`, the sidecar of a program that captures. Numbers are those of the cases in the design."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from fault_proxy import FaultProxy
from fleet import KEY, QUICK, Pod, listed

from snapagent.core import system
from snapagent.remote.limits import Buckets, Rate, parse_rate
from snapagent.remote.objects import Objects
from snapagent.remote.push import Push, PushOptions
from snapagent.remote.status import PushStatus, read_status
from snapagent.remote.urls import parse_url


class Sidecar:
    """A watching push in a thread of the test."""

    def __init__(self, pod: Pod, url: str, *, timeout: float = 10.0, **options: Any) -> None:
        given = {"interval": 0.02, "first_wait": QUICK, "drain": 5.0, **options}
        self.said: list[str] = []
        self.result: PushStatus | None = None
        self._stop = threading.Event()
        self.push = Push(
            str(pod.captures), Objects(parse_url(url), timeout=timeout), (KEY,), PushOptions(**given), self.said.append
        )
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        with self.push:
            self.result = self.push.watch(self._stop)

    def stop(self) -> PushStatus:
        self._stop.set()
        self._thread.join(30)
        assert self.result is not None
        return self.result

    def wait_for(self, condition: Callable[[PushStatus], bool], seconds: float = 10.0) -> None:
        until = time.monotonic() + seconds
        while not condition(self.push.status):
            assert time.monotonic() < until, self.push.status
            time.sleep(0.01)


def test_what_is_captured_while_it_watches_is_uploaded(pod: Pod, url: str, proxy: FaultProxy) -> None:
    sidecar = Sidecar(pod, url)  # before the program has captured anything
    for value in range(5):
        pod.capture(value)
        time.sleep(0.03)
    sidecar.wait_for(lambda status: status.uploaded == 5)

    assert sidecar.stop().waiting == 0
    assert len(listed(url)) == 5


def test_the_rate_of_a_function_lets_a_burst_of_an_hour_through(pod: Pod, url: str, proxy: FaultProxy) -> None:
    for value in range(6):
        pod.capture(value, 100 - value)
        pod.capture(value, 100 - value, target="shop.pricing:refund")
    sidecar = Sidecar(pod, url, rate=parse_rate("2/h"))
    sidecar.wait_for(lambda status: status.uploaded == 4)
    time.sleep(0.2)

    status = sidecar.stop()

    assert status.uploaded == 4
    newest = {name for name in pod.names() if name in "".join(listed(url))}
    assert newest == {name for name in pod.names() if name in pod.ledger()}
    assert len(newest) == 4
    assert min(newest) >= sorted(pod.names())[-4]


def test_an_equal_call_is_uploaded_again_after_a_day(
    pod: Pod, url: str, proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    from snapagent.remote import push as module

    with Push(str(pod.captures), Objects(parse_url(url)), (KEY,), PushOptions(first_wait=QUICK)) as push:
        pod.capture("same", 10)
        push.once()
        pod.capture("same", 5)
        assert push.once().uploaded == 1
        later = time.time() + 25 * 3600
        monkeypatch.setattr(module.time, "time", lambda: later)
        pod.capture("same", 1)
        assert push.once().uploaded == 2


def test_pods_of_a_fleet_take_turns() -> None:
    rate = parse_rate("20/h").shared_by(500)
    pods = [Buckets(rate) for _ in range(2000)]
    hour = [sum(bucket.take("f", second) for second in range(0, 3601, 60)) for bucket in pods]

    assert max(hour) == 1
    assert 20 * 4 * 0.5 < sum(hour) < 20 * 4 * 1.5  # 2,000 pods are four such fleets


def test_a_bucket_fills_up_to_the_burst_of_an_hour_and_no_further() -> None:
    bucket = Buckets(Rate(2 / 3600), phase=lambda: 0.5)
    assert [bucket.take("f", 0.0) for _ in range(3)] == [True, True, False]
    assert not bucket.take("f", 899.0)
    assert bucket.take("f", 901.0)
    assert [bucket.take("f", 1e6) for _ in range(3)] == [True, True, False]


@pytest.mark.parametrize("text", ["", "2", "h", "0/h", "-1/h", "2/", "2/x", "nan/h", "inf/h", "2/0s"])
def test_a_rate_that_cannot_be_meant_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="a rate such as"):
        parse_rate(text)


def test_rates() -> None:
    assert parse_rate("2/h").per_second == 2 / 3600
    assert parse_rate("10/min").per_second == 10 / 60
    assert parse_rate("1/2d").per_second == 1 / 172800
    assert parse_rate(".inf").per_second == float("inf")


def test_32_what_is_left_is_uploaded_at_the_end_the_newest_first(pod: Pod, url: str, proxy: FaultProxy) -> None:
    sidecar = Sidecar(pod, url, interval=30.0)
    sidecar.wait_for(lambda status: status.watching)
    time.sleep(0.1)
    for value in range(6):
        pod.capture(value, 100 - value)
    proxy.forget()

    assert sidecar.stop().uploaded == 6
    sent = [request.path for request in proxy.requests if request.kind == "PUT"]
    order = [at for name in reversed(pod.names()) for at, path in enumerate(sent) if name in path]
    assert order[0] <= 3 and order[-1] >= 2  # four at a time
    assert len(listed(url)) == 6


def test_32_what_cannot_be_uploaded_at_the_end_is_counted_and_waits(pod: Pod, url: str, proxy: FaultProxy) -> None:
    proxy.fail("503")
    for value in range(3):
        pod.capture(value)
    sidecar = Sidecar(pod, url, drain=0.3)
    sidecar.wait_for(lambda status: status.failures > 0)

    status = sidecar.stop()

    assert (status.waiting, status.uploaded, status.ended) == (3, 0, True)
    assert len(pod.spooled()) == 3
    written = read_status(str(pod.captures))
    assert written is not None and written.replace(told=status.told) == status
    proxy.heal()
    assert pod.push(url).uploaded == 3


def test_a_store_that_hangs_holds_the_end_no_longer_than_the_drain(pod: Pod, url: str, proxy: FaultProxy) -> None:
    proxy.fail("hang", "PUT")
    pod.capture(1)
    sidecar = Sidecar(pod, url, drain=0.5)
    until = time.monotonic() + 5
    while not proxy.count("PUT") and time.monotonic() < until:
        time.sleep(0.01)
    began = time.monotonic()

    assert sidecar.stop().waiting == 1
    assert time.monotonic() - began < 5
    assert sidecar.push.is_hanging


def test_8_a_cause_is_said_once(pod: Pod, url: str, proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch) -> None:
    from snapagent.remote import push as module

    monkeypatch.setattr(module, "_UNTIL_SOMEBODY", 0.02)
    proxy.fail("403", "PUT", code="AccessDenied")
    pod.capture(1)
    sidecar = Sidecar(pod, url)
    sidecar.wait_for(lambda status: status.failures >= 4)

    assert sidecar.stop().waiting == 1
    assert len(sidecar.said) == 1
    assert "403 AccessDenied" in sidecar.said[0]


def test_after_a_refusal_it_waits_for_minutes(pod: Pod, url: str, proxy: FaultProxy) -> None:
    proxy.fail("403", "PUT", code="AccessDenied")
    pod.capture(1)
    sidecar = Sidecar(pod, url, drain=0.0)
    sidecar.wait_for(lambda status: status.failures > 0)
    time.sleep(0.3)

    assert proxy.count("PUT") == 1
    sidecar.stop()


def test_it_goes_on_when_the_store_is_back(pod: Pod, url: str, proxy: FaultProxy) -> None:
    proxy.fail("reset")
    pod.capture(1)
    sidecar = Sidecar(pod, url)
    sidecar.wait_for(lambda status: status.failures > 1)
    proxy.heal()
    sidecar.wait_for(lambda status: status.uploaded + status.there == 1)

    assert sidecar.stop().waiting == 0


def test_33_a_spool_that_stays_full_takes_nothing_more(pod: Pod, url: str, proxy: FaultProxy) -> None:
    proxy.fail("503")
    for value in range(30):
        pod.capture(value)
    size = max(path.stat().st_size for path in pod.captures.glob("*/*.pkl"))
    sidecar = Sidecar(pod, url, max_spool=5 * size, drain=0.0)
    sidecar.wait_for(lambda status: status.failures > 0)

    status = sidecar.stop()

    assert status.waiting_bytes <= 6 * size
    assert status.no_room > 0
    assert status.accepted == status.waiting < 30


def test_folders_that_did_not_change_are_not_listed(pod: Pod, monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    from snapagent.remote.scan import Scanner

    entry = pod.capture(1)
    folder = os.path.dirname(entry.path)
    os.utime(folder, (1e9, 1e9))
    scanner = Scanner(str(pod.captures))
    assert scanner.changed(time.time()) == {"shop.pricing.quote": {entry.name}}

    listings: list[object] = []
    listdir = os.listdir
    monkeypatch.setattr(system.os, "listdir", lambda path: listings.append(path) or listdir(path))
    assert scanner.changed(time.time()) == {}
    assert listings == []
    monkeypatch.undo()
    newer = pod.capture(2)
    assert scanner.changed(time.time()) == {"shop.pricing.quote": {entry.name, newer.name}}
