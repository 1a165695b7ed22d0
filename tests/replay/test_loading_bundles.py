"""load_capture and load_captures: which bundle, in which order, and what is said when there is none."""

from __future__ import annotations

import os
import pickle
import warnings
from pathlib import Path
from types import ModuleType

import pytest
from bundles import NOON, Shop

from snapagent import (
    AmbiguousHashError,
    BundleNotFoundError,
    CorruptBundleError,
    FacsimileError,
    NotReplayableError,
    PathError,
    TargetNotFoundError,
    UntrustedBundleError,
    load_capture,
    load_captures,
)
from snapagent.bundle import SigningKey, decode, encode
from snapagent.core import system
from snapagent.store.index import Counts

QUOTE = "till_program:quote"


def test_the_newest_bundle_is_loaded_by_either_form_of_the_name(shop: Shop, program: ModuleType) -> None:
    shop.capture(QUOTE, program.quote, [1])
    shop.capture(QUOTE, program.quote, [2])
    for name in ("till_program.quote", QUOTE, program.quote):
        assert load_capture(name, base_path=shop.base_path).args == ([2],)


def test_bundles_come_oldest_first_and_limit_keeps_the_newest(shop: Shop, program: ModuleType) -> None:
    for number in (1, 2, 3):
        shop.capture(QUOTE, program.quote, [number])
    assert [b.args for b in load_captures(QUOTE, base_path=shop.base_path)] == [([1],), ([2],), ([3],)]
    assert [b.args for b in load_captures(QUOTE, limit=2, base_path=shop.base_path)] == [([2],), ([3],)]


def test_a_hash_prefix_picks_with_and_without_h1_and_a_file_name_too(shop: Shop, program: ModuleType) -> None:
    shop.capture(QUOTE, program.quote, [1])
    shop.capture(QUOTE, program.quote, [2])
    first = load_captures(QUOTE, base_path=shop.base_path)[0]
    digits = first.hash.removeprefix("h1:")
    for wanted in (digits[:6], f"h1:{digits[:6]}", digits, first.path.name, first.path.stem, str(first.path)):
        assert load_capture(QUOTE, hash=wanted, base_path=shop.base_path).args == ([1],)


@pytest.mark.parametrize("empty", ["", "h1:"])
def test_an_empty_prefix_is_ambiguous_not_unsaid(shop: Shop, program: ModuleType, empty: str) -> None:
    shop.capture(QUOTE, program.quote, [1])
    assert load_capture(QUOTE, hash=empty, base_path=shop.base_path).args == ([1],)
    shop.capture(QUOTE, program.quote, [2])
    with pytest.raises(AmbiguousHashError):
        load_capture(QUOTE, hash=empty, base_path=shop.base_path)


def test_a_name_like_no_other_does_not_read_as_if_nothing_were_captured(shop: Shop, program: ModuleType) -> None:
    with pytest.raises(TargetNotFoundError, match=r"nothing has been captured there yet; 'snapagent status'"):
        load_capture("elsewhere.f", base_path=shop.base_path)
    shop.capture(QUOTE, program.quote, [1])
    with pytest.raises(TargetNotFoundError, match=r"none of the names there \(1\).*'snapagent list'") as caught:
        load_capture("elsewhere.f", base_path=shop.base_path)
    assert caught.value.known == 1
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)


def test_a_path_that_cannot_be_read_is_an_error_of_ours(shop: Shop, program: ModuleType) -> None:
    shop.capture(QUOTE, program.quote, [1])
    with pytest.raises(PathError, match="not a name") as caught:
        load_capture(QUOTE, base_path=shop.base_path).check(ignore=["result..total"])
    assert caught.value.path == "result..total"
    assert isinstance(caught.value, ValueError)


def test_among_equal_hashes_the_newest_is_meant(shop: Shop, program: ModuleType) -> None:
    shop.capture(QUOTE, program.quote, [1], when=NOON + 100)
    shop.capture(QUOTE, program.quote, [1], when=NOON + 200)
    old, new = load_captures(QUOTE, base_path=shop.base_path)
    assert old.hash == new.hash
    assert load_capture(QUOTE, hash=old.hash, base_path=shop.base_path).path == new.path


def test_an_ambiguous_prefix_lists_the_hashes(shop: Shop, program: ModuleType) -> None:
    for number in range(17):  # more than there are first digits
        shop.capture(QUOTE, program.quote, [number])
    hashes = [bundle.hash for bundle in load_captures(QUOTE, base_path=shop.base_path)]
    digit = next(h[3] for h in hashes if sum(other[3] == h[3] for other in hashes) > 1)
    with pytest.raises(AmbiguousHashError) as caught:
        load_capture(QUOTE, hash=digit, base_path=shop.base_path)
    assert len(caught.value.hashes) > 1


def test_arguments_pick_in_any_spelling_that_binds_the_same(shop: Shop, program: ModuleType) -> None:
    shop.capture(QUOTE, program.quote, [3], currency="EUR")
    shop.capture(QUOTE, program.quote, [3])
    picked = load_capture(QUOTE, args=([3], "EUR"), base_path=shop.base_path)
    assert picked.kwargs == {"currency": "EUR"}
    assert load_capture(QUOTE, args=([3],), base_path=shop.base_path).kwargs == {}
    assert load_capture(QUOTE, kwargs={"rows": [3], "currency": "USD"}, base_path=shop.base_path).kwargs == {}
    with pytest.raises(BundleNotFoundError):
        load_capture(QUOTE, args=([4],), base_path=shop.base_path)


def test_arguments_of_a_method_leave_the_instance_out(shop: Shop, program: ModuleType) -> None:
    shop.capture("till_program:Till.add", program.Till.add, 5, kind="method", instance=program.Till(1))
    assert load_capture("till_program:Till.add", args=(5,), base_path=shop.base_path).result == 6


def test_arguments_that_were_excluded_do_not_matter(shop: Shop, program: ModuleType) -> None:
    shop.capture(QUOTE, program.quote, [3], session=object(), exclude=("options.session",))
    picked = load_capture(QUOTE, args=([3],), kwargs={"session": "another"}, base_path=shop.base_path)
    assert picked.args == ([3],)


def test_outcomes_pick_by_returned_raised_or_the_exceptions_type(shop: Shop, program: ModuleType) -> None:
    shop.capture(QUOTE, program.quote, [])
    shop.capture(QUOTE, program.quote, [1])
    assert load_capture(QUOTE, outcome="raised", base_path=shop.base_path).args == ([],)
    assert load_capture(QUOTE, outcome="Unavailable", base_path=shop.base_path).args == ([],)
    assert [b.outcome for b in load_captures(QUOTE, outcome="returned", base_path=shop.base_path)] == ["returned"]


def test_errors_name_what_was_wanted_and_what_there_is(shop: Shop, program: ModuleType) -> None:
    shop.capture(QUOTE, program.quote, [1])
    with pytest.raises(TargetNotFoundError, match="till_program:quote"):
        load_capture("till_program.qoute", base_path=shop.base_path)
    with pytest.raises(BundleNotFoundError, match=r"there is 1: [0-9a-f]{8}"):
        load_capture(QUOTE, outcome="raised", base_path=shop.base_path)
    with pytest.raises(BundleNotFoundError, match="ffff"):
        load_capture(QUOTE, hash="ffffffffffff", base_path=shop.base_path)
    with pytest.raises(TargetNotFoundError):
        load_captures("nothing.at_all", base_path=shop.base_path)


@pytest.mark.parametrize("damage", ["header", "length", "byte"])
def test_a_torn_newest_bundle_hides_no_other(shop: Shop, program: ModuleType, damage: str) -> None:
    shop.capture(QUOTE, program.quote, [1])
    entry = shop.capture(QUOTE, program.quote, [2])
    path = Path(entry.path)
    whole = path.read_bytes()
    damaged = {"header": b"snapagent-bundle 1 torn", "length": whole[:-4], "byte": whole[:-1] + b"?"}
    path.write_bytes(damaged[damage])

    with pytest.warns(UserWarning, match=entry.name):
        assert load_capture(QUOTE, base_path=shop.base_path).args == ([1],)
    if damage != "byte":  # the digest is checked when the bundle is used
        with pytest.warns(UserWarning, match=entry.name):
            assert [bundle.args for bundle in load_captures(QUOTE, base_path=shop.base_path)] == [([1],)]
    for asked in (entry.short_hash, entry.name):
        with pytest.raises(CorruptBundleError, match=entry.name):
            load_capture(QUOTE, hash=asked, base_path=shop.base_path)


def test_where_all_bundles_are_torn_loading_raises(shop: Shop, program: ModuleType) -> None:
    for number in range(3):
        path = Path(shop.capture(QUOTE, program.quote, [number]).path)
        path.write_bytes(path.read_bytes()[:-1] + b"?")

    with pytest.warns(UserWarning), pytest.raises(CorruptBundleError):
        load_capture(QUOTE, base_path=shop.base_path)


def test_a_bundle_in_the_folder_of_another_function_is_refused(shop: Shop, program: ModuleType) -> None:
    entry = shop.capture(QUOTE, program.quote, [1])
    other = Path(shop.base_path) / "till_program.danger"
    other.mkdir(mode=0o700)
    (other / entry.name).write_bytes(Path(entry.path).read_bytes())

    for asked in (None, entry.short_hash, entry.name):
        with pytest.raises(CorruptBundleError, match="another function"):
            load_capture("till_program.danger", hash=asked, base_path=shop.base_path)
    with pytest.raises(CorruptBundleError, match="another function"):
        load_captures("till_program.danger", base_path=shop.base_path)

    own = shop.capture("till_program:danger", program.quote, [2])
    with pytest.warns(UserWarning, match="another function"):
        found = load_captures("till_program.danger", base_path=shop.base_path)
    assert [str(bundle.path) for bundle in found] == [own.path]


def test_an_altered_bundle_is_refused_before_anything_is_unpickled(shop: Shop, program: ModuleType) -> None:
    entry = shop.capture(QUOTE, program.quote, [1])
    data = bytearray(Path(entry.path).read_bytes())
    data[-1] ^= 1
    Path(entry.path).write_bytes(data)
    with pytest.raises(CorruptBundleError, match="digest"):
        load_capture(QUOTE, base_path=shop.base_path)


def test_a_bundle_outlives_its_file(shop: Shop, program: ModuleType) -> None:
    entry = shop.capture(QUOTE, program.quote, [1])
    bundle = load_capture(QUOTE, base_path=shop.base_path)
    Path(entry.path).unlink()
    assert bundle.args == ([1],)


def test_the_folder_comes_from_the_environment_then_the_config(
    shop: Shop, program: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.capture(QUOTE, program.quote, [1])
    monkeypatch.setenv("SNAPAGENT_CAPTURE_DIR", shop.base_path)
    assert load_capture(QUOTE).args == ([1],)
    monkeypatch.delenv("SNAPAGENT_CAPTURE_DIR")
    config = tmp_path / "agent.yaml"
    config.write_text(f"version: 1\ncapture_dir: {shop.base_path}\n")
    monkeypatch.setenv("SNAPAGENT_CONFIG", str(config))
    assert load_capture(QUOTE).args == ([1],)


def test_a_facsimile_for_no_placeholder_lists_those_there_are(shop: Shop, program: ModuleType) -> None:
    shop.capture(QUOTE, program.quote, [3], session=object(), exclude=("options.session",))
    with pytest.raises(FacsimileError, match=r"options\.session"):
        load_capture(QUOTE, facsimiles={"options.sesion": 1}, base_path=shop.base_path)


def test_a_facsimile_is_used_in_the_bundles_that_have_its_placeholder(shop: Shop, program: ModuleType) -> None:
    shop.capture(QUOTE, program.quote, [1])
    shop.capture(QUOTE, program.quote, [2], session=object(), exclude=("options.session",))
    plain, excluded = load_captures(QUOTE, facsimiles={"options.session": "mine"}, base_path=shop.base_path)
    assert plain.kwargs == {}
    assert excluded.kwargs == {"session": "mine"}
    with pytest.raises(FacsimileError):
        load_captures(QUOTE, facsimiles={"options.other": "mine"}, base_path=shop.base_path)


def test_code_of_another_interpreter_is_refused_before_it_is_loaded(shop: Shop, program: ModuleType) -> None:
    entry = shop.capture(QUOTE, program.quote, [1], key=lambda row: row)
    file = decode(Path(entry.path).read_bytes(), entry.path)
    assert file.header.by_value
    Path(entry.path).write_bytes(encode(file.header.replace(python="3.9.1"), file.payload))
    bundle = load_capture(QUOTE, base_path=shop.base_path)
    assert bundle.hash == file.header.hash
    with pytest.raises(NotReplayableError, match=r"bytecode.*3\.9"):
        _ = bundle.args
    assert bundle.verdict().kind == "not replayable"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_foreign_bundles_are_refused_before_anything_is_unpickled(shop: Shop, program: ModuleType) -> None:
    entry = shop.capture(QUOTE, program.quote, [1])
    os.chown(entry.path, 12345, 12345)
    with pytest.raises(UntrustedBundleError, match="12345"):
        load_capture(QUOTE, base_path=shop.base_path)
    (bundle,) = load_captures(QUOTE, base_path=shop.base_path)
    with pytest.raises(UntrustedBundleError):
        _ = bundle.args


def test_with_a_key_only_signed_bundles_are_loaded(
    shop: Shop, program: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = shop.capture(QUOTE, program.quote, [1])
    monkeypatch.setenv("SNAPAGENT_KEY", "a key of the team")
    with pytest.raises(UntrustedBundleError, match="not signed"):
        load_capture(QUOTE, base_path=shop.base_path)
    file = decode(Path(entry.path).read_bytes(), entry.path)
    Path(entry.path).write_bytes(encode(file.header, file.payload, SigningKey(b"a key of the team")))
    assert load_capture(QUOTE, base_path=shop.base_path).args == ([1],)


def test_nothing_is_warned_of_when_nothing_is_wrong(shop: Shop, program: ModuleType) -> None:
    shop.capture(QUOTE, program.quote, [1])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        load_captures(QUOTE, base_path=shop.base_path)


def test_a_filter_that_nothing_fits_gives_an_empty_list(shop: Shop, program: ModuleType) -> None:
    shop.capture(QUOTE, program.quote, [1])
    assert load_captures(QUOTE, outcome="raised", base_path=shop.base_path) == []
    assert load_captures(QUOTE, hash="ffff", base_path=shop.base_path) == []


def test_the_newest_and_one_by_its_hash_are_found_without_listing_the_folder(
    shop: Shop, program: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(3):
        shop.capture(QUOTE, program.quote, [number])
    by_hash = load_captures(QUOTE, base_path=shop.base_path)[1].hash
    shop.store.update(QUOTE, Counts(3, 3))
    listed: list[object] = []
    listdir = os.listdir
    monkeypatch.setattr(system.os, "listdir", lambda path: listed.append(path) or listdir(path))
    assert load_capture(QUOTE, base_path=shop.base_path).args == ([2],)
    assert load_capture(QUOTE, hash=by_hash, base_path=shop.base_path).args == ([1],)
    assert listed == []


def test_a_bundle_of_an_unknown_serializer_says_so(shop: Shop, program: ModuleType) -> None:
    entry = shop.capture(QUOTE, program.quote, [1])
    file = decode(Path(entry.path).read_bytes(), entry.path)
    parts = tuple(part.replace(serializer="marshal") for part in file.header.parts)
    Path(entry.path).write_bytes(encode(file.header.replace(parts=parts), file.payload))
    with pytest.raises(NotReplayableError, match="written by the serializer 'marshal'"):
        _ = load_capture(QUOTE, base_path=shop.base_path).args
