"""A store that an attacker has filled: reading it runs none of its code and follows none of its links."""

from __future__ import annotations

import os
import pickle
import shutil
from pathlib import Path

import pytest
from storing import TARGET, header_of, payload_of, publish

from snapagent.bundle import CALL, OUTCOME
from snapagent.config.settings import Settings
from snapagent.errors import SnapagentError
from snapagent.store import Counts, Store, StoreFailure


class Canary:
    def __init__(self, mark: str) -> None:
        self.mark = mark

    def __reduce__(self) -> object:
        return os.mkdir, (self.mark,)


@pytest.fixture
def hostile(tmp_path: Path, store: Store) -> Store:
    """Bundles that run code when unpickled wherever a bundle may lie, beside links, FIFOs and bare pickles."""
    canary = pickle.dumps(Canary(str(tmp_path / "canary")))
    payload = {CALL: canary, OUTCOME: canary}
    for number in range(3):
        header = header_of(payload).replace(previews={"result": "\x1b]0;title\x07" + "\u202e"})
        store.publish(TARGET, header, payload, when=float(number))
    folder = Path(store.folder(TARGET))
    template = store.entries(TARGET)[0].name
    (folder / template.replace("-1-", "-901-")).write_bytes(canary)
    (folder / template.replace("-1-", "-902-")).symlink_to("/etc/passwd")
    os.mkfifo(folder / template.replace("-1-", "-903-"))
    (folder / template.replace("-1-", "-904-")).mkdir()
    (folder / "index.json").write_bytes(canary)
    (folder / "manifest.json").write_bytes(canary)
    (folder / ".quota").symlink_to("/etc/passwd")
    shutil.rmtree(folder / ".counts", ignore_errors=True)
    (folder / ".counts").symlink_to(tmp_path)
    (folder / ".hashes").symlink_to(tmp_path)
    for name in ("a\nb", "-rf", "$(touch x)", "n" * 200, "é", "con"):
        (Path(store.base_path) / name).mkdir()
        (Path(store.base_path) / name / template).write_bytes(canary)
    os.mkdir(os.fsencode(store.base_path) + b"/\xff\xfe")
    (Path(store.base_path) / "linked").symlink_to("/")
    return store


def test_looking_at_a_hostile_store_runs_none_of_its_code(hostile: Store, tmp_path: Path) -> None:
    for function in list(hostile.functions()):
        for entry, _ in list(hostile.headers(function.name)):
            for look in (hostile.read, hostile.header):
                try:
                    look(entry)
                except SnapagentError:
                    continue
        hostile.index(function.name)
    hostile.newest(TARGET)
    for prefix in ("0", "a", "f" * 32):
        with pytest.raises(SnapagentError):
            hostile.by_hash(TARGET, prefix)
    kinds = {problem.kind for problem in hostile.verify()}

    assert {"corrupt", "foreign", "broken_index"} <= kinds
    assert not (tmp_path / "canary").exists()


def test_capturing_into_a_hostile_folder_harms_nothing_outside(hostile: Store, tmp_path: Path) -> None:
    before = sorted(path.name for path in tmp_path.iterdir())

    entry = publish(hostile, "mine", when=2e9)
    try:
        hostile.update(TARGET, Counts(1, 1), Settings(keep=2))
    except SnapagentError:
        pytest.fail("a reader's error reached a writer")
    hostile.sweep(older_than=0.0)
    hostile.clear(TARGET)

    assert sorted(path.name for path in tmp_path.iterdir()) == before
    assert not os.path.exists(entry.path)
    assert Path("/etc/passwd").read_bytes()


@pytest.mark.parametrize("how", ["a link", "somebody else's"])
def test_nothing_is_written_into_a_function_folder_of_another_user(store: Store, tmp_path: Path, how: str) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    os.mkdir(store.base_path)
    if how == "a link":
        os.symlink(outside, store.folder(TARGET))
    elif os.geteuid() == 0:
        outside = Path(store.folder(TARGET))
        outside.mkdir()
        os.chown(outside, 12345, 12345)
    else:
        pytest.skip("only root can give a folder away")

    with pytest.raises(StoreFailure):
        publish(store)
    with pytest.raises(StoreFailure):
        store.write_pending_counts(TARGET, Counts(1))
    with pytest.raises(StoreFailure):
        store.update(TARGET, Counts(1), Settings())

    assert list(outside.iterdir()) == []


def test_parts_that_claim_to_be_elsewhere_are_corrupt(store: Store) -> None:
    payload = payload_of(1)
    header = header_of(payload)
    for part in (
        header.parts[0].replace(size=-1),
        header.parts[0].replace(size=10**12),
        header.parts[0].replace(size=header.parts[0].size + 1),
    ):
        entry = store.publish(TARGET, header.replace(parts=(part, *header.parts[1:])), payload, when=0.0)
        with pytest.raises(SnapagentError):
            store.read(entry)
