"""`snapagent replay` sets the application up as the captured program was."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

CONFIG = 'version: 1\nsync: true\nbudget: 100%\ndefaults: {{keep: .inf}}\ntargets: ["{0}.**:**"]\n'


def write(project: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = project / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def run(project: Path, *command: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """A process whose temporary folder is elsewhere."""
    (project / "temporary").mkdir(exist_ok=True)
    temporary = {"TMPDIR": str(project / "temporary"), "PYTHONDONTWRITEBYTECODE": "1"}
    variables = {**os.environ, **temporary, **environ}
    return subprocess.run(
        [sys.executable, *command], cwd=project, env=variables, capture_output=True, text=True, timeout=60, check=False
    )


def capture(project: Path, package: str, driver: str) -> None:
    write(project, {"snapagent.yaml": CONFIG.format(package), "drive.py": driver})
    done = run(project, "-m", "snapagent", "run", "--on", "--", sys.executable, "drive.py")
    assert done.returncode == 0, done.stderr


def replayed(project: Path, *options: str, **environ: str) -> list[dict[str, Any]]:
    done = run(project, "-m", "snapagent", "replay", "-j", "1", "--json", *options, **environ)
    assert done.stdout, done.stderr
    results: list[dict[str, Any]] = json.loads(done.stdout)["results"]
    return results


def kinds(results: list[dict[str, Any]]) -> set[str]:
    return {result["kind"] for result in results}


READY = {
    "till/__init__.py": "",
    "till/state.py": "rate = None\n",
    "till/boot.py": """
        import os
        from till import state

        def prepare():
            with open("prepared.txt", "a") as file:
                file.write("once\\n")
            state.rate = 3
    """.replace("\n        ", "\n"),
    "till/prices.py": """
from till import state

def price(n):
    if state.rate is None:
        raise RuntimeError("not set up")
    return n * state.rate
""",
}


@pytest.fixture
def till(tmp_path: Path) -> Path:
    write(tmp_path, READY)
    driver = "import till.boot, till.prices\ntill.boot.prepare()\nfor n in range(3): till.prices.price(n)\n"
    capture(tmp_path, "till.prices", driver)
    (tmp_path / "snapagent.yaml").write_text('version: 1\ntargets: ["till.prices:*"]\n')
    (tmp_path / "prepared.txt").unlink()
    return tmp_path


def test_without_a_setup_the_call_meets_a_program_that_is_not_ready(till: Path) -> None:
    assert kinds(replayed(till)) == {"broken"}


def test_the_setup_of_the_yaml_runs_once_in_each_process_before_the_calls(till: Path) -> None:
    with (till / "snapagent.yaml").open("a") as file:
        file.write("setup: till.boot:prepare\n")

    assert kinds(replayed(till)) == {"equal"}
    assert (till / "prepared.txt").read_text() == "once\n"


def test_the_option_takes_the_place_of_the_yamls_setup(till: Path) -> None:
    with (till / "snapagent.yaml").open("a") as file:
        file.write("setup: till.boot:gone\n")

    assert kinds(replayed(till, "--setup", "till.boot:prepare")) == {"equal"}


def test_a_setup_that_fails_is_the_reason_of_each_bundle_and_says_what_to_mend(till: Path) -> None:
    results = replayed(till, "--setup", "till.boot:gone")

    assert kinds(results) == {"not replayable"}
    assert "the set-up 'till.boot:gone' raised AttributeError" in results[0]["reason"]
    assert "--setup" in results[0]["reason"]


def test_the_module_of_the_facsimiles_is_imported_when_the_application_is_set_up(till: Path) -> None:
    write(till, {"stand_ins.py": "from till import state\nassert state.rate\nFACSIMILES = {}\n"})

    results = replayed(till, "--setup", "till.boot:prepare", "--facsimiles", "stand_ins:FACSIMILES")

    assert kinds(results) == {"equal"}


def test_a_setup_that_cannot_be_meant_is_wrong_usage(till: Path) -> None:
    done = run(till, "-m", "snapagent", "replay", "--setup", "prepare")

    assert done.returncode == 2
    assert "--setup expects module:callable or the word django, not 'prepare'" in " ".join(done.stderr.split())


def outcome_of_pytest(project: Path, *options: str) -> str:
    """What pytest says of the files in `tests`."""
    return run(project, "-m", "pytest", "-q", "-p", "no:cacheprovider", *options, "tests").stdout


def test_new_test_tries_with_the_set_up_and_says_where_pytest_takes_it_from(till: Path) -> None:
    words = ("-m", "snapagent", "new-test", "till.prices.price", "-o", "tests/", "--force")
    without = run(till, *words)
    done = run(till, *words, "--setup", "till.boot:prepare")

    assert without.returncode == 1 and "not set up" in without.stderr
    assert done.returncode == 0 and "all pass" in done.stderr
    assert "add `setup: till.boot:prepare` to it" in done.stderr
    with (till / "snapagent.yaml").open("a") as file:
        file.write("setup: till.boot:prepare\n")
    assert "3 passed" in outcome_of_pytest(till)
    assert "add `setup:" not in run(till, *words, "--setup", "till.boot:prepare").stderr


@pytest.mark.parametrize("by", ["option", "yaml"])
def test_inline_tests_prepare_the_program_themselves(till: Path, by: str) -> None:
    option = ["--setup", "till.boot:prepare"] if by == "option" else []
    if by == "yaml":
        with (till / "snapagent.yaml").open("a") as file:
            file.write("setup: till.boot:prepare\n")

    done = run(till, "-m", "snapagent", "new-test", "till.prices.price", "--inline", "-o", "tests/", *option)

    assert done.returncode == 0, done.stderr
    assert "3 tests of 3 bundles, all pass" in done.stderr
    (till / "snapagent.yaml").unlink()
    assert "3 passed" in outcome_of_pytest(till, "-p", "no:snapagent")


def test_the_config_that_the_option_names_holds_for_the_replaying_processes(till: Path) -> None:
    write(till, {"other.yaml": "version: 1\nsetup: till.boot:prepare\n"})

    assert kinds(replayed(till, "--config", "other.yaml")) == {"equal"}


CIRCLE = {
    "ring/__init__.py": "",
    "ring/models.py": "from ring.web import VERSION\n\nclass Line:\n    size = VERSION\n\ndef size(n):\n    return n\n",
    "ring/web.py": "VERSION = 2\n\nimport ring.models\n\nLine = ring.models.Line\n",
}


def test_an_import_circle_that_works_in_the_programs_order_only_is_entered_in_that_order(tmp_path: Path) -> None:
    write(tmp_path, CIRCLE)
    assert "circular import" in run(tmp_path, "-c", "import ring.models").stderr
    capture(tmp_path, "ring", "import ring.web\nring.web.ring.models.size(3)\n")

    assert kinds(replayed(tmp_path)) == {"equal"}


def test_the_folder_of_the_captured_package_is_found_from_elsewhere(tmp_path: Path) -> None:
    write(tmp_path, {"backend/deep/__init__.py": "", "backend/deep/prices.py": "def price(n):\n    return n\n"})
    driver = "import sys\nsys.path.insert(0, 'backend')\nimport deep.prices\ndeep.prices.price(3)\n"
    capture(tmp_path, "deep", driver)

    assert kinds(replayed(tmp_path)) == {"equal"}


DJANGO = {
    "django/__init__.py": """
import os

def setup():
    from django.apps import apps
    if not os.environ.get("DJANGO_SETTINGS_MODULE"):
        raise RuntimeError("settings are not configured")
    apps.ready = True
    apps.name = os.environ["DJANGO_SETTINGS_MODULE"]
    apps.times = getattr(apps, "times", 0) + 1
""",
    "django/apps.py": "class Apps:\n    ready = False\n\napps = Apps()\n",
    "site1/__init__.py": "",
    "site1/models.py": """
from django.apps import apps

class AppRegistryNotReady(Exception):
    pass

if not apps.ready:
    raise AppRegistryNotReady("Apps aren't loaded yet.")

def name(n):
    return [apps.name, apps.times, n]
""",
}
DRIVE = """
import os, django
os.environ["DJANGO_SETTINGS_MODULE"] = os.environ["WANTED"]
django.setup()
import site1.models
site1.models.name(1)
site1.models.name(2)
"""


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A program that needs `django.setup()`; a small stand-in for the library, whose settings are only a name."""
    write(tmp_path, DJANGO)
    write(tmp_path, {"snapagent.yaml": CONFIG.format("site1"), "drive.py": DRIVE})
    for settings in ("proj.one", "proj.two"):
        done = run(tmp_path, "-m", "snapagent", "run", "--on", "--", sys.executable, "drive.py", WANTED=settings)
        assert done.returncode == 0, done.stderr
    return tmp_path


def test_django_is_set_up_by_itself_with_the_settings_of_each_call(site: Path) -> None:
    results = replayed(site)

    assert len(results) == 4
    assert kinds(results) == {"equal"}


def test_inline_tests_set_django_up_with_the_settings_of_the_calls(site: Path) -> None:
    done = run(site, "-m", "snapagent", "new-test", "site1.models.name", "--inline", "-o", "tests/")

    assert "2 tests of 4 bundles" in done.stderr
    assert "it needs the settings module proj.two, and other tests proj.one" in done.stderr
    assert "2 passed" in outcome_of_pytest(site, "-p", "no:snapagent")


def test_settings_in_the_environment_win(site: Path) -> None:
    results = replayed(site, DJANGO_SETTINGS_MODULE="proj.two")

    assert sorted(result["kind"] for result in results) == ["changed", "changed", "equal", "equal"]


def test_a_django_that_cannot_be_set_up_is_named_beside_the_error_that_follows(site: Path) -> None:
    text = (site / "django/__init__.py").read_text().replace("apps.ready = True", "raise KeyError('SECRET')")
    (site / "django/__init__.py").write_text(text)

    results = replayed(site)

    assert kinds(results) == {"not replayable"}
    assert "AppRegistryNotReady" in results[0]["reason"]
    assert "'django' raised KeyError: 'SECRET'" in results[0]["reason"]
    assert "capture the call again" not in results[0]["reason"]


NOTES = {
    "notes/__init__.py": "",
    "notes/store.py": """
import os
import sqlite3

PATH = os.path.abspath("notes.db")

def count(n):
    with sqlite3.connect(PATH) as db:
        return db.execute("select count(*) from notes").fetchone()[0] + n

def careful(n):
    try:
        return count(n)
    except Exception:
        return None

class Lazy:
    # Asks the database while it is loaded.

    def __setstate__(self, state):
        self.n = count(state["n"])

    def __init__(self):
        self.n = 1

def give():
    return Lazy()

def save(text):
    with open("last.txt", "w") as file:
        file.write(text)
    return text
""",
}
DRIVE_NOTES = """
import sqlite3
sqlite3.connect("notes.db").execute("create table notes (text)")
from notes.store import careful, count, give, save
count(1), count(2), careful(3), save("hello"), give()
"""


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    """A program with a database, which is gone when its calls are replayed."""
    write(tmp_path, NOTES)
    capture(tmp_path, "notes", DRIVE_NOTES)
    (tmp_path / "notes.db").rename(tmp_path / "moved.db")
    (tmp_path / "last.txt").unlink()
    return tmp_path


def test_a_call_that_asks_for_a_database_is_told_from_a_regression_and_makes_none(notes: Path) -> None:
    results = replayed(notes, "notes.store:count", "notes.store:careful", "notes.store:give")

    assert kinds(results) == {"not replayable"}
    assert all(f"asked for the database '{notes / 'notes.db'}'" in result["reason"] for result in results)
    assert not (notes / "notes.db").exists()


def test_a_call_that_writes_a_file_is_refused_that(notes: Path) -> None:
    (result,) = replayed(notes, "notes.store:save")

    assert result["reason"] == "asked for writing 'last.txt'; --allow-io allows it"
    assert not (notes / "last.txt").exists()


def test_with_allow_io_calls_use_what_is_there(notes: Path) -> None:
    (notes / "moved.db").rename(notes / "notes.db")

    assert kinds(replayed(notes, "--allow-io")) == {"equal"}
    assert (notes / "last.txt").read_text() == "hello"


def test_one_cause_of_many_bundles_is_said_once(notes: Path) -> None:
    done = run(notes, "-m", "snapagent", "replay", "-j", "1", COLUMNS="200")

    assert done.stdout.count("asked for the database") == 1
    assert "notes.store:careful, notes.store:count, notes.store:give  5 bundles" in done.stdout
    assert "6 of 7 bundles not equal" in " ".join((done.stdout + done.stderr).split())
