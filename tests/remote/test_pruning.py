"""Retention in an object store. Numbers are those of the cases in the design."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from fault_proxy import FaultProxy
from fleet import FOLDER, Pod, listed, put

from snapagent.remote.keys import Key
from snapagent.remote.objects import Found, Objects
from snapagent.remote.prune import RemotePrune, prune, surplus
from snapagent.remote.urls import parse_url

NOW = 1_795_000_000.0
DAY = 86400.0


def found(ago: float, digits: str, kind: str = "returned", modified: float | None = None) -> Found:
    """An object of a call so many seconds before NOW."""
    rev = 10**16 - 1 - round((NOW - ago) * 1e6)
    key = Key(FOLDER, f"{rev:016d}", kind, digits.ljust(16, "0"), f"20261122T093408.123456Z-a41f9c-1-{digits:0<8}.pkl")
    return Found(key, 100, (NOW - ago) if modified is None else modified)


def gone(objects: list[Found], **rules: float) -> set[str]:
    return {one.key.digits.rstrip("0") for one in surplus(iter([objects]), RemotePrune(**rules), NOW)}  # type: ignore[arg-type]


def test_the_newest_different_calls_stay_and_one_of_each_other_kind() -> None:
    objects = [
        found(2 * DAY, "a"),
        found(3 * DAY, "b"),
        found(4 * DAY, "c"),
        found(5 * DAY, "d", "builtins.ValueError"),
        found(6 * DAY, "e", "builtins.ValueError"),
    ]
    assert gone(objects, keep=2) == {"c", "e"}
    assert gone(objects, keep=2, keep_outcomes=0) == {"c", "d", "e"}
    assert gone(objects, keep=20, max_age=3.5 * DAY) == {"c", "d", "e"}


def test_equal_calls_count_once_and_their_older_ones_go() -> None:
    objects = [found(2 * DAY + at, "a") for at in range(5)] + [found(3 * DAY, "b")]
    out = list(surplus(iter([objects]), RemotePrune(keep=2), NOW))
    assert out == objects[1:5]


def test_nothing_younger_than_an_hour_goes_by_either_clock() -> None:
    objects = [
        found(60, "a"),
        found(120, "b"),
        found(2 * DAY, "c", modified=NOW - 60),  # of a pod whose clock is days behind
        found(3 * DAY, "d"),
        found(-10 * DAY, "e", modified=NOW - 2 * DAY),  # of one whose clock runs ahead
    ]
    assert gone(objects, keep=1, keep_outcomes=0) == {"d"}


@pytest.fixture
def full(pod: Pod, url: str) -> str:
    for value in range(6):
        pod.capture(value, 7200 + value)
    pod.push(url)
    put(url, f"v1/{FOLDER}/notes.txt", b"not a bundle")
    return url


def test_36_a_dry_run_says_what_a_prune_removes(full: str, proxy: FaultProxy) -> None:
    objects = Objects(parse_url(full))
    now = time.time() + 2 * 3600  # the server's clock says that the objects are new
    rules = RemotePrune(keep=2)

    would = prune(objects, FOLDER, rules, now, dry_run=True)
    assert len(listed(full)) == 6
    removed = prune(objects, FOLDER, rules, now)

    assert would == removed
    assert len(removed) == 4
    assert len(listed(full)) == 2
    assert prune(objects, FOLDER, rules, now) == []
    assert proxy.count("DELETE") == 1
    notes = bytes(objects._store(0).get(f"v1/{FOLDER}/notes.txt").bytes())
    assert notes == b"not a bundle"


def test_what_was_pushed_just_now_stays(full: str) -> None:
    assert prune(Objects(parse_url(full)), FOLDER, RemotePrune(keep=1), time.time()) == []


def test_a_prune_survives_a_bad_moment(full: str, proxy: FaultProxy) -> None:
    proxy.fail("503", "DELETE", times=1)
    proxy.fail("reset", "LIST", times=1)

    assert len(prune(Objects(parse_url(full)), FOLDER, RemotePrune(keep=2), time.time() + 7200)) == 4
    assert len(listed(full)) == 2


def test_a_folder_is_pruned_too(pod: Pod, tmp_path: Path) -> None:
    for value in range(4):
        pod.capture(value, 7200 + value)
    url = f"file://{tmp_path}/shared"
    pod.push(url)

    assert len(prune(Objects(parse_url(url)), FOLDER, RemotePrune(keep=1), time.time() + 7200)) == 3
    assert len(listed(url)) == 1
