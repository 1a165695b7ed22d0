from __future__ import annotations

import os
import stat
import threading
from pathlib import Path

import pytest
from storing import TARGET, publish

from snapagent.store import Store, StoreFailure, files

UMASKS = [0o000, 0o022, 0o077, 0o777]


@pytest.fixture(params=UMASKS, ids=oct)
def umask(request: pytest.FixtureRequest):
    before = os.umask(request.param)
    yield
    os.umask(before)


def modes(root: Path) -> dict[str, int]:
    return {path.name: stat.S_IMODE(path.lstat().st_mode) for path in root.rglob("*")}


def test_files_are_0600_and_folders_0700_at_every_level_whatever_the_umask(umask: None, tmp_path: Path) -> None:
    store = Store(tmp_path / "deep" / "er" / "captures")
    entry = publish(store)
    store.pin(entry)
    store.promote(TARGET, [entry])
    publish(store)

    found = modes(tmp_path)
    folders = {"deep", "er", "captures", "shop.pricing.quote", ".counts"}
    assert {name: oct(mode) for name, mode in found.items() if name in folders} == dict.fromkeys(folders, "0o700")
    others = {name: oct(mode) for name, mode in found.items() if name not in folders}
    assert len(others) == 6  # two bundles, pin, manifest, index, a mark in .counts
    assert set(others.values()) == {"0o600"}


def test_a_link_in_place_of_a_folder_is_not_followed(tmp_path: Path, store: Store) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    os.mkdir(store.base_path)
    os.symlink(elsewhere, store.folder(TARGET))

    with pytest.raises(StoreFailure, match="not_a_folder"):
        publish(store)
    assert list(elsewhere.iterdir()) == []
    assert store.entries(TARGET) == []


def test_a_link_under_the_name_of_a_temporary_file_is_not_written_through(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("precious")
    os.symlink(victim, tmp_path / ".tmp-x")

    with files.own_folder(str(tmp_path)) as folder:
        files.publish(folder, "x", b"data")

    assert victim.read_text() == "precious"
    assert (tmp_path / "x").read_bytes() == b"data"


@pytest.mark.parametrize("kind", ["file", "fifo", "dangling link"])
def test_a_store_that_is_not_a_folder_is_refused_at_once(kind: str, tmp_path: Path) -> None:
    base = tmp_path / "captures"
    if kind == "file":
        base.write_text("")
    elif kind == "fifo":
        os.mkfifo(base)
    else:
        base.symlink_to(tmp_path / "nowhere" / "at all")

    with pytest.raises(StoreFailure):
        publish(Store(base))


def test_a_fifo_is_refused_without_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    done = threading.Event()

    def read() -> None:
        with pytest.raises(OSError, match="not a regular file"):
            files.read_regular(str(tmp_path / "fifo"), 10)
        done.set()

    threading.Thread(target=read, daemon=True).start()
    assert done.wait(2.0)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_a_folder_of_another_user_is_not_written_to(store: Store) -> None:
    publish(store)
    os.chown(store.folder(TARGET), 65534, 65534)

    with pytest.raises(StoreFailure, match="foreign_folder"):
        publish(store)


def test_a_folder_that_was_deleted_is_made_again(tmp_path: Path, store: Store) -> None:
    import shutil

    publish(store, 1)
    shutil.rmtree(store.base_path)

    entry = publish(store, 2)

    assert store.entries(TARGET) == [entry]
    assert stat.S_IMODE(os.stat(store.base_path).st_mode) == 0o700


def test_the_sweeper_takes_only_old_temporary_files_and_follows_no_link(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("")
    for name in (".tmp-old", ".tmp-new", ".tmp-future", "old"):
        (tmp_path / name).write_text("")
    (tmp_path / ".tmp-link").symlink_to(victim)
    (tmp_path / ".tmp-folder").mkdir()
    now = victim.stat().st_mtime
    for name, when in ((".tmp-old", now - 7200), (".tmp-future", now + 1e9), ("old", 0.0)):
        os.utime(tmp_path / name, (when, when))

    with files.opened_folder(str(tmp_path)) as folder:
        swept = files.sweep(folder, os.listdir(folder), now)

    assert swept == 2
    assert sorted(path.name for path in tmp_path.iterdir()) == [".tmp-folder", ".tmp-link", ".tmp-new", "old", "victim"]


def test_a_batch_of_files_survives_the_removal_of_its_folder(tmp_path: Path) -> None:
    import shutil

    path = tmp_path / "captures" / "f"
    with files.BatchFolder(str(path), "a41f9c") as folder:
        folder.publish("first", b"1", durable=False)
        shutil.rmtree(tmp_path / "captures")
        folder.publish("second", b"2", durable=True)
        folder.publish("third", b"3", durable=False)
        opened = len(os.listdir("/proc/self/fd"))

    assert sorted(os.listdir(path)) == ["second", "third"]
    assert path.stat().st_mode & 0o777 == 0o700
    assert len(os.listdir("/proc/self/fd")) == opened - 1


def test_batches_of_several_threads_do_not_disturb_one_another(tmp_path: Path) -> None:
    """Each has one name for all of its drafts."""

    def write(first: int) -> None:
        with files.BatchFolder(str(tmp_path), "a41f9c") as folder:
            for number in range(first, first + 100):
                folder.publish(str(number), b"%d" % number * 1000, durable=False)

    threads = [threading.Thread(target=write, args=(first,)) for first in range(0, 400, 100)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {
        str(number): b"%d" % number * 1000 for number in range(400)
    }


def test_a_draft_that_could_not_be_removed_does_not_stop_the_next_one(tmp_path: Path) -> None:
    with files.BatchFolder(str(tmp_path), "a41f9c") as folder:
        folder.publish("first", b"1", durable=False)
        (tmp_path / folder._draft).write_bytes(b"left over, and longer than the next one")
        folder.publish("second", b"2", durable=False)

    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"first": b"1", "second": b"2"}


def test_the_first_of_several_writers_creates_a_file_and_no_draft_stays(tmp_path: Path) -> None:
    with files.own_folder(str(tmp_path)) as folder:
        for data in (b"first", b"second"):
            files.create_once(folder, "x", data)

    assert os.listdir(tmp_path) == ["x"]
    assert (tmp_path / "x").read_bytes() == b"first"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may change the root folder")
def test_nothing_is_made_in_a_root_folder_that_the_program_chose(tmp_path: Path) -> None:
    jail = tmp_path / "jail"
    jail.mkdir()
    child = os.fork()
    if not child:
        try:
            os.chroot(jail)
            with pytest.raises(FileNotFoundError):
                files.make_folders(str(tmp_path / "captures"))
        except BaseException:
            os._exit(1)
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    assert list(jail.iterdir()) == []
