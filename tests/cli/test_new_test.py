"""`snapagent new-test`: the tests that it writes pass, or it says which bundle does not and why."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from snapagent.cli.source.modules import SourceFinder
from snapagent.cli.source.side_effects import find_side_effects

STORE = """
import itertools
import os
import uuid

from .model import Scale

numbers = itertools.count()


def add(rows):
    return sum(rows)


def labelled(rows):
    return [{"row": row, "id": uuid.uuid4().hex} for row in rows]


def numbered(name):
    return {"name": name, "number": next(numbers)}


def letters(words):
    return {"all": list({word[0] for word in words})}


def pid(value):
    return (value, os.environ["HOME_OF_THE_RUN"])


class Service:
    def __init__(self, scale):
        self.scale = scale

    def counted(self, row):
        return self.scale.seen(row)
"""
MODEL = """
import os


class Scale:
    def __init__(self):
        self.handle = open(os.devnull)
        self.rows = []

    def seen(self, row):
        self.rows.append(row)
        return len(self.rows)
"""
DRIVE = """
from yard import store
from yard.model import Scale


def in_the_script(value):
    return value


if __name__ == "__main__":
    for count in (1, 3):
        store.add(range(count))
        store.labelled(list(range(count)))
        store.numbered(count)
    store.letters(["anna", "bert", "carl", "dora", "emil", "fritz", "gerd", "hans"])
    store.pid(1)
    for row in (1, 2):
        store.Service(Scale()).counted(row)
    in_the_script(1)
"""
CONFIG = """
version: 1
sync: true
budget: 100%
defaults: {keep: .inf}
targets: ["yard.store:*", {target: "yard.store:Service.counted", exclude: [self.scale]}]
"""


@pytest.fixture(scope="module")
def captured(tmp_path_factory: pytest.TempPathFactory) -> Path:
    project = tmp_path_factory.mktemp("yard")
    (project / "yard").mkdir()
    (project / "yard" / "__init__.py").write_text("")
    (project / "yard" / "store.py").write_text(STORE)
    (project / "yard" / "model.py").write_text(MODEL)
    (project / "drive.py").write_text(DRIVE)
    (project / "snapagent.yaml").write_text(CONFIG)
    run = [sys.executable, "-m", "snapagent", "run", "--on", "--", sys.executable, "drive.py"]
    environment = {**os.environ, "HOME_OF_THE_RUN": "staging", "PYTHONHASHSEED": "0"}
    done = subprocess.run(run, cwd=project, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stderr
    return project


@pytest.fixture
def project(captured: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("HOME_OF_THE_RUN", "laptop")
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    return Path(shutil.copytree(captured, tmp_path / "project"))


def snapagent(project: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "snapagent", *words]
    return subprocess.run(command, cwd=project, capture_output=True, text=True, timeout=60, check=False)


def pytest_run(project: Path, *words: str) -> str:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *words]
    return subprocess.run(command, cwd=project, capture_output=True, text=True, timeout=60, check=False).stdout


def test_what_varies_is_ignored_and_the_tests_of_several_functions_pass(project):
    names = [f"yard.store.{name}" for name in ("add", "labelled", "numbered", "letters")]

    done = snapagent(project, "new-test", *names, "-o", "tests/")

    text = (project / "tests" / "test_yard_store.py").read_text()
    assert done.returncode == 0, done.stderr
    assert "all pass" in done.stderr
    assert "def test_add(bundle):\n    bundle.check()\n" in text
    assert 'bundle.check(ignore=["result[*].id"])' in text
    assert 'bundle.check(ignore=["result.number"])' in text
    assert 'bundle.check(ignore=["result.all[*]"])' in text
    assert "uuid.uuid4" in text and "numbers" not in text
    assert "7 passed" in pytest_run(project, "tests")


def test_a_bundle_that_does_not_pass_is_named_with_the_reason_and_the_file_is_written(project):
    done = snapagent(project, "new-test", "yard.store.pid", "yard.store.add", "-o", "test_all.py")

    assert done.returncode == 1
    assert (project / "test_all.py").exists()
    assert "does not pass: changed: result[1]: expected 'staging', got 'laptop'" in done.stderr
    assert "1 failed, 2 passed" in pytest_run(project, "test_all.py")


def test_an_inline_test_is_not_written_for_a_bundle_that_fails_today(project):
    done = snapagent(project, "new-test", "yard.store.pid", "yard.store.add", "--inline", "-o", "test_inline.py")

    assert done.returncode == 1
    assert "is left out: changed: result[1]: expected 'staging', got 'laptop'" in done.stderr
    assert "1 bundle failed today" in done.stderr and "all pass" not in done.stderr
    assert "2 passed" in pytest_run(project, "test_inline.py")


def test_stand_ins_are_new_for_each_bundle(project):
    done = snapagent(project, "new-test", "yard.store.Service.counted", "-o", "test_counted.py")
    text = (project / "test_counted.py").read_text()
    assert done.returncode == 1
    assert "fill in 1 stand-in" in done.stderr
    assert "self.scale" in done.stderr or "NotImplementedError" in done.stderr

    seen = "        self.__dict__.setdefault('rows', []).append(args)\n        return len(self.rows)\n"
    (project / "test_counted.py").write_text(text.replace("        raise NotImplementedError\n", seen))

    assert "2 passed" in pytest_run(project, "test_counted.py")


def test_functions_of_the_main_script_get_no_test(project):
    (project / "snapagent.yaml").write_text("version: 1\ntargets: ['yard.store:add']\n")
    (project / "script.py").write_text(
        "from snapagent import capture\n@capture()\ndef doubled(n):\n    return 2 * n\ndoubled(2)\n"
    )
    ran = snapagent(project, "run", "--on", "--", sys.executable, "script.py")
    assert ran.returncode == 0, ran.stderr

    named = snapagent(project, "new-test", "__main__.doubled", "-o", "test_doubled.py")
    among_others = snapagent(project, "new-test", "**", "-o", "tests")

    assert named.returncode == 1 and "main script" in named.stderr
    assert not (project / "test_doubled.py").exists()
    assert "__main__:doubled" in among_others.stderr
    assert [path.name for path in (project / "tests").iterdir()] == ["test_yard_store.py"]


def test_functions_without_bundles_get_no_test_and_are_an_error_when_named(project):
    for path in (project / "captures" / "yard.store.pid").glob("*.pkl"):
        path.unlink()

    done = snapagent(project, "new-test", "yard.store.[ap]*", "-o", "tests")
    named = snapagent(project, "new-test", "yard.store.pid", "-o", "test_pid.py")

    assert done.returncode == 0, done.stderr
    assert "pid" not in (project / "tests" / "test_yard_store.py").read_text()
    assert named.returncode == 2
    assert not (project / "test_pid.py").exists()


def test_no_file_is_overwritten_and_no_bundle_replayed_then(project):
    (project / "tests").mkdir()
    (project / "tests" / "test_yard_store.py").write_text("mine")

    done = snapagent(project, "new-test", "yard.**", "-o", "tests")

    assert done.returncode == 1 and "--force" in done.stderr
    assert (project / "tests" / "test_yard_store.py").read_text() == "mine"


def test_builders_of_queries_and_of_objects_are_no_side_effects(tmp_path):
    (tmp_path / "repo.py").write_text(
        "import http, socket, urllib.parse, requests, redis\n"
        "from sqlalchemy import select, insert, update\n"
        "def find(session, name):\n"
        "    http.HTTPStatus(200); urllib.parse.urlparse(name); requests.Request('GET', name); redis.Redis()\n"
        "    return session.execute(select(name).where(name == 1)), insert(name).values(a=1), update(name)\n"
        "def fetch(url):\n"
        "    return requests.get(url), socket.gethostbyname(url)\n"
    )
    finder = SourceFinder([str(tmp_path)])

    assert find_side_effects("repo:find", finder).patches == ()
    assert find_side_effects("repo:fetch", finder).patches == ("requests:get", "socket:gethostbyname") or (
        find_side_effects("repo:fetch", finder).patches == ("repo:requests.get", "repo:socket.gethostbyname")
    )
