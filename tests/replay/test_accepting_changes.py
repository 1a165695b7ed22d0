"""Accepting a change: today's outcome takes the place of the stored one, and the call stays as it was captured."""

from __future__ import annotations

import fcntl
import json
import multiprocessing
import os
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from bundles import PROGRAM, Shop

from snapagent import (
    Bundle,
    NotAcceptedError,
    NotComparableError,
    NotReplayableError,
    load_capture,
    load_captures,
)
from snapagent.bundle import CALL, OUTCOME, decode
from snapagent.config.environment import signing_keys
from snapagent.store import Store

pytest_plugins = ("pytester",)

QUOTE = "till_program:quote"


def loaded(shop: Shop, target: str = QUOTE, **options: Any) -> Bundle:
    return load_capture(target, base_path=shop.base_path, **options)


def with_total(total: object) -> Callable[..., dict[str, object]]:
    def quote(rows: list[int], currency: str = "USD", **options: object) -> dict[str, object]:
        return {"total": total, "currency": currency}

    return quote


def test_todays_outcome_is_stored_and_the_call_stays(shop: Shop, program: ModuleType) -> None:
    entry = shop.capture(QUOTE, program.quote, [1, 2])
    before = decode(Path(entry.path).read_bytes(), entry.path)

    verdict = loaded(shop).accept(with_total(4))

    assert verdict.kind == "changed"
    assert "result.total" in str(verdict)
    after = loaded(shop)
    assert after.result == {"total": 4, "currency": "USD"}
    assert after.check(with_total(4))
    assert after.args == ([1, 2],)
    assert after.path == Path(entry.path)
    file = decode(Path(entry.path).read_bytes(), entry.path)
    assert file.payload[CALL] == before.payload[CALL]
    kept = ("target", "hash", "call_hash", "timestamp", "duration", "parameters", "python", "snapagent", "shape")
    assert [getattr(file.header, name) for name in kept] == [getattr(before.header, name) for name in kept]
    assert file.header.previews["result"] == "{'total': 4, 'currency': 'USD'}"
    assert file.header.previews["rows"] == before.header.previews["rows"]


def test_the_header_says_when_and_by_what(shop: Shop, program: ModuleType) -> None:
    shop.capture(QUOTE, program.quote, [1, 2])
    assert "accepted" in loaded(shop).metadata and not loaded(shop).metadata["accepted"]
    bundle = loaded(shop)
    bundle.accept(with_total(4))
    assert bundle.result["total"] == 4  # the object itself is the new bundle
    accepted = loaded(shop).metadata["accepted"]
    assert accepted["by"].startswith("bundle.accept()")
    assert accepted["time"].endswith("Z")


def test_a_bundle_that_is_equal_keeps_its_bytes(shop: Shop, program: ModuleType) -> None:
    entry = shop.capture(QUOTE, program.quote, [1, 2])
    before, status = Path(entry.path).read_bytes(), os.stat(entry.path)
    assert loaded(shop).accept()
    assert Path(entry.path).read_bytes() == before
    assert os.stat(entry.path).st_ino == status.st_ino


def test_an_exception_in_place_of_a_result_and_the_way_back(shop: Shop, program: ModuleType) -> None:
    shop.capture(QUOTE, program.quote, [1, 2])

    def refuse(rows: list[int], currency: str = "USD") -> None:
        raise KeyError("rows", currency)

    assert loaded(shop).accept(refuse).kind == "broken"
    assert loaded(shop).outcome == "raised"
    assert repr(loaded(shop).exception) == "KeyError('rows', 'USD')"
    assert loaded(shop, outcome="raised").check(refuse)
    assert loaded(shop).accept().kind == "fixed"
    assert loaded(shop).outcome == "returned"
    assert loaded(shop).metadata["exception"] is None
    assert loaded(shop).check()


@pytest.mark.parametrize("target", ["lines", "pages", "fetch", "countdown"])
def test_generators_and_coroutines(shop: Shop, program: ModuleType, target: str) -> None:
    argument = {"lines": "a b", "pages": 3, "fetch": "k", "countdown": 5}[target]
    items = 2 if target == "countdown" else None
    function = getattr(program, target)
    shop.capture(f"till_program:{target}", function, argument, items=items)

    def one_more(start: int) -> Any:
        return (number + 1 for number in iter(function(start).__next__, None))

    async def other(key: Any) -> Any:
        return {"key": key, "new": True}

    async def fewer(count: int) -> Any:
        for number in range(count - 1):
            yield number

    def words(text: str) -> Any:
        yield from text.split()
        yield "end"

    changed = {"lines": words, "pages": fewer, "fetch": other, "countdown": one_more}[target]
    bundle = loaded(shop, f"till_program:{target}")
    assert bundle.accept(changed).kind == "changed"
    expected = {"lines": ["a", "b", "end"], "pages": [0, 1], "fetch": {"key": "k", "new": True}, "countdown": [6, 5]}
    assert loaded(shop, f"till_program:{target}").result == expected[target]
    assert loaded(shop, f"till_program:{target}").check(changed)
    assert loaded(shop, f"till_program:{target}").metadata["ended"] == ("closed" if items else "complete")


async def in_a_loop(bundle: Bundle, function: Callable[..., Any]) -> object:
    return await bundle.aaccept(function)


def test_inside_a_running_loop(shop: Shop, program: ModuleType) -> None:
    import asyncio

    shop.capture("till_program:fetch", program.fetch, "k")

    async def other(key: str) -> str:
        return key.upper()

    asyncio.run(in_a_loop(loaded(shop, "till_program:fetch"), other))
    assert loaded(shop, "till_program:fetch").result == "K"


def test_what_differs_between_two_replays_is_refused_by_its_path(shop: Shop, program: ModuleType) -> None:
    entry = shop.capture(QUOTE, program.quote, [1, 2])
    before = Path(entry.path).read_bytes()
    ticks = iter(range(100))

    def noisy(rows: list[int], currency: str = "USD") -> dict[str, object]:
        return {"total": next(ticks), "currency": "EUR"}

    with pytest.raises(NotAcceptedError, match=r"two replays differ at result\.total") as caught:
        loaded(shop).accept(noisy)
    assert "ignore" in str(caught.value)
    assert Path(entry.path).read_bytes() == before
    assert loaded(shop).accept(noisy, ignore=["result.total"]).kind == "changed"
    assert loaded(shop).result["currency"] == "EUR"


def test_what_cannot_be_compared_or_replayed_is_refused(shop: Shop, program: ModuleType) -> None:
    redacted = shop.capture("till_program:log_in", program.log_in, "eva", "Hq7!pw-93kd0s")
    before = Path(redacted.path).read_bytes()
    with pytest.raises(NotComparableError, match="`password` was redacted"):
        loaded(shop, "till_program:log_in").accept(lambda user, password: {"user": user})
    assert Path(redacted.path).read_bytes() == before
    shop.capture("till_program:gone", program.quote, [1])
    with pytest.raises(NotReplayableError, match="has no 'gone'"):
        loaded(shop, "till_program:gone").accept()
    shop.capture(QUOTE, program.quote, [1, 2])
    with pytest.raises(NotAcceptedError, match="rows"):
        loaded(shop).using(rows=[5]).accept()


def test_secrets_of_the_new_outcome_are_redacted_as_at_capture(shop: Shop, program: ModuleType) -> None:
    entry = shop.capture(QUOTE, program.quote, [1, 2])
    secret = "Zq8-hunter2-Secret-93"

    def leaking(rows: list[int], currency: str = "USD") -> dict[str, object]:
        return {"total": 3, "password": secret}

    loaded(shop).accept(leaking)
    assert secret.encode() not in Path(entry.path).read_bytes()
    assert loaded(shop).result["password"] != secret
    assert any(note["path"] == "result.password" for note in loaded(shop).metadata["notes"])
    assert loaded(shop).check(leaking)


def test_notes_of_the_old_outcome_go_and_those_of_the_call_stay(shop: Shop, program: ModuleType) -> None:
    shop.capture("till_program:log_in", program.log_in, "eva", password="Hq7!pw-93kd0s")
    old = {note["path"] for note in loaded(shop, "till_program:log_in").metadata["notes"]}
    assert {"password", "result.token"} <= old
    # the replay is equal where only redacted values differ, so the argument is supplied by a function that ignores it
    bundle = loaded(shop, "till_program:log_in")
    with pytest.raises(NotComparableError):
        bundle.accept(lambda user, password: {"user": user, "ok": True})


def test_a_bundle_is_signed_anew_where_a_key_is_set(
    shop: Shop, program: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = shop.capture(QUOTE, program.quote, [1, 2])
    monkeypatch.setenv("SNAPAGENT_KEY", "the key of the tests, long enough")
    bundle = Bundle(Store(shop.base_path), entry, Store(shop.base_path).header(entry))
    bundle.accept(with_total(5))
    assert decode(Path(entry.path).read_bytes(), entry.path).signed_by(signing_keys(os.environ))
    assert loaded(shop).check(with_total(5))  # under trust: signed, which the key raises


def test_the_manifest_beside_a_bundle_takes_the_new_digest(shop: Shop, program: ModuleType) -> None:
    first = shop.capture(QUOTE, program.quote, [1, 2])
    second = shop.capture(QUOTE, program.quote, [3])
    shop.store.promote(QUOTE, [first, second])
    loaded(shop, hash=first.name).accept(with_total(8))
    manifest = json.loads((Path(first.path).parent / "manifest.json").read_text())["digests"]
    assert manifest == {entry.name: shop.store.read(entry).digest for entry in (first, second)}


def test_a_folder_without_index_and_manifest_gets_neither(shop: Shop, program: ModuleType) -> None:
    entry = shop.capture(QUOTE, program.quote, [1, 2])
    folder = Path(entry.path).parent
    for path in folder.iterdir():
        if path.name != entry.name:
            path.unlink() if path.is_file() else None
    before = {path.name for path in folder.iterdir() if path.is_file()}
    loaded(shop).accept(with_total(8))
    assert {path.name for path in folder.iterdir() if path.is_file()} == before == {entry.name}


def test_the_index_has_the_new_outcome(shop: Shop, program: ModuleType) -> None:
    from snapagent.store.index import Counts

    entry = shop.capture(QUOTE, program.quote, [1, 2])
    other = shop.capture(QUOTE, program.quote, [3])
    shop.store.update(QUOTE, Counts(2, 2))

    def refuse(rows: list[int], currency: str = "USD") -> None:
        raise KeyError("rows")

    loaded(shop, hash=entry.name).accept(refuse)
    index = json.loads((Path(entry.path).parent / "index.json").read_text())
    listed = {one["file"]: one for one in index["bundles"]}
    assert listed[entry.name]["exception"] == "KeyError"
    assert listed[entry.name]["size"] == os.stat(entry.path).st_size
    assert listed[other.name]["outcome"] == "returned"
    assert (index["calls"], index["captured"], index["stored"]) == (2, 2, 2)
    found = Store(shop.base_path).index(QUOTE)
    assert [bundle.exception for bundle in found.bundles if bundle.name == entry.name] == ["KeyError"]


def _accept_often(base_path: str, total: int) -> None:
    for turn in range(15):
        load_capture(QUOTE, base_path=base_path).accept(with_total(total + turn * 10))


def test_two_processes_that_accept_one_bundle_leave_it_whole(shop: Shop, program: ModuleType) -> None:
    entry = shop.capture(QUOTE, program.quote, [1, 2])
    shop.store.promote(QUOTE, [entry])
    context = multiprocessing.get_context("fork")
    processes = [context.Process(target=_accept_often, args=(shop.base_path, start)) for start in (100, 200)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0, 0]
    (bundle,) = load_captures(QUOTE, base_path=shop.base_path)
    assert bundle.result["total"] in (240, 340)
    manifest = json.loads((bundle.path.parent / "manifest.json").read_text())["digests"]
    assert manifest == {entry.name: shop.store.read(entry).digest}
    assert [path.name for path in bundle.path.parent.iterdir() if path.name.startswith(".tmp")] == []


def test_a_folder_that_another_process_keeps_locked_is_not_waited_for_without_end(
    shop: Shop, program: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    from snapagent.store import replace

    entry = shop.capture(QUOTE, program.quote, [1, 2])
    before = Path(entry.path).read_bytes()
    monkeypatch.setattr(replace, "_TURN", 0.05)
    other = os.open(os.path.dirname(entry.path), os.O_RDONLY)
    try:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(NotAcceptedError, match=r"locked.*try again"):
            loaded(shop).accept(with_total(9))
        assert Path(entry.path).read_bytes() == before
    finally:
        os.close(other)
    loaded(shop).accept(with_total(9))
    assert loaded(shop).result["total"] == 9


def test_a_folder_that_cannot_be_written_keeps_the_old_bundle(
    shop: Shop, program: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = shop.capture(QUOTE, program.quote, [1, 2])
    before = Path(entry.path).read_bytes()
    from snapagent.store import files

    def full(*args: object, **kwargs: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files, "_write_all", full)
    with pytest.raises(NotAcceptedError, match="disk_full"):
        loaded(shop).accept(with_total(9))
    assert Path(entry.path).read_bytes() == before
    assert [path.name for path in Path(entry.path).parent.iterdir() if path.name.startswith(".tmp")] == []


def test_compressed_bundles_stay_compressed(shop: Shop, program: ModuleType) -> None:
    from snapagent.sealing.seal import SealRules, seal
    from snapagent.sealing.stored_call import raw_call_of

    entry = shop.capture(QUOTE, program.quote, [1, 2])
    file = shop.store.read(entry)
    raw = raw_call_of(file.header, file.payload[CALL], file.payload[OUTCOME])
    header, payload = seal(raw, SealRules(b"key", compression="zlib"))
    packed = shop.store.publish(QUOTE, header, payload, when=entry.when + 60)
    loaded(shop, hash=packed.name).accept(with_total("x" * 2000))
    parts = shop.store.header(packed).parts
    assert {part.compression for part in parts} == {"zlib"}
    assert loaded(shop, hash=packed.name).result["total"] == "x" * 2000


CHECK = """
import pytest

@pytest.mark.captures("till_program.quote")
def test_quote(bundle):
    bundle.check()
"""


@pytest.mark.parametrize("options", [(), ("-n", "1")])
def test_pytest_accepts_what_differs_and_shows_it(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, options: tuple[str, ...]
) -> None:
    if options:
        pytest.importorskip("xdist")
    pytester.makepyfile(till_program=PROGRAM, test_quote=CHECK)
    monkeypatch.syspath_prepend(str(pytester.path))
    sys.modules.pop("till_program", None)
    import till_program  # type: ignore[import-not-found]

    shop = Shop(pytester.path / "captures")
    entry = shop.capture(QUOTE, till_program.quote, [1, 2])
    same = shop.capture(QUOTE, till_program.quote, [])
    before = Path(same.path).read_bytes()
    source = (pytester.path / "till_program.py").read_text()
    (pytester.path / "till_program.py").write_text(source.replace("sum(rows)", "sum(rows) + 1"))
    sys.modules.pop("till_program")
    run = pytester.runpytest_subprocess if options else pytester.runpytest
    result = run("-p", "no:randomly", "--captures-accept", *options)
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(["*accepted*", "*result.total: expected 3, got 4", "1 bundle has today's outcome now*"])
    pytester.runpytest("-p", "no:randomly").assert_outcomes(passed=2)
    assert (
        load_capture(QUOTE, hash=entry.name, base_path=shop.base_path)
        .metadata["accepted"]["by"]
        .startswith("pytest --captures-accept")
    )
    assert Path(same.path).read_bytes() == before


def test_pytest_accepts_nothing_that_cannot_be_compared(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytester.makepyfile(till_program=PROGRAM, test_quote=CHECK.replace(".quote", ".log_in"))
    monkeypatch.syspath_prepend(str(pytester.path))
    sys.modules.pop("till_program", None)
    import till_program

    shop = Shop(pytester.path / "captures")
    entry = shop.capture("till_program:log_in", till_program.log_in, "eva", "Hq7!pw-93kd0s")
    before = Path(entry.path).read_bytes()
    source = (pytester.path / "till_program.py").read_text()
    (pytester.path / "till_program.py").write_text(source.replace('"ok": True', '"ok": False'))
    sys.modules.pop("till_program")
    result = pytester.runpytest("-p", "no:randomly", "--captures-accept")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*`password` was redacted*"])
    assert Path(entry.path).read_bytes() == before
