"""From a changed function to a reviewed change: `replay` shows it, `--accept` takes it, git shows old and new."""

from __future__ import annotations

import json
import os
import pty
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

SHOP = """
import random

def quote(rows, currency="EUR"):
    return {"total": sum(rows), "currency": currency}

def pick(rows):
    return {"n": len(rows), "ticket": random.random()}

def log_in(user, password):
    return {"user": user, "ok": len(password) > 3}

def keep(rows):
    return rows
"""
DRIVE = """
import shop
shop.quote([1, 2]); shop.quote([3], currency="USD"); shop.pick([1]); shop.keep([2])
shop.log_in("eva", "Hq7!pw-93kd0s")
"""
CONFIG = 'version: 1\nsync: true\nbudget: 100%\ntargets: ["shop:*"]\n'


@pytest.fixture(scope="module")
def captured(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("accepting")
    (folder / "shop.py").write_text(SHOP)
    (folder / "drive.py").write_text(DRIVE)
    (folder / "snapagent.yaml").write_text(CONFIG)
    done = snapagent(folder, "run", "--on", "--", sys.executable, "drive.py")
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture
def project(captured: Path, tmp_path: Path) -> Iterator[Path]:
    """A copy of the captured program, in a git repository of its own, with the bundles promoted."""
    folder = tmp_path / "project"
    shutil.copytree(captured, folder)
    git(folder, "init", "--quiet")
    done = snapagent(folder, "promote", "shop.*", "--to", "tests/captures")
    assert "git config diff.snapagent.textconv" in done.stderr
    git(folder, "config", "diff.snapagent.textconv", f"{sys.executable} -m snapagent show")
    (folder / ".gitattributes").write_text("*.pkl diff=snapagent\n")
    git(folder, "add", "--force", ".gitattributes", "tests/captures", "shop.py")
    git(folder, "commit", "--quiet", "--message", "bundles")
    yield folder


def snapagent(folder: Path, *words: str, **options: object) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    environment.pop("SNAPAGENT_CAPTURE_ENABLED", None)
    return subprocess.run(
        [sys.executable, "-m", "snapagent", *words],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        stdin=options.get("stdin", subprocess.DEVNULL),  # type: ignore[arg-type]
        timeout=120,
        check=False,
    )


def replay(folder: Path, *words: str, **options: object) -> subprocess.CompletedProcess[str]:
    return snapagent(folder, "replay", "--captures-dir", "tests/captures", *words, **options)


def git(folder: Path, *words: str) -> str:
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
    return subprocess.run(["git", *identity, *words], cwd=folder, capture_output=True, text=True, check=True).stdout


def change(folder: Path, before: str, after: str) -> None:
    source = (folder / "shop.py").read_text()
    assert before in source
    (folder / "shop.py").write_text(source.replace(before, after))


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*.pkl")}


def test_a_changed_function_is_shown_accepted_equal_and_read_in_git_diff(project: Path) -> None:
    change(project, "sum(rows)", "sum(rows) + 1")
    before = bytes_of(project / "tests")

    shown = replay(project, "shop.quote", "shop.keep")
    assert shown.returncode == 1
    assert "result.total: expected 3, got 4" in shown.stdout
    assert bytes_of(project / "tests") == before

    accepted = replay(project, "shop.quote", "shop.keep", "--accept", "--yes")
    assert accepted.returncode == 0, accepted.stdout + accepted.stderr
    assert "result.total: expected 3, got 4" in accepted.stdout
    assert "2 bundles accepted" in accepted.stderr

    assert replay(project, "shop.quote", "shop.keep").returncode == 0
    after = bytes_of(project / "tests")
    assert sorted(name for name in after if after[name] != before[name]) == sorted(
        name for name in after if "shop.quote" in name
    )
    diff = git(project, "diff", "--", "tests")
    assert [line for line in diff.splitlines() if line.endswith(".total: 3") and line.startswith("-")]
    assert [line for line in diff.splitlines() if line.endswith(".total: 4") and line.startswith("+")]
    assert "by snapagent replay --accept" in diff
    assert "Binary files" not in diff
    assert snapagent(project, "verify", "--captures-dir", "tests/captures").returncode == 0
    assert not [line for line in git(project, "status", "--short", "tests").splitlines() if line.startswith("??")]


def test_the_header_tells_it_to_show_and_to_json(project: Path) -> None:
    change(project, "sum(rows)", "sum(rows) + 1")
    replay(project, "shop.quote", "--accept", "--yes")
    where = ("--captures-dir", "tests/captures")
    assert "outcome accepted 2" in snapagent(project, "show", "shop.quote", *where).stdout
    header = json.loads(snapagent(project, "show", "shop.quote", "--json", *where).stdout)
    assert header["accepted"]["by"].startswith("snapagent replay --accept (")
    assert json.loads(snapagent(project, "show", "shop.keep", "--json", *where).stdout)["accepted"] == {}


def test_nobody_to_ask_is_a_wrong_use_before_anything_is_replayed(project: Path) -> None:
    change(project, "sum(rows)", "sum(rows) + 1")
    before = bytes_of(project)
    for words in (("--accept",), ("--accept", "--json"), ("--yes",)):
        done = replay(project, *words)
        assert done.returncode == 2, words
        assert "--accept" in done.stderr and not done.stdout
    assert bytes_of(project) == before


@pytest.mark.parametrize(("answer", "code"), [(b"n\n", 1), (b"y\n", 0)])
def test_a_terminal_is_asked(project: Path, answer: bytes, code: int) -> None:
    change(project, "sum(rows)", "sum(rows) + 1")
    before = bytes_of(project / "tests")
    master, slave = pty.openpty()
    try:
        os.write(master, answer)
        done = replay(project, "shop.quote", "--accept", stdin=slave)
    finally:
        os.close(slave)
        os.close(master)
    assert "Put today's outcome in place of the stored one in 2 bundles?" in done.stderr
    assert done.returncode == code
    assert (bytes_of(project / "tests") == before) is (code == 1)


def test_what_cannot_be_compared_stays_and_is_named(project: Path) -> None:
    change(project, '{"user": user, "ok": len(password) > 3}', '{"user": user.upper(), "ok": len(password) > 3}')
    before = bytes_of(project / "tests")
    done = replay(project, "shop.log_in", "--accept", "--yes")
    assert done.returncode == 1
    assert "`password` was redacted" in done.stdout
    assert "what is not comparable is never accepted" in done.stderr
    assert bytes_of(project / "tests") == before


def test_noise_is_told_apart_from_change(project: Path) -> None:
    done = replay(project, "shop.pick", "shop.keep", "--twice", "--json")
    assert done.returncode == 1
    found = json.loads(done.stdout)
    assert found["summary"]["noise"] == 1 and found["summary"]["equal"] == 1
    (noise,) = [one for one in found["results"] if one["kind"] == "noise"]
    assert noise["noise"] == ["result.ticket"]
    assert noise["reason"] == "two replays of the same code differ at result.ticket"
    assert replay(project, "shop.pick", "--twice", "--ignore", "result.ticket").returncode == 0

    change(project, '{"n": len(rows), ', '{"n": 7, ')
    change(project, "return rows\n", "return rows * 2\n")
    found = json.loads(replay(project, "shop.pick", "shop.keep", "--twice", "--json").stdout)
    by_target = {one["target"]: one for one in found["results"]}
    assert by_target["shop:pick"]["kind"] == "changed"
    assert [one["path"] for one in by_target["shop:pick"]["differences"]] == ["result.n"]
    assert by_target["shop:pick"]["noise"] == ["result.ticket"]
    assert by_target["shop:keep"]["kind"] == "changed" and by_target["shop:keep"]["noise"] == []


def test_noise_is_not_accepted_and_ignore_lets_it_be(project: Path) -> None:
    change(project, '{"n": len(rows), ', '{"n": 7, ')
    done = replay(project, "shop.pick", "--accept", "--yes")
    assert done.returncode == 1
    assert "two replays differ at result.ticket" in " ".join(done.stdout.split())
    done = replay(project, "shop.pick", "--accept", "--yes", "--ignore", "result.ticket", "--json")
    assert done.returncode == 0
    (result,) = json.loads(done.stdout)["results"]
    assert result["accepted"] is True and result["refused"] == ""
    assert replay(project, "shop.pick", "--ignore", "result.ticket").returncode == 0


def test_an_ignored_path_that_fits_nothing_is_told(project: Path) -> None:
    done = replay(project, "shop.keep", "shop.quote", "--ignore", "result.totl", "--ignore", "result.total")
    assert done.returncode == 0
    assert "result.totl fits nothing in any of the outcomes" in done.stderr
    assert "result.total fits" not in done.stderr
