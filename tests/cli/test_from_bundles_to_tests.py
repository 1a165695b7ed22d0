"""`replay`, `new-test`, `promote` over bundles that a real program left."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest

PRICING = """
import os
import random
import sqlite3

import tillstore.gateway
from tillstore.gateway import rate


def quote(rows, currency="EUR"):
    if not rows:
        raise ValueError("no rows")
    return {"total": sum(rows) * 1.0, "currency": currency, "password": "hunter2"}


def charge(amount):
    return rate(amount) + tillstore.gateway.fetch(amount) + random.random()


class Service:
    def __init__(self):
        self.model = open(os.devnull)

    def predict(self, rows):
        return [self.model.scale(row) for row in rows] if hasattr(self.model, "scale") else rows
"""
GATEWAY = """
import sqlite3


def fetch(amount):
    return sqlite3.connect(":memory:").execute("select ?", (amount,)).fetchone()[0]


def rate(amount):
    return fetch(amount)
"""
CONFIG = """
version: 1
sync: true
budget: 100%
defaults: {keep: .inf}
targets: ["tillstore.pricing:*", "tillstore.pricing:Service.predict"]
"""
DRIVE = """
from tillstore.pricing import Service, charge, quote
for n in range(6):
    quote([n, 2], currency="USD")
try:
    quote([])
except ValueError:
    pass
Service().predict([1, 2])
charge(3)
"""


@pytest.fixture(scope="module", autouse=True)
def no_bytecode() -> Iterator[None]:
    """The project's files change within a second."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("PYTHONDONTWRITEBYTECODE", "1")
        yield


@pytest.fixture(scope="module")
def captured(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project whose program ran once with capture on."""
    project = tmp_path_factory.mktemp("project")
    package = project / "tillstore"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "pricing.py").write_text(PRICING)
    (package / "gateway.py").write_text(GATEWAY)
    (project / "snapagent.yaml").write_text(CONFIG)
    (project / "drive.py").write_text(DRIVE)
    command = [sys.executable, "-m", "snapagent", "run", "--on", "--", sys.executable, "drive.py"]
    done = subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return project


@pytest.fixture
def project(captured: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(captured, tmp_path / "project"))


def snapagent(project: Path, *args: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "snapagent", *args]
    return subprocess.run(command, cwd=project, capture_output=True, text=True, timeout=60, check=False)


def change(project: Path, before: str, after: str) -> None:
    path = project / "tillstore" / "pricing.py"
    text = path.read_text()
    assert before in text
    path.write_text(text.replace(before, after))


def replayed(project: Path, *args: str) -> tuple[int, dict]:
    done = snapagent(project, "replay", "tillstore.pricing:quote", "--json", *args)
    return done.returncode, json.loads(done.stdout)


def test_unchanged_code_replays_equal_and_exits_0(project):
    code, data = replayed(project)

    assert code == 0
    assert data["summary"] == {
        "equal": 7,
        "changed": 0,
        "fixed": 0,
        "broken": 0,
        "not comparable": 0,
        "not replayable": 0,
    }


def test_changed_broken_and_fixed_are_told_apart_with_paths_and_exit_1(project):
    change(project, '"total": sum(rows)', '"total": sum(rows) + (1 / (rows[0] - 1) if rows[0] < 3 else 0)')
    change(project, 'raise ValueError("no rows")', "return None")

    code, data = replayed(project)

    assert code == 1
    assert data["summary"] == {
        "equal": 3,
        "changed": 2,
        "fixed": 1,
        "broken": 1,
        "not comparable": 0,
        "not replayable": 0,
    }
    changed = next(result for result in data["results"] if result["kind"] == "changed")
    assert changed["differences"][0]["path"] == "result.total"


def test_tolerances_and_ignored_places_are_obeyed(project):
    change(project, "sum(rows)", "sum(rows) + 1e-12")

    assert replayed(project)[0] == 1
    assert replayed(project, "--atol", "1e-9")[0] == 0
    assert replayed(project, "--ignore", "result.total")[0] == 0
    assert snapagent(project, "replay", "--ignore", "result..x").returncode == 2


@pytest.mark.parametrize(
    ("body", "word"),
    [
        ("os._exit(3)", "exit code 3"),
        ("os.kill(os.getpid(), 9)", "signal 9"),
        ("__import__('time').sleep(60)", "longer"),
    ],
)
def test_a_call_that_kills_or_hangs_its_process_costs_only_its_own_bundle(project, body, word):
    change(project, "    if not rows:", f"    if rows and rows[0] == 2:\n        {body}\n    if not rows:")

    code, data = replayed(project, "--timeout", "3", "--jobs", "1")

    assert code == 1
    assert data["summary"]["equal"] == 6
    (lost,) = [result for result in data["results"] if result["kind"] == "not replayable"]
    assert word in lost["reason"]


def test_what_cannot_be_replayed_may_be_skipped(project):
    change(project, "def quote", "def quotation")

    assert replayed(project)[0] == 1
    code, data = replayed(project, "--skip-unreplayable")
    assert code == 0
    assert data["summary"]["not replayable"] == 7


def test_what_the_program_prints_does_not_disturb_the_answers(project):
    change(project, "    if not rows:", "    print('noise')\n    os.write(1, b'noise')\n    if not rows:")

    assert replayed(project)[0] == 0


def test_ctrl_c_ends_quietly_with_130_and_leaves_no_process_behind(project):
    change(
        project,
        "    if not rows:",
        "    open('begun', 'w').close()\n    __import__('time').sleep(60)\n    if not rows:",
    )
    replaying = subprocess.Popen(
        [sys.executable, "-m", "snapagent", "replay", "tillstore.pricing:quote"],
        cwd=project,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # whatever the shell of the tests ignores
    )
    while not (project / "begun").exists() and replaying.poll() is None:
        time.sleep(0.05)
    replaying.send_signal(signal.SIGINT)

    _, errors = replaying.communicate(timeout=30)  # ends when the last process that holds the pipes has ended

    assert replaying.returncode == 130
    assert "Traceback" not in errors


def test_a_junit_report_has_a_case_for_each_bundle(project):
    change(project, '"total": sum(rows)', '"total": -1')

    snapagent(project, "replay", "tillstore.pricing:quote", "--junit-xml", "report.xml")

    suite = ElementTree.parse(project / "report.xml").getroot()
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("7", "6", "0")
    assert "result.total" in suite.find("testcase/failure").text


def test_twins_have_names_of_their_own_in_a_junit_report(project):
    again = "from tillstore.pricing import quote\nquote([1, 2]); quote([1, 2])\n"
    assert snapagent(project, "run", "--on", "--", sys.executable, "-c", again).returncode == 0

    snapagent(project, "replay", "tillstore.pricing:quote", "--junit-xml", "report.xml")

    names = [case.get("name") for case in ElementTree.parse(project / "report.xml").iter("testcase")]
    assert len(set(names)) == len(names)
    assert any(name.endswith("-returned-2") for name in names)


def test_limit_outcome_and_fail_fast_choose_what_runs(project):
    assert replayed(project, "--limit", "2")[1]["summary"]["equal"] == 2
    assert replayed(project, "--outcome", "ValueError")[1]["summary"]["equal"] == 1
    change(project, '"total": sum(rows)', '"total": -1')
    assert len(replayed(project, "-x", "-j", "1", "--outcome", "returned")[1]["results"]) == 1


def test_stand_ins_take_the_places_of_placeholders(project):
    change(project, 'if hasattr(self.model, "scale") else rows', "")
    (project / "stand_ins.py").write_text(
        "class Model:\n    def scale(self, row):\n        return row\nFACSIMILES = {'self.model': Model()}\n"
    )

    without = snapagent(project, "replay", "tillstore.pricing:Service.predict", "--json")
    given = snapagent(
        project, "replay", "tillstore.pricing:Service.predict", "--json", "--facsimiles", "stand_ins:FACSIMILES"
    )

    assert "facsimile" in json.loads(without.stdout)["results"][0]["reason"]
    assert json.loads(given.stdout)["summary"]["equal"] == 1
    wrong = snapagent(project, "replay", "tillstore.pricing:Service.predict", "--facsimiles", "stand_ins:NOTHING")
    assert wrong.returncode == 1
    assert "NOTHING" in wrong.stdout


def test_show_loads_values_only_on_request_and_in_a_child(project):
    shown = snapagent(project, "show", "tillstore.pricing.quote", "--load", "--json")
    plain = snapagent(project, "show", "tillstore.pricing.quote", "--json")

    assert json.loads(shown.stdout)["values"]["rows"] == "[]"
    assert "values" not in json.loads(plain.stdout)
    (project / "tillstore" / "pricing.py").write_text("print('noise')\nraise SystemExit(9)\n")
    failed = snapagent(project, "show", "tillstore.pricing:Service.predict", "--load")
    assert failed.returncode == 1
    assert "Traceback" not in failed.stderr


def test_a_new_test_passes_as_it_is_and_fails_when_the_function_changes(project):
    written = snapagent(project, "new-test", "tillstore.pricing.quote", "-o", "tests/test_quote.py")
    assert written.returncode == 0

    def pytest_run() -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "pytest", "-q", "tests"]
        return subprocess.run(command, cwd=project, capture_output=True, text=True, check=False, env=environment)

    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(project), *filter(None, sys.path)])}
    passed = pytest_run()
    assert "7 passed" in passed.stdout, passed.stdout

    change(project, '"total": sum(rows)', '"total": -1')
    assert "result.total" in pytest_run().stdout


def test_a_new_test_is_printed_or_written_and_never_overwrites(project):
    printed = snapagent(project, "new-test", "tillstore.pricing.quote").stdout
    (project / "test_mine.py").write_text("mine")

    assert snapagent(project, "new-test", "tillstore.pricing.quote", "-o", "test_mine.py").returncode == 1
    assert (project / "test_mine.py").read_text() == "mine"
    assert snapagent(project, "new-test", "tillstore.pricing.quote", "-o", "test_mine.py", "--force").returncode == 0
    assert (project / "test_mine.py").read_text() == printed


def test_a_new_test_has_patch_lines_for_what_reaches_out_and_stand_ins_for_placeholders(project):
    charge = snapagent(project, "new-test", "tillstore.pricing.charge").stdout
    predict = snapagent(project, "new-test", "tillstore.pricing.Service.predict").stdout

    assert 'side_effects.patch("tillstore.pricing:rate")' in charge
    assert 'side_effects.patch("tillstore.gateway:fetch")' in charge
    assert "random.random" in charge
    assert '"self.model": TextIOWrapper()' in predict
    assert "def scale(self" in predict
    for source in (charge, predict):
        compile(source, "generated", "exec")


def test_git_shows_the_old_and_the_new_value_of_a_promoted_bundle(project):
    def git(*words):
        identity = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
        done = subprocess.run(["git", *identity, *words], cwd=project, capture_output=True, text=True, check=True)
        return done.stdout

    git("init", "--quiet")
    promote = ("promote", "tillstore.pricing.quote", "--to", "tests/captures")
    assert "git config diff.snapagent.textconv" in snapagent(project, *promote).stderr
    git("config", "diff.snapagent.textconv", f"{sys.executable} -m snapagent show")
    (project / ".gitattributes").write_text("*.pkl diff=snapagent\n")
    assert "textconv" not in snapagent(project, *promote).stderr
    git("add", "--force", ".gitattributes", "tests/captures")
    git("commit", "--quiet", "--message", "bundles")

    one, other = sorted((project / "tests" / "captures" / "tillstore.pricing.quote").glob("*.pkl"))[:2]
    one.write_bytes(other.read_bytes())
    shown = git("diff", "--", str(one))

    assert "Binary files" not in shown
    assert str(one) not in shown and " ago" not in shown
    assert [line for line in shown.splitlines() if line.startswith("-") and line.endswith(".total: 2.0")]
    assert [line for line in shown.splitlines() if line.startswith("+") and line.endswith(".total: 3.0")]


def test_promoted_bundles_are_listed_by_digest_and_load_under_the_strictest_owner(project):
    done = snapagent(project, "promote", "tillstore.pricing.quote", "--to", "tests/captures", "--json")

    folder = project / "tests" / "captures" / "tillstore.pricing.quote"
    listed = json.loads((folder / "manifest.json").read_text())["digests"]
    assert done.returncode == 0
    assert sorted(listed) == sorted(path.name for path in folder.glob("*.pkl"))
    assert len(listed) == 7
    assert snapagent(project, "verify", "--captures-dir", "tests/captures").returncode == 0
    again = snapagent(project, "promote", "tillstore.pricing.quote", "--to", "tests/captures")
    assert again.returncode == 0
    assert len(list(folder.glob("*.pkl"))) == 7


def test_without_another_folder_the_chosen_bundles_are_listed_where_they_are(project):
    folder = project / "captures" / "tillstore.pricing.quote"
    first, second, *_ = sorted(path.name for path in folder.glob("*.pkl"))

    for name in (first, second):
        assert snapagent(project, "promote", "tillstore.pricing.quote", name).returncode == 0

    assert sorted(json.loads((folder / "manifest.json").read_text())["digests"]) == [first, second]
    assert snapagent(project, "verify").returncode == 0


@pytest.mark.parametrize("to", [[], ["--to", "tests/captures"]])
def test_promoting_is_how_an_unsigned_bundle_comes_to_be_trusted_with_a_key(project, monkeypatch, to):
    """As the error says that refuses to load it."""
    monkeypatch.setenv("SNAPAGENT_KEY", "a key of today")
    assert "snapagent promote" in snapagent(project, "verify").stdout

    assert snapagent(project, "promote", "tillstore.pricing.quote", *to).returncode == 0

    folder = to[-1] if to else "captures"
    problems = json.loads(snapagent(project, "verify", "--json", "--captures-dir", folder).stdout)["problems"]
    assert not [one for one in problems if "tillstore.pricing.quote" in one["path"]]


def test_a_bundle_that_todays_rules_would_change_is_not_listed_where_it_is(project):
    config = (project / "snapagent.yaml").read_text()
    (project / "snapagent.yaml").write_text(config.replace("{keep: .inf}", "{keep: .inf, redact: [currency]}"))

    done = snapagent(project, "promote", "tillstore.pricing.quote")

    assert done.returncode == 1
    assert "currency" in done.stderr and "--to DIR" in done.stderr
    assert not (project / "captures" / "tillstore.pricing.quote" / "manifest.json").exists()


def test_todays_redaction_rules_are_applied_to_what_is_promoted(project):
    config = (project / "snapagent.yaml").read_text()
    (project / "snapagent.yaml").write_text(config.replace("{keep: .inf}", "{keep: .inf, redact: [currency]}"))

    done = snapagent(project, "promote", "tillstore.pricing.quote", "--to", "tests/captures", "--json")

    promoted = json.loads(done.stdout)["promoted"]
    assert all("currency" in one["redacted"] for one in promoted if "currency" in str(one))
    shown = snapagent(project, "export", "--json", "--captures-dir", "tests/captures").stdout
    assert "USD" not in shown
    assert b"USD" not in b"".join(path.read_bytes() for path in (project / "tests").rglob("*.pkl"))
    assert b"USD" in b"".join(path.read_bytes() for path in (project / "captures").rglob("*.pkl"))


def test_a_hash_chooses_one_bundle_after_its_target_or_alone(project):
    rows = json.loads(snapagent(project, "list", "tillstore.pricing.quote", "--json").stdout)
    digits = rows[0]["hash"].removeprefix("h1:")[:10]

    for number, words in enumerate((["tillstore.pricing.quote", digits], [digits])):
        done = snapagent(project, "promote", *words, "--to", f"chosen{number}", "--json")
        assert [one["source"] for one in json.loads(done.stdout)["promoted"]] == [rows[0]["name"]]

    assert snapagent(project, "promote", "ffffffffff", "--to", "chosen").returncode == 2
    assert snapagent(project, "promote", "tillstore.pricing.qoute", "--to", "chosen").returncode == 2
    assert not (project / "chosen").exists()


def test_an_altered_bundle_is_not_promoted(project):
    path = next((project / "captures" / "tillstore.pricing.quote").glob("*.pkl"))
    data = bytearray(path.read_bytes())
    data[-2] ^= 1
    path.write_bytes(data)

    done = snapagent(project, "promote", "tillstore.pricing.quote", path.stem, "--to", "tests/captures")

    assert done.returncode == 1
    assert path.name in done.stderr
    assert not list(project.joinpath("tests").rglob("*.pkl"))


def test_a_dry_run_of_promote_writes_nothing(project):
    assert snapagent(project, "promote", "tillstore.**:**", "--to", "tests/captures", "--dry-run").returncode == 0
    assert not (project / "tests").exists()
