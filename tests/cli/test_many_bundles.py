"""A function with a hundred thousand bundles: what a command reads does not grow with what is stored.

Figures are in benchmarks/bench_list.py; here is counted what makes them: bundles that are opened.
"""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from storing import new_entry

from snapagent.cli import main
from snapagent.config.settings import DEFAULT_SETTINGS
from snapagent.store import Counts, Store, files

from .conftest import Shop

TARGET = "shop.pricing.quote"
STORED = 100_000
_LINKS = 30_000  # names of one file: some file systems allow 65,000


@pytest.fixture(scope="module")
def full_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Names of a hundred thousand bundles, each the hard link of one of a few."""
    base = tmp_path_factory.mktemp("many")
    shop = Shop(base / "captures")
    folder = os.path.join(str(shop.base_path), TARGET)
    for number in range(STORED // _LINKS + 1):
        first = shop.add(rows=f"[{number}]")
        for at in range(number * _LINKS + 1, min((number + 1) * _LINKS, STORED - STORED // _LINKS)):
            digits = f"h1:{(at * 2654435761) % 2**32:08x}"
            os.link(first.path, new_entry(folder, first.when - at, "abcdef", at, digits).path)
    keep_all = DEFAULT_SETTINGS.replace(keep=float("inf"))
    Store(str(shop.base_path)).update("shop.pricing:quote", Counts(STORED, STORED), keep_all)
    yield base
    shutil.rmtree(base)


@pytest.fixture
def opened(full_store, monkeypatch) -> list[str]:
    """The files of bundles that were opened."""
    monkeypatch.chdir(full_store)
    names: list[str] = []
    real = files.read_regular

    def read(path, limit, *, folder=None):
        if path.endswith(".pkl"):
            names.append(path)
        return real(path, limit, folder=folder)

    monkeypatch.setattr(files, "read_regular", read)
    return names


@pytest.mark.parametrize(
    ("command", "most"),
    [
        (["list"], 0),
        (["list", "--json"], 0),
        (["list", TARGET, "-n", "10"], 10),
        (["list", TARGET, "-n", "10", "--sort", "size"], 10),
        (["list", TARGET, "-n", "10", "--reverse", "--json"], 10),
        (["list", TARGET, "--newer", "1s"], 0),
        (["show", TARGET], 2),
        (["show", TARGET, "9e3779b1"], 3),
        (["diff", TARGET], 2),
        (["status"], 0),
        (["why", TARGET], 20),
        (["clear", "--dry-run"], 0),
        (["facsimile", TARGET], 200),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_command_opens_what_it_shows(full_store, opened, run, command, most):
    result = run(*command)

    assert result.exit_code in (0, 1), result.stderr
    assert len(opened) <= most
    assert result.stdout or "--newer" in command or command[0] == "facsimile"


def test_the_counts_are_of_all(full_store, opened, run):
    (row,) = json.loads(run("list", "--json").stdout)
    stats = json.loads(run("stats", "--json").stdout)

    assert row["bundles"] == stats["bundles"] > STORED - 100
    assert sum(slot["bundles"] for slot in stats["over_time"]) == row["bundles"]
    assert stats["headers_read"] == 5000
    assert len(opened) == 5000 + 10  # the newest ones once more, for their effects


def test_a_stale_index_costs_a_look_at_the_newest(full_store, opened, run):
    index = full_store / "captures" / TARGET / "index.json"
    os.utime(index, ns=(0, 0))

    (row,) = json.loads(run("list", "--json").stdout)

    assert row["bundles"] > STORED - 100
    assert len(opened) <= 100


def test_a_prefix_that_fits_thousands_is_refused_after_a_look_at_a_few(full_store, opened, run):
    result = run("show", TARGET, "9")

    assert result.exit_code == 2
    assert "give more digits" in result.stderr
    assert len(result.stderr) < 400
    assert len(opened) < 50


def test_hashes_are_completed_from_names_alone(full_store, opened, monkeypatch, run):
    completing = {"COMP_WORDS": f"snapagent show {TARGET} 9e37", "COMP_CWORD": "3"}
    result = run(env={"_SNAPAGENT_COMPLETE": "bash_complete", **completing}, prog_name="snapagent")

    assert "plain,9e3779b1" in result.stdout
    assert opened == []


class Gone(io.StringIO):
    """A reader that goes away after some lines."""

    def __init__(self, lines: int) -> None:
        super().__init__()
        self.lines = lines

    def write(self, text: str) -> int:
        self.lines -= text.count("\n")
        if self.lines < 0:
            raise BrokenPipeError(32, "Broken pipe")
        return super().write(text)


@pytest.mark.parametrize("options", [[], ["--json"], ["--sort", "size"]], ids=" ".join)
def test_rows_are_printed_while_others_are_unread(full_store, opened, monkeypatch, options):
    stdout = Gone(lines=5)
    monkeypatch.setattr(sys, "stdout", stdout)

    with pytest.raises(SystemExit) as end:
        main(["list", TARGET, *options])

    assert end.value.code == 0
    assert stdout.getvalue().count("\n") == 5
    assert len(opened) <= 201  # what the widths of the columns are measured on


@pytest.mark.parametrize("command", [["list", TARGET], ["list", TARGET, "--json"], ["export"]], ids=" ".join)
def test_a_closed_pipe_ends_it_quietly(full_store, command):
    reading, writing = os.pipe()
    listing = subprocess.Popen(
        [sys.executable, "-m", "snapagent", *command], stdout=writing, stderr=subprocess.PIPE, cwd=full_store
    )
    os.close(writing)
    os.read(reading, 1000)
    os.close(reading)
    _, complaint = listing.communicate(timeout=60)

    assert listing.returncode == 0
    assert complaint == b""
