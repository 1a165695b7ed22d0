"""What is pushed once, and what is not. Numbers are those of the cases in the design of pushing and pulling."""

from __future__ import annotations

import os
import shutil
import stat
from pathlib import Path

import pytest
from fault_proxy import FaultProxy
from fleet import KEY, Pod, key_path, listed, pull, results

from snapagent.bundle import SigningKey
from snapagent.remote.push import AnotherPush, Push


def test_1_what_is_pulled_is_what_was_pushed_byte_for_byte(pod: Pod, url: str, tmp_path: Path) -> None:
    entries = [pod.capture(value, ago=100 - value) for value in range(5)]

    assert pod.push(url).uploaded == 5
    assert results(pull(url, tmp_path / "laptop", keep=10)) == ["landed"] * 5

    for entry in entries:
        copy = tmp_path / "laptop" / "shop.pricing.quote" / entry.name
        assert copy.read_bytes() == Path(entry.path).read_bytes()
        assert stat.S_IMODE(copy.stat().st_mode) == 0o600
        assert stat.S_IMODE(copy.parent.stat().st_mode) == 0o700


def test_2_a_second_push_sends_nothing(pod: Pod, url: str, proxy: FaultProxy) -> None:
    pod.capture(1)
    pod.push(url)
    proxy.forget()

    status = pod.push(url)

    assert (status.uploaded, status.there, proxy.count("PUT")) == (0, 0, 0)


def test_3_a_lost_ledger_costs_requests_and_no_bundle(pod: Pod, url: str, proxy: FaultProxy) -> None:
    for value in range(4):
        pod.capture(value)
    pod.push(url)
    (pod.captures / ".push" / "ledger").unlink()

    status = pod.push(url)

    assert (status.uploaded, status.there) == (0, 4)
    assert len(listed(url)) == 4


def test_a_ledger_that_a_power_cut_has_torn_keeps_its_whole_lines(pod: Pod, url: str, proxy: FaultProxy) -> None:
    for value in range(3):
        pod.capture(value)
    pod.push(url)
    ledger = pod.captures / ".push" / "ledger"
    ledger.write_text(ledger.read_text()[:-20])
    pod.capture("new")

    status = pod.push(url)

    assert (status.uploaded, status.there) == (1, 1)
    assert len(pod.ledger().splitlines()) == 4
    assert pod.push(url).accepted == 0


def test_another_object_store_gets_everything(pod: Pod, url: str) -> None:
    pod.capture(1)

    assert [pod.push(f"{url}/{name}").uploaded for name in ("a", "b")] == [1, 1]
    assert pod.push(f"{url}/b").accepted == 0


def test_5_what_is_accepted_survives_pruning_and_clearing(pod: Pod, url: str, proxy: FaultProxy) -> None:
    for value in range(6):
        pod.capture(value)
    proxy.fail("503", "PUT", times=3)
    proxy.on_request = lambda request: shutil.rmtree(pod.captures / "shop.pricing.quote", ignore_errors=True)

    status = pod.push(url)

    assert (status.accepted, status.uploaded) == (6, 6)
    assert len(listed(url)) == 6


def test_a_bundle_that_is_pruned_before_it_is_taken_is_counted(
    pod: Pod, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from snapagent.remote import push as module

    pod.capture(1)
    entry = pod.capture(2)
    read_header = module.read_header

    def quicker(folder: int, name: str, path: str) -> object:
        if name == entry.name:
            os.unlink(path)
        return read_header(folder, name, path)

    monkeypatch.setattr(module, "read_header", quicker)

    status = pod.push(url)

    assert (status.uploaded, status.gone) == (1, 1)


def test_an_equal_call_is_pushed_once_a_day(pod: Pod, url: str) -> None:
    for ago in (30, 20, 10):
        pod.capture("same", ago)
    pod.capture("other", 5)

    first = pod.push(url)
    pod.capture("same", 1)
    second = pod.push(url)

    assert (first.uploaded, first.equal) == (2, 2)
    assert (second.uploaded, second.equal) == (0, 3)


def test_an_equal_call_that_ended_otherwise_is_pushed(pod: Pod, url: str) -> None:
    pod.capture("same", 20)
    pod.capture("same", 10, exception="builtins.ValueError")

    assert pod.push(url).uploaded == 2


def test_a_torn_bundle_is_set_aside_and_its_equal_is_pushed_in_its_place(pod: Pod, url: str) -> None:
    pod.capture("same", 20)
    torn = Path(pod.capture("same", 10).path)
    torn.write_bytes(torn.read_bytes()[:-3])

    status = pod.push(url)

    assert (status.uploaded, status.set_aside) == (1, {"corrupt": 1})
    assert pod.spooled() == []


@pytest.mark.parametrize("key", [None, SigningKey(b"of somebody else")], ids=["unsigned", "foreign_key"])
def test_what_is_not_signed_is_set_aside_unless_it_is_allowed(
    tmp_path: Path, url: str, key: SigningKey | None, request: pytest.FixtureRequest
) -> None:
    pod = Pod(tmp_path / "pod", key)
    pod.capture(1)
    reason = request.node.callspec.id

    assert pod.push(url).set_aside == {reason: 1}
    assert listed(url) == []

    assert pod.push(url, unsigned=True).uploaded == 1
    assert len(listed(url)) == 1


def test_a_bundle_in_the_folder_of_another_function_is_set_aside(pod: Pod, url: str) -> None:
    entry = pod.capture(1)
    other = pod.captures / "shop.pricing.refund"
    other.mkdir(mode=0o700)
    os.rename(entry.path, other / entry.name)

    assert pod.push(url).set_aside == {"misplaced": 1}


def test_a_link_and_a_pipe_in_place_of_a_bundle_are_set_aside(pod: Pod, url: str, tmp_path: Path) -> None:
    entry = Path(pod.capture(1).path)
    secret = tmp_path / "secret"
    secret.write_text("of somebody else")
    entry.unlink()
    entry.symlink_to(secret)
    pipe = Path(pod.capture(2).path)
    pipe.unlink()
    os.mkfifo(pipe)

    assert pod.push(url).set_aside == {"corrupt": 2}
    assert listed(url) == []


def test_side_effects_and_files_of_others_are_not_pushed(pod: Pod, url: str) -> None:
    pod.capture(1)
    name = pod.names()[0]
    for folder in ("side_effects", ".processes", "notes"):
        (pod.captures / folder).mkdir(mode=0o700)
        (pod.captures / folder / "readme.txt").write_text("hello")
    shutil.copy(pod.captures / "shop.pricing.quote" / name, pod.captures / "side_effects" / name)

    status = pod.push(url)

    assert (status.accepted, status.uploaded) == (1, 1)


def test_29_names_with_brackets_tildes_and_common_starts_keep_apart(pod: Pod, url: str, tmp_path: Path) -> None:
    targets = ["a.b:f", "a.bc:f", "a:make.<locals>.inner", "pkg:case[x]", "ünï:cödé", "a:" + "long" * 40]
    for number, target in enumerate(targets):
        pod.capture(number, target=target, exception=f"a.b:Odd<{number}>~x")

    assert pod.push(url).uploaded == len(targets)
    assert results(pull(url, tmp_path / "laptop")) == ["landed"] * len(targets)
    assert pod.names() == Pod(tmp_path / "laptop").names()


def test_33_a_full_spool_takes_nothing_more_until_there_is_room(pod: Pod, url: str) -> None:
    for value in range(20):
        pod.capture(value)
    size = os.path.getsize(pod.captures / "shop.pricing.quote" / pod.names()[0])

    status = pod.push(url, max_spool=3 * size)

    assert status.no_room > 0
    assert status.uploaded == 20
    assert len(listed(url)) == 20


def test_40_a_second_pusher_of_a_folder_is_refused(pod: Pod, url: str) -> None:
    from snapagent.remote.objects import Objects
    from snapagent.remote.urls import parse_url

    pod.capture(1)
    with Push(str(pod.captures), Objects(parse_url(url)), (KEY,)), pytest.raises(AnotherPush):
        pod.push(url)

    assert pod.push(url).uploaded == 1


def test_the_key_of_an_object_is_made_of_the_header(pod: Pod, url: str) -> None:
    entry = pod.capture("x", exception="shop.errors.Declined")

    pod.push(url)

    assert listed(url) == [key_path(pod, entry)]
    assert "~shop.errors.Declined~" in key_path(pod, entry)


def test_the_store_leaves_what_push_keeps_alone(pod: Pod, url: str, proxy: FaultProxy) -> None:
    from snapagent.config.settings import DEFAULT_SETTINGS

    for value in range(4):
        pod.capture(value)
    pod.push(url)
    kept = pod.captures / ".push" / "spool" / "shop.pricing.quote"
    kept.mkdir(parents=True, exist_ok=True)
    os.link(pod.captures / "shop.pricing.quote" / pod.names()[0], kept / pod.names()[0])

    pod.store.prune("shop.pricing:quote", DEFAULT_SETTINGS.replace(keep=1))
    pod.store.sweep(older_than=0.0)
    assert [problem for problem in pod.store.verify() if ".push" in problem.path] == []
    assert [function.name for function in pod.store.functions()] == ["shop.pricing.quote"]
    pod.store.clear("shop.pricing:quote")

    assert len(pod.spooled()) == 1
    assert len(pod.ledger().splitlines()) == 4
