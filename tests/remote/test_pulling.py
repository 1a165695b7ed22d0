"""What a pull chooses, checks and refuses. Numbers are those of the cases in the design of pushing and pulling."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from fault_proxy import FaultProxy, Request
from fleet import FOLDER, KEY, Pod, key_path, listed, pull, put, results
from seaweedfs import SeaweedFS

from snapagent.bundle import SigningKey
from snapagent.remote.keys import Key
from snapagent.remote.objects import Objects
from snapagent.remote.urls import parse_url

Pods = Callable[[int], list[Pod]]


def values(folder: Path) -> list[str]:
    """The arguments of what was pulled, the oldest first."""
    pod = Pod(folder)
    return [pod.store.header(entry).previews["value"] for entry in pod.store.bundles("shop.pricing:quote")]


def test_the_newest_two_of_all_pods_are_pulled(pods: Pods, url: str, tmp_path: Path) -> None:
    for at, pod in enumerate(pods(3)):
        for age in range(3):
            pod.capture((at, age), ago=100 * age + at)
        pod.push(url)

    assert results(pull(url, tmp_path / "laptop")) == ["landed"] * 2
    assert values(tmp_path / "laptop") == ["(1, 0)", "(0, 0)"]


def test_15_a_flipped_byte_is_refused_and_the_next_one_pulled(pod: Pod, url: str, tmp_path: Path) -> None:
    pod.capture("old", 20)
    newest = pod.capture("new", 10)
    pod.push(url)
    data = bytearray(Path(newest.path).read_bytes())
    data[-1] ^= 1
    put(url, key_path(pod, newest), bytes(data))

    pulled = pull(url, tmp_path / "laptop", keep=1)

    assert [(one.result, one.name == newest.name) for one in pulled] == [("refused", True), ("landed", False)]
    assert "digest" in pulled[0].reason
    assert values(tmp_path / "laptop") == ["'old'"]


def test_16_a_signature_is_required_unless_any_is_trusted(tmp_path: Path, url: str) -> None:
    unsigned, foreign = Pod(tmp_path / "a", None), Pod(tmp_path / "b", SigningKey(b"of somebody else"))
    unsigned.capture(1)
    foreign.capture(2)
    unsigned.push(url, unsigned=True)
    foreign.push(url, unsigned=True)

    refused = pull(url, tmp_path / "laptop")

    assert results(refused) == ["refused", "refused"]
    assert {word for one in refused for word in ("not signed", "not one of yours") if word in one.reason} == {
        "not signed",
        "not one of yours",
    }
    assert not (tmp_path / "laptop").exists() or Pod(tmp_path / "laptop").names() == []
    assert results(pull(url, tmp_path / "laptop", keys=())) == ["refused", "refused"]
    assert results(pull(url, tmp_path / "laptop", keys=(), signed=False)) == ["landed", "landed"]


def test_17_a_signed_bundle_under_another_key_is_refused(pod: Pod, url: str, tmp_path: Path) -> None:
    """Another function, a newer time, another kind, another hash, another name: whoever may write can try them all."""
    entry = pod.capture("x", 3600)
    data = Path(entry.path).read_bytes()
    right = Key(FOLDER, *key_path(pod, entry).rpartition("/")[2].split("~"))
    later = entry.name.replace(entry.timestamp, "20991231T000000.000000Z")
    other_hash = entry.name.replace(entry.short_hash, "00000000")
    forged = [
        right.replace(folder="shop.pricing.refund"),
        right.replace(rev="0000000000000001"),
        right.replace(kind="builtins.ValueError"),
        right.replace(digits="0" * 16),
        right.replace(name=later),
        right.replace(name=other_hash),
    ]
    for key in forged:
        put(url, key.path, data)

    assert results(pull(url, tmp_path / "laptop", keep=10)) == ["refused"] * len(forged)
    assert Pod(tmp_path / "laptop").names() == []


def test_objects_that_are_no_bundles_are_left_out(pod: Pod, url: str, tmp_path: Path) -> None:
    pod.capture(1)
    pod.push(url)
    put(url, f"v1/{FOLDER}/readme.txt", b"hello")
    put(url, f"v1/{FOLDER}/0000000000000001~returned~00~../../x.pkl".replace("../../", "..~"), b"hello")
    put(url, "v2/other", b"of a later version")

    assert results(pull(url, tmp_path / "laptop", keep=10)) == ["landed"]


def test_18_one_hash_from_fifty_pods_is_pulled_once(pods: Pods, url: str, tmp_path: Path) -> None:
    for at, pod in enumerate(pods(50)):
        pod.capture("same", ago=100 + at)
        pod.push(url)

    pulled = pull(url, tmp_path / "laptop")

    assert len(listed(url)) == 50
    assert results(pulled) == ["landed"]


def test_when_the_newest_of_a_call_is_refused_the_next_one_is_tried(pods: Pods, url: str, tmp_path: Path) -> None:
    first, second = pods(2)
    first.capture("same", 20)
    newest = second.capture("same", 10)
    first.push(url)
    second.push(url)
    put(url, key_path(second, newest), b"garbage")

    assert results(pull(url, tmp_path / "laptop")) == ["landed", "refused"]


def test_19_the_newest_of_each_other_outcome_kind_is_pulled_too(pod: Pod, url: str, tmp_path: Path) -> None:
    for number in range(5):
        pod.capture(("declined", number), 500 - number, exception="shop.Declined")
    pod.capture("timeout", 400, exception="builtins.TimeoutError")
    for number in range(5):
        pod.capture(number, 100 - number)
    pod.push(url)

    pull(url, tmp_path / "laptop")

    assert values(tmp_path / "laptop") == ["('declined', 4)", "'timeout'", "3", "4"]


def test_20_pages_full_of_one_call_are_read_past(pod: Pod, url: str, proxy: FaultProxy, tmp_path: Path) -> None:
    old = pod.capture("old", 9000)
    pod.push(url)
    objects = Objects(parse_url(url))
    entry = pod.capture("same", 60)
    base = Key(FOLDER, *key_path(pod, entry).rpartition("/")[2].split("~"))
    for number in range(2100):  # what they hold does not matter: only the newest of them is read
        token = f"{number:06x}"
        key = base.replace(rev=f"{int(base.rev) + 1 + number:016d}", name=entry.name.replace(entry.name[24:30], token))
        objects._store(0).put(key.path, b"x")
    pod.push(url)
    proxy.forget()

    pulled = pull(url, tmp_path / "laptop")

    assert [one.name for one in pulled] == [entry.name, old.name]
    assert proxy.count("LIST") == 1 + 3
    assert results(pull(url, tmp_path / "other", max_pages=2)) == ["landed"]


def test_21_a_clock_that_ran_ahead_makes_a_bundle_the_oldest(pods: Pods, url: str, tmp_path: Path) -> None:
    right, ahead = pods(2)
    for value in range(3):
        right.capture(value, 100 - value)
    ahead.capture("ahead", -600)
    right.push(url)
    ahead.push(url)

    pull(url, tmp_path / "laptop")
    assert values(tmp_path / "laptop") == ["1", "2"]

    pull(url, tmp_path / "all", keep=10)
    assert "'ahead'" in values(tmp_path / "all")


def test_22_what_is_novel_is_pulled_once(pod: Pod, url: str, tmp_path: Path) -> None:
    for value in range(6):
        pod.capture(value, 100 - value)
    pod.push(url)

    assert results(pull(url, tmp_path / "laptop", novel=True, keep=4)) == ["landed"] * 4
    assert results(pull(url, tmp_path / "laptop", novel=True, keep=4)) == ["known"] * 4

    newer = Pod(tmp_path / "other pod")
    newer.capture(5, 1)
    newer.push(url)
    assert results(pull(url, tmp_path / "laptop", novel=True, keep=1)) == ["known"]
    assert results(pull(url, tmp_path / "laptop", keep=1)) == ["landed"]


def test_what_is_here_already_is_left_alone_and_what_is_different_is_refused(
    pod: Pod, url: str, tmp_path: Path
) -> None:
    for value in range(2):
        pod.capture(value, 100 - value)
    pod.push(url)
    pull(url, tmp_path / "laptop")
    first, second = sorted((tmp_path / "laptop").glob("*/*.pkl"))
    first.write_bytes(b"edited")

    pulled = pull(url, tmp_path / "laptop")

    assert results(pulled) == ["present", "refused"]
    assert first.read_bytes() == b"edited"
    assert second.stat().st_mtime < time.time()


def test_23_two_pullers_of_one_folder_do_not_disturb_each_other(pod: Pod, url: str, tmp_path: Path) -> None:
    for value in range(40):
        pod.capture(value, 100 - value)
    pod.push(url)
    found: list[list[str]] = []
    threads = [
        threading.Thread(target=lambda: found.append(results(pull(url, tmp_path / "laptop", keep=40))))
        for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert all(set(one) <= {"landed", "present"} and len(one) == 40 for one in found)
    assert Pod(tmp_path / "laptop").names() == pod.names()
    assert sorted(path.name for path in (tmp_path / "laptop" / FOLDER).iterdir()) == pod.names()


def test_24_what_is_deleted_between_list_and_get_is_replaced_by_the_next(
    pod: Pod, url: str, proxy: FaultProxy, seaweed: SeaweedFS, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entries = [pod.capture(value, 100 - value) for value in range(3)]
    pod.push(url)
    with monkeypatch.context() as directly:  # the proxy waits while it deletes
        directly.setenv("AWS_ENDPOINT_URL", seaweed.url)
        objects = Objects(parse_url(url))
        objects.folders()
    path = key_path(pod, entries[-1])
    key = Key(FOLDER, *path.rpartition("/")[2].split("~"))

    def vanish(request: Request) -> None:
        if request.kind == "GET" and entries[-1].name in request.path:
            proxy.on_request = lambda request: None
            objects.delete([key])

    proxy.on_request = vanish

    assert results(pull(url, tmp_path / "laptop")) == ["gone", "landed", "landed"]


def test_30_more_than_a_thousand_functions_are_all_seen(pod: Pod, url: str, tmp_path: Path) -> None:
    objects = Objects(parse_url(url))
    entry = pod.capture(1)
    name = key_path(pod, entry).rpartition("/")[2]
    for number in range(1100):
        objects._store(0).put(f"v1/shop.f{number:04d}/{name}", b"x")

    assert len(objects.folders()) == 1100
    assert len(pull(url, tmp_path / "laptop", dry_run=True)) == 1100


def test_since_leaves_older_calls_out(pod: Pod, url: str, tmp_path: Path) -> None:
    pod.capture("old", 7200)
    pod.capture("new", 60)
    pod.push(url)

    assert results(pull(url, tmp_path / "laptop", keep=10, since=time.time() - 3600)) == ["landed"]
    assert values(tmp_path / "laptop") == ["'new'"]


def test_a_dry_run_reads_and_writes_no_bundle(pod: Pod, url: str, proxy: FaultProxy, tmp_path: Path) -> None:
    pod.capture(1)
    pod.push(url)
    proxy.forget()

    assert results(pull(url, tmp_path / "laptop", dry_run=True)) == ["would_land"]
    assert proxy.count("GET") == 0
    assert not (tmp_path / "laptop").exists()


def test_38_a_folder_is_an_object_store_too(pod: Pod, tmp_path: Path) -> None:
    pod.capture("a", 20)
    pod.capture("b", 10)
    url = f"file://{tmp_path}/shared/made/by push"

    assert pod.push(url).uploaded == 2
    assert pod.push(url).uploaded == 0
    assert results(pull(url, tmp_path / "laptop", keep=1)) == ["landed"]
    assert values(tmp_path / "laptop") == ["'b'"]


def test_38_the_folders_of_pods_are_read_as_they_are(tmp_path: Path) -> None:
    for at in range(3):
        pod = Pod(tmp_path / "shared" / "staging" / f"pod-{at}" / "captures")
        pod.capture(("mine", at), 100 - at)
        pod.capture("same", 50 - at)
    unsigned = Pod(tmp_path / "shared" / "stranger", None)
    unsigned.capture("unsigned", 1)

    pulled = pull(f"file://{tmp_path}/shared", tmp_path / "laptop")

    assert results(pulled) == ["landed", "landed", "refused"]
    assert values(tmp_path / "laptop") == ["('mine', 2)", "'same'"]
    shutil.rmtree(tmp_path / "shared")
    assert KEY.id
