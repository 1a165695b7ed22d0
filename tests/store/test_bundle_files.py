from __future__ import annotations

import os
import pickle
from pathlib import Path

import pytest
from storing import TARGET, header_of, payload_of, publish

from snapagent.bundle import FORMAT, FORMATS, SigningKey
from snapagent.core import system
from snapagent.errors import CorruptBundleError, UnsupportedFormatError
from snapagent.store import Store


class Canary:
    """Leaves a mark when it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> object:
        return Path.touch, (self.mark,)


@pytest.mark.parametrize("keys", [(), (SigningKey(b"k" * 32),)], ids=["unsigned", "signed"])
def test_every_flipped_byte_is_detected_and_none_is_unpickled(tmp_path: Path, keys: tuple[SigningKey, ...]) -> None:
    store = Store(tmp_path / "captures", keys=keys)
    mark = tmp_path / "unpickled"
    entry = publish(store, Canary(mark))
    whole = Path(entry.path).read_bytes()
    store.read(entry)

    with open(entry.path, "r+b", buffering=0) as file:
        for position, byte in enumerate(whole):
            for flip in (0x01, 0x20, 0xFF):
                os.pwrite(file.fileno(), bytes((byte ^ flip,)), position)
                with pytest.raises(CorruptBundleError):
                    store.read(entry)
            os.pwrite(file.fileno(), bytes((byte,)), position)

    store.read(entry)
    assert not mark.exists()


def test_every_truncation_and_every_addition_is_detected(store: Store) -> None:
    entry = publish(store)
    whole = Path(entry.path).read_bytes()

    for addition in (b"\0", whole):
        Path(entry.path).write_bytes(whole + addition)
        with pytest.raises(CorruptBundleError):
            store.read(entry)
    for length in reversed(range(len(whole))):
        os.truncate(entry.path, length)
        with pytest.raises(CorruptBundleError):
            store.read(entry)


@pytest.mark.parametrize("kind", ["link", "fifo", "folder", "socket"])
def test_only_a_regular_file_is_read_as_a_bundle(store: Store, kind: str, tmp_path: Path) -> None:
    import socket

    entry = publish(store)
    whole = tmp_path / "whole"
    os.rename(entry.path, whole)
    if kind == "link":
        os.symlink(whole, entry.path)
    elif kind == "fifo":
        os.mkfifo(entry.path)
    elif kind == "folder":
        os.mkdir(entry.path)
    else:
        os.chdir(os.path.dirname(entry.path))  # the address of a socket has but a hundred characters
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(entry.name)

    for look in (store.read, store.header):
        with pytest.raises(CorruptBundleError):
            look(entry)
    assert [problem.path for problem in store.verify()] == [entry.path]


def test_a_newer_format_is_refused_by_name(store: Store) -> None:
    entry = publish(store)
    whole = Path(entry.path).read_bytes()
    Path(entry.path).write_bytes(
        whole.replace(b"snapagent-bundle %d" % FORMAT, b"snapagent-bundle %d" % (FORMATS[-1] + 1))
    )

    with pytest.raises(UnsupportedFormatError, match=f"format {FORMATS[-1] + 1}"):
        store.read(entry)


def test_a_header_longer_than_the_first_read_is_read_whole(store: Store) -> None:
    payload = payload_of(1)
    header = header_of(payload).replace(previews={"value": "x" * 50_000})

    entry = store.publish(TARGET, header, payload, when=0.0)

    assert store.header(entry) == header


def test_a_bundle_that_is_read_while_it_is_removed_comes_whole(store: Store) -> None:
    """A file that is open survives its name."""
    entry = publish(store, "x" * 100_000)
    real = os.fstat
    removed: list[bool] = []

    def remove_then(descriptor: int) -> os.stat_result:
        if not removed and os.path.exists(entry.path) and os.readlink(f"/proc/self/fd/{descriptor}") == entry.path:
            removed.append(True)
            os.unlink(entry.path)
        return real(descriptor)

    system.os.fstat = remove_then
    try:
        bundle = store.read(entry)
    finally:
        system.os.fstat = real

    assert removed
    assert pickle.loads(store.part(bundle, "outcome")) == "x" * 100_000
