"""A network and an object store on bad days. Numbers are those of the cases in the design of pushing and pulling."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
import seaweedfs
from fault_proxy import FaultProxy
from fleet import Pod, listed, pull, results

from snapagent.remote.failures import NoBucket, Refused, Unavailable
from snapagent.remote.objects import Objects
from snapagent.remote.urls import RemoteUrl


@pytest.fixture
def ten(pod: Pod) -> Pod:
    for value in range(10):
        pod.capture(value, 100 - value)
    return pod


def test_6_an_overloaded_store_gets_everything_later(ten: Pod, url: str, proxy: FaultProxy) -> None:
    proxy.fail("503", "PUT", until=time.monotonic() + 1.5)

    assert ten.push(url).uploaded == 10
    assert len(listed(url)) == 10


@pytest.mark.parametrize("how", ["503", "500", "429", "reset"])
def test_7_and_12_every_second_request_fails_and_everything_arrives(
    ten: Pod, url: str, proxy: FaultProxy, tmp_path: Path, how: str
) -> None:
    proxy.fail(how, every=2)

    assert ten.push(url).uploaded + ten.push(url).there == 10
    assert results(pull(url, tmp_path / "laptop", keep=10)) == ["landed"] * 10
    proxy.heal()
    assert len(listed(url)) == 10


def test_an_overloaded_store_is_asked_more_slowly(ten: Pod, url: str, proxy: FaultProxy) -> None:
    from snapagent.remote.upload import Pace

    pace = Pace()
    for _ in range(3):
        pace.slower()
    slow = pace.seconds
    pace.faster()
    assert slow == 0.08 and 0 < pace.seconds < slow


@pytest.mark.parametrize("identity", [seaweedfs.READ_ONLY, ("nobody", "wrong"), (seaweedfs.ADMIN[0], "wrong")])
def test_8_and_26_credentials_that_may_not_write_end_a_push_at_once(
    ten: Pod, url: str, proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch, identity: tuple[str, str]
) -> None:
    for name, value in seaweedfs.environment(proxy.url, identity).items():
        monkeypatch.setenv(name, value)

    with pytest.raises(Refused) as raised:
        ten.push(url)

    assert "may not write" in str(raised.value)
    assert proxy.count("PUT") <= 4
    assert len(ten.spooled()) == 10
    assert ten.ledger() == ""


def test_9_a_conflict_is_not_success(ten: Pod, url: str, proxy: FaultProxy) -> None:
    proxy.fail("409", "PUT", times=1, code="ConditionalRequestConflict")

    status = ten.push(url)

    assert (status.uploaded, status.there) == (10, 0)
    assert len(listed(url)) == 10


def test_10_an_endless_conflict_is_never_success(ten: Pod, url: str, proxy: FaultProxy) -> None:
    proxy.fail("409", "PUT", code="OperationAborted")

    with pytest.raises(Unavailable):
        ten.push(url, patience=0.5)

    assert ten.ledger() == ""
    assert len(ten.spooled()) == 10
    proxy.heal()
    assert ten.push(url).uploaded == 10


@pytest.mark.parametrize(
    ("scheme", "answer", "exists"),
    [
        ("s3", "412 Precondition Failed: <Code>PreconditionFailed</Code>", True),
        ("gs", "412 Precondition Failed: <Code>PreconditionFailed</Code>", True),
        ("az", "409 Conflict: <Code>BlobAlreadyExists</Code>", True),
        ("az", "409 Conflict: <Code>LeaseAlreadyPresent</Code>", False),
        ("s3", "409 Conflict: <Code>ConditionalRequestConflict</Code>", False),
        ("s3", "409 Conflict: <Code>BlobAlreadyExists</Code>", False),
    ],
)
def test_each_cloud_says_in_its_own_way_that_an_object_exists(scheme: str, answer: str, exists: bool) -> None:
    """obstore raises the same exception for all of them; only S3 can be had here."""
    from obstore.exceptions import AlreadyExistsError

    error = AlreadyExistsError(f"Server returned non-2xx status code: {answer}")

    assert Objects(RemoteUrl(scheme, "bucket", ""))._says_exists(error) == exists


def test_11_a_lost_answer_is_found_out(ten: Pod, url: str, proxy: FaultProxy) -> None:
    proxy.fail("lost", "PUT", every=3)

    status = ten.push(url)

    assert status.uploaded + status.there == 10
    assert status.there >= 3
    assert len(listed(url)) == 10


def test_13_a_store_that_hangs_ends_a_push_and_nothing_is_lost(ten: Pod, url: str, proxy: FaultProxy) -> None:
    proxy.fail("hang", "PUT")
    began = time.monotonic()

    with pytest.raises(Unavailable):
        ten.push(url, patience=0.5, timeout=0.5)

    assert time.monotonic() - began < 10
    assert len(ten.spooled()) == 10
    proxy.heal()
    assert ten.push(url).uploaded == 10


def test_14_an_answer_that_is_cut_is_asked_for_again(ten: Pod, url: str, proxy: FaultProxy, tmp_path: Path) -> None:
    ten.push(url)
    proxy.fail("cut", "GET", times=2)

    assert results(pull(url, tmp_path / "laptop", keep=10)) == ["landed"] * 10


def test_a_listing_that_fails_goes_on_where_it_was(ten: Pod, url: str, proxy: FaultProxy, tmp_path: Path) -> None:
    ten.push(url)
    for how in ("503", "reset", "cut"):
        proxy.fail(how, "LIST", every=2, times=1)

    assert results(pull(url, tmp_path / "laptop", keep=10)) == ["landed"] * 10


def test_an_object_that_cannot_be_read_does_not_hide_the_others(
    ten: Pod, url: str, proxy: FaultProxy, tmp_path: Path
) -> None:
    ten.push(url)
    proxy.fail("500", "GET")

    pulled = pull(url, tmp_path / "laptop", keep=1, patience=0.1)

    assert results(pulled) == ["refused"] * 10
    assert "did not read" in pulled[0].reason


def test_25_write_only_credentials_are_enough_for_a_pod(
    ten: Pod, url: str, proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in seaweedfs.environment(proxy.url, seaweedfs.WRITE_ONLY).items():
        monkeypatch.setenv(name, value)

    assert ten.push(url).uploaded == 10
    (ten.captures / ".push" / "ledger").unlink()
    assert ten.push(url).there == 10
    assert {request.kind for request in proxy.requests} == {"PUT"}


def test_26_read_only_credentials_are_enough_for_ci(
    ten: Pod, url: str, proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    ten.push(url)
    for name, value in seaweedfs.environment(proxy.url, seaweedfs.READ_ONLY).items():
        monkeypatch.setenv(name, value)

    assert results(pull(url, tmp_path / "laptop")) == ["landed", "landed"]


def test_26_write_only_credentials_cannot_pull_and_the_message_says_so(
    proxy: FaultProxy, url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name, value in seaweedfs.environment(proxy.url, seaweedfs.WRITE_ONLY).items():
        monkeypatch.setenv(name, value)

    with pytest.raises(Refused, match="may not list"):
        pull(url, tmp_path / "laptop")


def test_27_a_missing_bucket_is_named(proxy: FaultProxy, tmp_path: Path) -> None:
    with pytest.raises(NoBucket, match="there is no bucket 'nosuchbucket'"):
        pull("s3://nosuchbucket/prefix", tmp_path / "laptop")


def test_without_credentials_the_message_says_where_they_belong(
    ten: Pod, url: str, proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.setenv("AWS_METADATA_ENDPOINT", "http://127.0.0.1:9")  # no machine of a cloud

    with pytest.raises(Refused, match="no credentials were found; set AWS_ACCESS_KEY_ID"):
        ten.push(url)

    assert proxy.requests == []


def test_nobody_is_there(ten: Pod, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in seaweedfs.environment("http://127.0.0.1:9").items():
        monkeypatch.setenv(name, value)

    with pytest.raises(Unavailable, match="cannot be reached"):
        ten.push("s3://bundles/x", patience=0.3)

    assert len(ten.spooled()) == 10


def test_a_clock_that_the_store_does_not_accept_is_named(ten: Pod, url: str, proxy: FaultProxy) -> None:
    proxy.fail("403", "PUT", code="RequestTimeTooSkewed")

    with pytest.raises(Refused, match="clock"):
        ten.push(url)
