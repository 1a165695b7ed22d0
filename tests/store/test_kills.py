"""Writers are killed at any moment: what was published is there and whole, what was not leaves nothing that stays."""

from __future__ import annotations

import json
import math
import os
import pickle
import random
import signal
import time
from pathlib import Path

import pytest
from capturing import Program
from storing import TARGET

from snapagent.config.settings import Settings
from snapagent.store import Store

ROUNDS = 500 if os.environ.get("SNAPAGENT_THOROUGH") else 8
WRITERS = 8


def write_until_killed(base: str, settings: Settings, log: Path, sync: bool) -> None:
    """Note each call in `log` once `submit` has returned; in sync mode it is published by then."""
    noted = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    program = Program(base, settings, sync=sync)
    number = 0
    while True:
        value = f"{os.getpid()}-{number}"
        program.call(value)
        os.write(noted, f"{value}\n".encode())
        number += 1
        if not sync:
            time.sleep(0.001)


def round_of_kills(base: str, settings: Settings, log: Path, sync: bool, chance: random.Random) -> None:
    children = []
    for _ in range(WRITERS):
        child = os.fork()
        if child == 0:
            try:
                write_until_killed(base, settings, log, sync)
            finally:
                os._exit(1)
        children.append(child)
    time.sleep(chance.uniform(0.02, 0.12))
    for child in children:
        os.kill(child, signal.SIGKILL)
    for child in children:
        assert os.waitpid(child, 0)[1] == signal.SIGKILL


@pytest.mark.parametrize("sync", [True, False], ids=["sync", "thread"])
@pytest.mark.parametrize("keep", [math.inf, 2])
def test_kills_tear_no_bundle_lose_no_published_one_and_leave_no_orphan(
    tmp_path: Path, keep: float, sync: bool
) -> None:
    chance = random.Random(1)
    lasting = 0
    for number in range(ROUNDS // 2):
        base, log = str(tmp_path / str(number // 5)), tmp_path / f"log{number // 5}"  # some rounds share a store
        round_of_kills(base, Settings(keep=keep), log, sync, chance)

        store = Store(base)
        values = set()
        for entry in store.entries(TARGET):
            bundle = store.read(entry)  # whole, or this raises
            values.add(pickle.loads(store.part(bundle, "outcome")))
        if sync and keep == math.inf:
            noted = log.read_text().splitlines() if log.exists() else []
            assert set(noted) <= values
        index = Path(store.folder(TARGET), "index.json")
        if index.exists():
            json.loads(index.read_text())
        lasting += len(values)

        store.sweep(older_than=0.0)
        assert [path.name for path in Path(base).rglob(".tmp-*")] == []
        assert list(store.verify()) == []
    assert lasting


def test_the_next_process_takes_up_where_killed_ones_left(tmp_path: Path) -> None:
    base = str(tmp_path / "captures")
    for number in range(3):
        round_of_kills(base, Settings(keep=2), tmp_path / "log", True, random.Random(number))

    program = Program(base, Settings(keep=2))
    program.call("after")
    assert program.writer.close(10)

    store = Store(base)
    index = json.loads(Path(store.folder(TARGET), "index.json").read_text())
    assert len(store.entries(TARGET)) == index["stored"] == 2
    assert store.index(TARGET).bundles[0].name == store.newest(TARGET).name


def test_a_sweep_finds_the_drafts_of_killed_writers_in_every_folder_of_the_store(tmp_path: Path) -> None:
    base = str(tmp_path / "captures")
    program = Program(base, Settings(keep=2))
    program.call("kept")
    assert program.writer.close(10)
    function = Path(Store(base).folder(TARGET))
    drafts = [Path(base, ".processes"), Path(base), function, function / ".counts"]
    for folder in drafts:
        folder.mkdir(mode=0o700, exist_ok=True)
        (folder / ".tmp-draft.open").touch()

    assert Store(base).sweep(older_than=0.0) == len(drafts)
    assert list(Path(base).rglob(".tmp-*")) == []
    assert len(Store(base).entries(TARGET)) == 1
