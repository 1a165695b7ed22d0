from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest
from storing import TARGET, publish

from snapagent.bundle import SigningKey
from snapagent.errors import CorruptBundleError, UntrustedBundleError
from snapagent.store import Store
from snapagent.store.trust import version_controlled

MINE, OTHERS, NEXT = SigningKey(b"mine" * 8), SigningKey(b"others" * 6), SigningKey(b"next" * 8)
STRANGER = 65534
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")


def refusal(store: Store, entry) -> str:
    with pytest.raises(UntrustedBundleError) as caught:
        store.read(entry)
    assert caught.value.remedy
    return str(caught.value)


@needs_root
@pytest.mark.parametrize("what", ["file", "folder"])
def test_what_belongs_to_a_stranger_is_refused_with_the_command_that_helps(store: Store, what: str) -> None:
    entry = publish(store)
    path = entry.path if what == "file" else os.path.dirname(entry.path)
    os.chown(path, STRANGER, STRANGER)

    assert f"chown {os.geteuid()}" in refusal(store, entry)
    Store(store.base_path, trust="any").read(entry)
    Store(store.base_path, owners=[STRANGER]).read(entry)  # the owner of pytest's rootdir


@needs_root
def test_a_stranger_may_own_the_capture_dir_itself(store: Store) -> None:
    entry = publish(store)
    os.chown(store.base_path, STRANGER, STRANGER)

    store.read(entry)
    publish(store)


@pytest.mark.parametrize("mode", [0o620, 0o602])
def test_a_bundle_that_others_may_write_is_refused_outside_a_checkout(store: Store, mode: int, tmp_path: Path) -> None:
    entry = publish(store)
    os.chmod(entry.path, mode)
    assert not version_controlled(entry.path)
    assert "chmod go-w" in refusal(store, entry)

    (tmp_path / ".git").mkdir()
    store.read(entry)


def test_under_signed_only_our_keys_count(tmp_path: Path) -> None:
    def signed_with(*keys: SigningKey) -> Store:
        return Store(tmp_path / "captures", keys=keys, trust="signed")

    mine = publish(signed_with(MINE), 1)
    theirs = publish(signed_with(OTHERS), 2)
    unsigned = publish(Store(tmp_path / "captures"), 3)

    signed_with(MINE).read(mine)
    signed_with(NEXT, MINE).read(mine)  # rotation: the first signs, all are accepted
    assert "not one of yours" in refusal(signed_with(MINE), theirs)
    assert "not signed" in refusal(signed_with(MINE), unsigned)
    assert "no key" in refusal(signed_with(), mine)


def test_the_first_key_signs(tmp_path: Path) -> None:
    store = Store(tmp_path / "captures", keys=[NEXT, MINE], trust="signed")

    bundle = store.read(publish(store))

    assert bundle.signed_by([NEXT]) and not bundle.signed_by([MINE])


def test_a_signed_bundle_cannot_be_made_one_of_another_function(tmp_path: Path) -> None:
    store = Store(tmp_path / "captures", keys=[MINE], trust="signed")
    entry = publish(store, target="shop:harmless")
    whole = Path(entry.path).read_bytes()
    os.makedirs(store.folder("shop:precious"), 0o700)

    moved = Path(store.folder("shop:precious")) / entry.name
    moved.write_bytes(whole)
    assert store.read(store.newest("shop:precious")).header.target == "shop:harmless"  # the loader believes the header
    assert [problem.kind for problem in store.verify()] == ["misplaced"]

    moved.write_bytes(resealed(whole.replace(b"shop:harmless", b"shop:precious")))
    assert "altered" in refusal(store, store.newest("shop:precious"))


def resealed(data: bytes) -> bytes:
    """With a digest that fits: as an attacker without a key can make it."""
    import hashlib

    line, _, body = data.partition(b"\n")
    start = line[: line.rindex(b" ") + 1]
    return start + hashlib.sha256(start + body).hexdigest().encode() + b"\n" + body


@needs_root
def test_a_committed_manifest_adopts_what_it_lists(store: Store) -> None:
    listed, unlisted = publish(store, 1), publish(store, 2)
    store.promote(TARGET, [listed])
    for entry in (listed, unlisted):
        os.chown(entry.path, STRANGER, STRANGER)

    store.read(listed)
    refusal(store, unlisted)

    os.chown(f"{store.folder(TARGET)}/manifest.json", STRANGER, STRANGER)
    refusal(store, listed)  # a stranger's manifest adopts nothing


def test_a_manifest_lists_bytes_not_names(store: Store) -> None:
    first, second = publish(store, 1), publish(store, 2)
    store.promote(TARGET, [first])
    strict = Store(store.base_path, keys=[MINE], trust="signed")
    strict.promote(TARGET, [])
    Store(store.base_path, keys=[MINE]).promote(TARGET, [first])
    strict.read(first)

    shutil.copy(second.path, first.path)

    refusal(strict, first)


def test_under_signed_a_manifest_must_be_signed_itself(store: Store) -> None:
    entry = publish(store)
    strict = Store(store.base_path, keys=[MINE], trust="signed")
    store.promote(TARGET, [entry])
    refusal(strict, entry)

    Store(store.base_path, keys=[OTHERS]).promote(TARGET, [entry])
    refusal(strict, entry)

    Store(store.base_path, keys=[MINE]).promote(TARGET, [entry])
    strict.read(entry)


@pytest.mark.parametrize("manifest", [b"", b"[]", b'{"digests": 1}', b"\xff" * 10, b"[" * 100_000])
def test_a_broken_manifest_adopts_nothing(store: Store, manifest: bytes) -> None:
    entry = publish(store)
    os.chmod(entry.path, 0o666)
    Path(store.folder(TARGET), "manifest.json").write_bytes(manifest)

    refusal(store, entry)


def test_trust_never_makes_a_torn_bundle_whole(store: Store) -> None:
    entry = publish(store)
    store.promote(TARGET, [entry])
    Path(entry.path).write_bytes(Path(entry.path).read_bytes()[:-1])

    for trust in ("any", "owner", "signed"):
        with pytest.raises(CorruptBundleError):
            Store(store.base_path, trust=trust).read(entry)


def test_the_key_is_nowhere_in_the_store(tmp_path: Path) -> None:
    store = Store(tmp_path / "captures", keys=[MINE])
    store.promote(TARGET, [publish(store)])

    for path in tmp_path.rglob("*"):
        if path.is_file():
            assert MINE.secret not in path.read_bytes()
            assert MINE.secret.hex().encode() not in path.read_bytes()
    assert json.loads(Path(store.folder(TARGET), "manifest.json").read_text())["mac"].startswith(MINE.id)
