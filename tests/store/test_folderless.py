"""Functions of a large program that were called and never stored: one file counts for all, and readers see each."""

from __future__ import annotations

import json
import multiprocessing
import os
import subprocess
import sys
from pathlib import Path

import pytest
from storing import publish

from snapagent.config.targets import Target
from snapagent.store import Counts, Store
from snapagent.store.failures import LOCKED, StoreFailure
from snapagent.store.files import locked
from snapagent.store.folderless import FEW_FOLDERS, FILE

QUOTE, PLACE = "shop.pricing:quote", "shop.orders:Order.place"
SKIPPED = Counts(3, 0, {"over_budget": 3})


def count(store: Store, counts: dict[str, Counts], leaving: tuple[str, ...] = ()) -> dict[str, Counts]:
    store.folderless.add(counts)
    return store.folderless.update(leaving, 1.0)


def files_of(store: Store) -> list[str]:
    return sorted(os.listdir(f"{store.base_path}/.counts"))


def test_readers_find_such_a_function_by_each_of_its_names(store: Store) -> None:
    count(store, {PLACE: SKIPPED, QUOTE: SKIPPED})
    reader = Store(store.base_path)

    assert [function.target for function in reader.functions()] == [PLACE, QUOTE]
    for name in (PLACE, "shop.orders.Order.place", Target("shop.orders", "Order.place")):
        found = reader.function(name)
        assert found is not None and found.target == PLACE
        assert reader.index(name).counts == SKIPPED
        assert reader.index(name).target == PLACE
        assert list(reader.bundles(name)) == []
    assert reader.function("shop.orders:other") is None
    assert not os.path.exists(store.folder(PLACE))


def test_a_reader_sees_what_was_added_since(store: Store) -> None:
    reader = Store(store.base_path)
    assert list(reader.functions()) == []
    count(store, {QUOTE: SKIPPED})
    assert reader.index(QUOTE).calls == 3
    count(store, {QUOTE: SKIPPED})
    assert reader.index(QUOTE).calls == 6
    store.folderless.add({QUOTE: SKIPPED})
    store.folderless.save()
    assert reader.index(QUOTE).calls == 9


def test_counts_in_the_file_and_in_the_folder_are_one_sum(store: Store) -> None:
    count(store, {QUOTE: SKIPPED})
    publish(store)
    store.update(QUOTE, Counts(2, 1, {"recursive": 1}))

    assert store.index(QUOTE).counts == Counts(5, 1, {"over_budget": 3, "recursive": 1})
    assert [function.target for function in store.functions()] == [QUOTE]


def test_a_function_that_leaves_the_file_is_counted_by_nobody_else(store: Store) -> None:
    count(store, {QUOTE: SKIPPED, PLACE: SKIPPED})
    assert QUOTE in store.folderless.known()

    assert count(store, {}, (QUOTE,)) == {QUOTE: SKIPPED}
    assert count(store, {}, (QUOTE,)) == {}
    assert Store(store.base_path).index(QUOTE).calls == 0
    assert list(Store(store.base_path).folderless.known()) == [PLACE]


def test_counts_saved_without_the_lock_are_added_once(store: Store) -> None:
    count(store, {QUOTE: SKIPPED})
    with locked(f"{store.base_path}/.counts", 1.0), pytest.raises(StoreFailure) as failed:
        other = Store(store.base_path)
        other.folderless.add({QUOTE: SKIPPED})
        other.folderless.update((), 0.0)
    assert failed.value.reason == LOCKED
    other.folderless.save()
    saved = [name for name in files_of(store) if name != FILE]
    assert len(saved) == 1
    assert store.index(QUOTE).calls == 6

    left = Path(store.base_path, ".counts", saved[0])
    data = left.read_bytes()
    count(store, {PLACE: SKIPPED})
    assert files_of(store) == [FILE]
    left.write_bytes(data)  # as if the process had been killed before it removed the file
    assert store.index(QUOTE).calls == 6
    count(store, {PLACE: SKIPPED})
    assert Store(store.base_path).index(QUOTE).calls == 6
    assert files_of(store) == [FILE]


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"functions": 3}', b'{"functions": {"a:b": []}}', b"\xff"])
def test_a_broken_file_counts_nothing_and_is_replaced(store: Store, content: bytes) -> None:
    count(store, {QUOTE: SKIPPED})
    Path(store.base_path, ".counts", FILE).write_bytes(content)

    assert list(store.functions()) == []
    count(store, {PLACE: SKIPPED})
    assert [function.target for function in store.functions()] == [PLACE]
    assert list(store.verify()) == []


def test_clearing_forgets_the_counts_of_the_function_alone(store: Store) -> None:
    count(store, {QUOTE: SKIPPED, PLACE: SKIPPED})

    assert store.clear(QUOTE) == 0
    assert [function.target for function in store.functions()] == [PLACE]
    assert store.index(QUOTE).calls == 0


def test_retention_makes_no_folder_for_a_function_without_one(store: Store) -> None:
    from snapagent.config.settings import Settings

    count(store, {QUOTE: SKIPPED})
    assert store.prune(QUOTE, Settings()) == []
    assert os.listdir(store.base_path) == [".counts"]


def _count_often(base: str, number: int) -> None:
    store = Store(base)
    for turn in range(20):
        store.folderless.add({f"lib:f{turn % 3}": Counts(1, 0, {"over_budget": 1})})
        try:
            store.folderless.update((), 0.002 if number % 2 else 5.0)
        except StoreFailure:
            store.folderless.save()


def test_processes_that_count_at_the_same_time_lose_no_call(store: Store) -> None:
    context = multiprocessing.get_context("fork")
    processes = [context.Process(target=_count_often, args=(store.base_path, number)) for number in range(6)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()

    assert sum(store.index(f"lib:f{number}").calls for number in range(3)) == 6 * 20


PROGRAM = """
import lib, sys
for function in lib.functions:
    function(1)
{more}
"""
LIBRARY = """
def wanted(value):
    return value
functions = [wanted]
for number in range({number}):
    exec(f"def f{{number}}(value): return value")
    functions.append(globals()[f"f{{number}}"])
"""
CONFIG = """
version: 1
budget: 100%
targets:
  - lib:wanted
  - {target: 'lib:f*', sample: 0}
"""


def run(folder: Path, more: str = "") -> Store:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(folder), *sys.path]), "SNAPAGENT_CONFIG": "s.yaml"}
    command = [
        sys.executable,
        "-c",
        "from snapagent import install\ninstall(enabled=True)\n" + PROGRAM.format(more=more),
    ]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    return Store(folder / "captures")


@pytest.mark.parametrize("number", [FEW_FOLDERS - 10, FEW_FOLDERS * 3])
def test_each_function_that_was_called_is_counted_and_few_have_a_folder(tmp_path: Path, number: int) -> None:
    (tmp_path / "lib.py").write_text(LIBRARY.format(number=number))
    (tmp_path / "s.yaml").write_text(CONFIG)

    for times in (1, 2):
        store = run(tmp_path)
        assert store.index("lib:wanted").counts == Counts(times, times)
        for name in range(number):
            assert store.index(f"lib:f{name}").counts == Counts(times, 0, {"not_sampled": times})
        assert len(list(store.functions())) == number + 1
        folders = [name for name in os.listdir(store.base_path) if not name.startswith(".")]
        assert len(folders) == min(number, FEW_FOLDERS) + 1 if number < FEW_FOLDERS else FEW_FOLDERS

    assert files_of(store) == [FILE] if number > FEW_FOLDERS else not os.path.exists(f"{store.base_path}/.counts")
    assert list(store.verify()) == []


def test_a_function_that_gets_its_bundle_later_has_all_its_calls_in_its_index(tmp_path: Path) -> None:
    (tmp_path / "lib.py").write_text(LIBRARY.format(number=FEW_FOLDERS * 2))
    (tmp_path / "s.yaml").write_text(CONFIG)
    before = run(tmp_path)
    late = next(name for name in before.folderless.known() if not os.path.exists(before.folder(name)))
    (tmp_path / "s.yaml").write_text(f"version: 1\nbudget: 100%\ntargets: ['{late}']\n")

    store = run(tmp_path)

    index = json.loads(Path(store.folder(late), "index.json").read_text())
    assert (index["calls"], index["captured"], index["skipped"]) == (2, 1, {"not_sampled": 1})
    assert store.index(late).counts == Counts(2, 1, {"not_sampled": 1})
    assert late not in json.loads(Path(store.base_path, ".counts", FILE).read_text())["functions"]
