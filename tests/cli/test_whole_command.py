"""The command as a process: exit codes, start-up, pipes, and what reading never does."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys

import pytest

import snapagent
from snapagent.cli.group import COMMAND_FILES

TARGET = "shop.pricing.quote"
READING = [
    ["list"],
    ["list", TARGET],
    ["list", TARGET, "--sort", "size", "--outcome", "raised"],
    ["list", "--json"],
    ["show", TARGET],
    ["show", TARGET, "--json"],
    ["diff", TARGET],
    ["clear", "--dry-run"],
    ["prune", "--dry-run", "--defaults"],
    ["status"],
    ["why", TARGET],
    ["stats"],
    ["export", "--json"],
    ["report"],
    ["verify"],
    ["facsimile", TARGET],
    ["new-test", TARGET],
    ["pin", TARGET],
    ["unpin", TARGET],
    ["check"],
    ["init", "--dry-run"],
    ["pause"],
    ["resume"],
    ["keygen"],
    ["completion", "bash"],
    ["push", "file://HERE/objects", "--unsigned"],
    ["pull", "file://HERE/captures", "--to", "elsewhere", "--trust", "any"],
]
RUNNING = {"run", "enable", "disable", "replay", "promote"}  # start the program, or unpickle in a child or by intent


def snapagent_process(*args: str, **options) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "snapagent", *args]
    return subprocess.run(command, capture_output=True, text=True, timeout=30, check=False, **options)


CANARY = b"chatchery\nhatch\n(tR."  # a pickle that calls hatchery.hatch() when it is loaded


def lay(shop, tmp_path) -> None:
    """A program that leaves a file behind when it is imported, and bundles that leave one when they are unpickled."""
    (tmp_path / "hatchery.py").write_text("def hatch():\n    open('hatched', 'w').close()\n")
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "__init__.py").write_text("open('imported', 'w').close()\n")
    (tmp_path / "shop" / "pricing.py").write_text("def quote(rows, currency):\n    pass\n")
    (tmp_path / "snapagent.yaml").write_text("version: 1\ntargets: [shop.pricing:quote]\n")
    for rows in ("[1]", "[2]"):
        shop.add(rows=rows, payload=CANARY)


@pytest.mark.parametrize("arguments", READING, ids=" ".join)
def test_reading_unpickles_nothing_and_imports_no_dill_wrapt_rich_or_application(shop, tmp_path, arguments):
    lay(shop, tmp_path)
    code = (
        "import sys\nfrom snapagent.cli import main\n"
        "try:\n    main(sys.argv[1:])\nexcept SystemExit as end:\n    assert end.code in (0, 1), end.code\n"
        "print(sorted({'dill', 'wrapt', 'rich', 'shop', 'pytest', 'pickle'} & set(sys.modules)))"
    )
    words = [word.replace("HERE", str(tmp_path)) for word in arguments]
    done = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "[]"
    assert not (tmp_path / "hatched").exists()
    assert not (tmp_path / "imported").exists()


def test_python_dash_m_is_the_same_command_and_says_its_version():
    done = snapagent_process("--version")

    assert done.returncode == 0
    assert done.stdout == f"snapagent {snapagent.__version__}\n"


def test_every_command_has_help_with_an_example_or_a_word():
    for name in COMMAND_FILES:
        done = snapagent_process(name, "--help")
        assert done.returncode == 0
        assert f"snapagent {name}" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "word"),
    [(["lst"], "'list'"), (["list", "--jsno"], "--json"), (["show"], "TARGET"), ([], "init")],
)
def test_wrong_usage_exits_2_with_a_near_match(tmp_path, arguments, word):
    done = snapagent_process(*arguments, cwd=tmp_path)

    assert done.returncode == 2
    assert word in done.stderr + done.stdout


def test_every_command_that_only_reads_is_tried_for_that():
    viewer = {"view"}  # has a test of its own
    assert {command[0] for command in READING} | RUNNING | viewer == set(COMMAND_FILES)


def test_a_command_that_does_unpickle_would_be_noticed_by_that(shop, tmp_path):
    lay(shop, tmp_path)

    snapagent_process("show", TARGET, "--load")
    snapagent_process("check", "--import")

    assert (tmp_path / "hatched").exists()
    assert (tmp_path / "imported").exists()


def test_starting_a_list_imports_no_parser_of_yaml_no_lock_and_nothing_that_waits_or_asks(shop):
    shop.add()
    code = (
        "import sys\nfrom snapagent.cli import main\n"
        "try:\n    main(['list'])\nexcept SystemExit:\n    pass\n"
        "slow = {'yaml', 'filelock', 'dataclasses', 'asyncio', 'subprocess', 'importlib.metadata', 'textual'}\n"
        "print(sorted(slow & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-", "> /dev/full", "2> /dev/full"])
@pytest.mark.parametrize(
    "command", ["list", f"list {TARGET} --json", "verify", "list --help", "--help", "show nothing"]
)
def test_a_closed_or_full_stream_is_no_traceback_and_changes_no_file(shop, tmp_path, command, closed):
    entry = shop.add()
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}

    shell = f"exec {sys.executable} -m snapagent {command} {closed}"
    done = subprocess.run(["sh", "-c", shell], capture_output=True, text=True, check=False)

    is_lost = closed == "> /dev/full" and command not in ("verify", "show nothing")  # these tell on stderr
    assert done.returncode == (2 if command == "show nothing" else 1 if is_lost else 0)
    assert "Traceback" not in done.stderr
    assert "Exception" not in done.stderr
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before
    assert os.path.exists(entry.path)


def test_a_reader_that_goes_away_is_no_error(shop):
    for _ in range(300):
        shop.add(rows="x" * 400)

    listing = subprocess.Popen(
        [sys.executable, "-m", "snapagent", "list", "shop.pricing.quote"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert listing.stdout is not None and listing.stderr is not None
    listing.stdout.readline()
    listing.stdout.close()

    assert listing.wait(timeout=20) == 0
    assert listing.stderr.read() == ""


def test_ctrl_c_ends_quietly_with_130(shop):
    shop.add()
    command = [sys.executable, "-m", "snapagent", "clear"]
    master, slave = os.openpty()
    asking = subprocess.Popen(
        command,
        stdin=slave,
        stdout=slave,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # whatever the shell of the tests ignores
    )
    assert asking.stderr is not None
    assert asking.stderr.read(6) == "Remove"
    asking.send_signal(signal.SIGINT)

    assert asking.wait(timeout=20) == 130
    assert "Traceback" not in asking.stderr.read()
    os.close(master)
    os.close(slave)


def test_a_terminal_of_another_encoding_gets_escapes_and_no_traceback(shop):
    shop.add(rows="größe→", result="é")

    done = snapagent_process("show", "shop.pricing.quote", env={**os.environ, "PYTHONIOENCODING": "ascii"})

    assert done.returncode == 0
    assert "\\xf6" in done.stdout


def test_piped_output_has_no_colour_and_cuts_nothing(shop):
    shop.add(rows="x" * 500)
    environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "80", "FORCE_COLOR": "1"}

    done = snapagent_process("list", "shop.pricing.quote", env=environment)

    assert "\x1b" not in done.stdout
    assert "x" * 500 in done.stdout


def _on_a_terminal(columns: int, *args: str, **environment: str) -> str:
    import pty
    import struct
    import termios
    from fcntl import ioctl

    child, terminal = pty.fork()
    if child == 0:
        ioctl(1, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
        os.environ.update({"TERM": "xterm-256color", **environment})
        os.environ.pop("COLUMNS", None)
        os.execv(sys.executable, [sys.executable, "-m", "snapagent", *args])
    shown = b""
    while True:
        try:
            more = os.read(terminal, 65536)
        except OSError:
            break
        if not more:
            break
        shown += more
    os.waitpid(child, 0)
    os.close(terminal)
    return shown.decode()


def test_on_a_terminal_lines_are_coloured_and_fit(shop):
    shop.add(rows="x" * 500)

    shown = _on_a_terminal(80, "list", "shop.pricing.quote")

    import re

    lines = re.sub(r"\x1b\[[0-9;]*m", "", shown).splitlines()
    assert "\x1b[" in shown
    assert "…" in shown
    assert max(map(len, lines)) <= 80


def test_starting_a_program_with_capture_off_says_so_in_one_line_of_a_terminal():
    shown = _on_a_terminal(80, "run", "--", sys.executable, "-c", "print('the program')")

    said, program = shown.splitlines()
    assert "capture is off" in said and "--on" in said and "SNAPAGENT_CAPTURE_ENABLED" in said
    assert program == "the program"


def test_no_color_is_obeyed_on_a_terminal(shop):
    shop.add()

    assert "\x1b" not in _on_a_terminal(80, "list", NO_COLOR="1")


def test_capture_that_is_switched_on_does_not_touch_the_command_itself(shop, tmp_path):
    shop.add()
    (tmp_path / "snapagent.yaml").write_text("version: 1\ntargets: [shop.pricing:quote]\n")

    done = snapagent_process("list", "--json", env={**os.environ, "SNAPAGENT_CAPTURE_ENABLED": "1"})

    assert len(json.loads(done.stdout)) == 1
