"""`run`, `enable`, `disable`: capture gets into a program, obeys the variable, and gets out again."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from snapagent.cli.launch import unreachable_because

PROGRAM = """
import os, sys
print(os.environ.get('SNAPAGENT_CAPTURE_ENABLED'), os.environ.get('SNAPAGENT_CONFIG'))
sys.exit(7)
"""


def run_process(*args: str, **options) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "snapagent", "run", *args]
    return subprocess.run(command, capture_output=True, text=True, timeout=30, check=False, **options)


def test_the_program_takes_the_place_of_the_command_and_keeps_its_exit_code(tmp_path):
    done = run_process("--", sys.executable, "-c", PROGRAM, cwd=tmp_path)

    assert done.returncode == 7
    assert done.stdout == "None None\n"
    assert done.stderr == ""


def test_on_sets_the_variable_and_config_becomes_absolute(tmp_path):
    (tmp_path / "mine.yaml").write_text("version: 1\ntargets: []\n")

    done = run_process("--on", "--config", "mine.yaml", "--", sys.executable, "-c", PROGRAM, cwd=tmp_path)

    assert done.stdout == f"1 {tmp_path / 'mine.yaml'}\n"


def test_a_command_that_changes_its_directory_is_captured_into_the_same_folder(tmp_path):
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "lib.py").write_text("def work(): return 1\n")
    (tmp_path / "snapagent.yaml").write_text("version: 1\ncapture_dir: kept\ntargets: ['lib:work']\n")
    command = f"cd sub && {sys.executable} -c 'import lib; lib.work()'"

    for options in ([], ["--config", "snapagent.yaml"]):
        done = run_process("--on", *options, "--", "sh", "-c", command, cwd=tmp_path)
        assert (done.returncode, done.stderr) == (0, "")

    assert len(list((tmp_path / "kept" / "lib.work").glob("*.pkl"))) == 2
    assert [path.name for path in (tmp_path / "sub").iterdir() if path.suffix != ".py"] in ([], ["__pycache__"])


@pytest.mark.parametrize(
    "options", [["-I"], ["-E"], ["-S"], ["-bI"], ["-W", "ignore", "-E"], ["-X", "utf8", "-Im", "lib"]]
)
def test_a_command_that_cannot_be_reached_is_told_in_one_line(tmp_path, options):
    (tmp_path / "lib.py").write_text("")
    (tmp_path / "snapagent.yaml").write_text("version: 1\ntargets: ['lib:work']\n")

    done = run_process("--on", "--", sys.executable, *options, "lib.py", cwd=tmp_path)

    told = [line for line in done.stderr.splitlines() if "nothing will be captured" in line]
    assert len(told) == 1 and "ignores" in told[0]


@pytest.mark.parametrize(
    "options", [["-c", "-I"], ["lib.py", "-I"], ["-m", "lib", "-S"], ["-Wignore", "lib.py"], ["-u"]]
)
def test_an_option_of_the_program_is_not_taken_for_one_of_the_interpreter(options):
    assert unreachable_because(["/usr/bin/python3", *options]) is None


def test_options_of_the_program_are_its_own(tmp_path):
    done = run_process(sys.executable, "-c", "import sys; print(sys.argv[1:])", "--on", "--json", cwd=tmp_path)

    assert done.stdout == "['--on', '--json']\n"


@pytest.mark.parametrize("arguments", [["--", "no-such-program"], [], ["--config", "missing.yaml", "--", "true"]])
def test_what_cannot_be_run_is_wrong_usage(tmp_path, arguments):
    done = run_process(*arguments, cwd=tmp_path)

    assert done.returncode == 2
    assert "Traceback" not in done.stderr


def test_without_a_configuration_the_next_step_is_said(tmp_path):
    done = run_process("--on", "--", sys.executable, "-c", "pass", cwd=tmp_path)

    assert done.returncode == 0
    assert "snapagent init" in done.stderr


@pytest.fixture
def environment_of_its_own(tmp_path):
    """A virtual environment without pip that sees this checkout; the path of its python."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "venv"], check=True)
    python = tmp_path / "venv" / "bin" / "python"
    query = [python, "-c", "import sysconfig; print(sysconfig.get_paths()['purelib'])"]
    site = subprocess.run(query, capture_output=True, text=True, check=True).stdout.strip()
    with open(os.path.join(site, "here.pth"), "w") as file:
        file.write("\n".join(entry for entry in sys.path if entry and os.path.isdir(entry)))
    return python, site


def test_enable_writes_one_file_and_disable_removes_it(environment_of_its_own):
    python, site = environment_of_its_own
    before = set(os.listdir(site))

    def command(*args: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([python, "-m", "snapagent", *args], capture_output=True, text=True, check=False)

    enabled = command("enable")
    assert enabled.returncode == 0
    (added,) = set(os.listdir(site)) - before
    assert added in enabled.stdout
    assert command("enable").returncode == 0

    assert command("disable").returncode == 0
    assert set(os.listdir(site)) == before
    again = command("disable")
    assert again.returncode == 0
    assert "was not enabled" in again.stderr
