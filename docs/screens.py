"""Makes what `docs/screens.md` shows: every command, on the captures of a small shop that are the same each time.

Run `python docs/screens.py` after a change of what is printed. Needs the `view` extra. Pictures go into
`docs/screens/`, texts into the page, below a line `<!-- screen: NAME -->`.
"""

from __future__ import annotations

import asyncio
import io
import os
import re
import secrets
import shutil
import sys
import tempfile
import textwrap
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, chdir, contextmanager, redirect_stderr, redirect_stdout, suppress
from pathlib import Path
from unittest import mock

import sample
from rich.console import Console
from rich.text import Text

from snapagent.cli import main as cli
from snapagent.cli.viewer.model import Model
from snapagent.cli.viewer.screen import Viewer
from snapagent.store import Store

HERE = Path(__file__).parent
FOLDER = HERE / "screens"
PAGE = HERE / "screens.md"
WIDTHS = (80, 200)
QUOTE, PLACE = "shop.pricing.quote", "shop.orders.OrderService.place"
OBJECTS = "file://{here}/objects"  # a folder as an object store

PICTURES: dict[str, str] = {  # name of the picture -> command
    "check": "check",
    "check-wrong": "check wrong.yaml",
    "check-near": "check near.yaml",
    "list": "list",
    "bundles": f"list {QUOTE}",
    "show": f"show {QUOTE} 90eb",
    "diff": f"diff {QUOTE}",
    "status": "status",
    "why": f"why {PLACE}",
    "stats": "stats",
    "replay": f"replay {QUOTE}",
    "replay-changed": f"replay {QUOTE}",
    "verify-torn": "verify --captures-dir torn",
}
TEXTS: dict[str, Sequence[str]] = {  # name of the block on the page -> commands, in the order in which they can be run
    "begin": ["list", "status"],
    "init": ["init"],
    "init-file": ["init --dry-run"],
    "enable": ["enable", "disable"],
    "export": ["export -o bundles.json"],
    "report": ["report -o report.html"],
    "verify": ["verify"],
    "facsimile": [f"facsimile {PLACE}"],
    "new-test": [f"new-test {PLACE}"],
    "promote": [f"promote {QUOTE} --to tests/captures"],
    "pause": ["pause", "resume"],
    "pin": [f"pin {QUOTE} 7b51", f"unpin {QUOTE} 7b51"],
    "prune": ["prune --dry-run --config lean.yaml"],
    "keygen": ["keygen", "keygen -o shop.key"],
    "completion": ["completion bash"],
    "clear-dry": ["clear --dry-run"],
    "clear": ["clear shop.storage.find_product"],
    "unknown": ["show shop.price.quote", "shwo", "diff"],
    "push": [f"push {OBJECTS} --unsigned"],
    "pull": [f"pull {OBJECTS} --to pulled", f"pull {OBJECTS} shop.pricing.* --to pulled --trust any"],
    "list-url": [f"list {OBJECTS}", f"list {OBJECTS} {QUOTE}"],
}
VIEW_HEIGHTS = {80: 24, 200: 40}
VIEW_KEYS = {"view": ["down", "enter"], "view-diff": ["down", "enter", "space", "down", "space"]}


class Terminal(io.StringIO):
    """Takes what is printed, as a terminal does."""

    def isatty(self) -> bool:
        return True


def printed(command: str, width: int, answer: str = "") -> str:
    """What a command prints on a terminal of this width, stdout and stderr as they come; `answer` is typed in."""
    os.environ.update(COLUMNS=str(width), LINES="50", TERM="xterm-256color")
    terminal, keyboard = Terminal(), Terminal(answer)
    with ExitStack() as stack:
        stack.enter_context(redirect_stdout(terminal))
        stack.enter_context(redirect_stderr(terminal))
        stack.enter_context(mock.patch.object(sys, "stdin", keyboard))
        stack.enter_context(suppress(SystemExit))
        cli(command.split())
    text = terminal.getvalue().replace("? [y/N] ", f"? [y/N] {answer}")
    return settled(_timeless(text) if command.startswith("replay") else text, width)


def _timeless(text: str) -> str:
    """What a replay printed, without its progress and its times."""
    text = re.sub(r"\r.*?\x1b\[K", "", text)
    text = re.sub(r" +\d[\d.]*(ms|s)(?=\n)", "  12ms", text)
    return re.sub(r" +(\x1b\[1m)?TIME", r"  \1TIME", text)


def settled(text: str, width: int) -> str:
    """What a command printed, without what differs between runs and machines."""
    text = text.replace(os.getcwd(), sample.PLACE).replace(sys.prefix, "/srv/shop/.venv")
    text = re.sub(r"lib/python3\.\d+/", "lib/python3.11/", text)
    return re.sub(r"^snapagent: .*(\n  \S.*)*", lambda note: _filled(note[0], width), text, flags=re.MULTILINE)


def _filled(note: str, width: int) -> str:
    """A message with its lines as long as they are where the folder has the name that is shown."""
    words = re.sub(r"\n +", " ", note)
    return textwrap.fill(words, width, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False)


def picture(name: str, command: str, text: str, width: int) -> str:
    """The SVG of a command."""
    console = Console(record=True, width=width, file=io.StringIO(), force_terminal=True, color_system="truecolor")
    console.print(Text("$ ", "dim") + Text(f"snapagent {command}", "bold"))
    console.print(Text.from_ansi(text), soft_wrap=True)
    return console.export_svg(title=f"snapagent {command}", unique_id=f"{name}-{width}")


async def viewed(keys: list[str], width: int) -> str:
    """The SVG of the viewer after some keys."""
    viewer = Viewer(Model(Store(os.path.abspath("captures"))))
    async with viewer.run_test(size=(width, VIEW_HEIGHTS[width])) as pilot:
        for key in ["", *keys]:
            if key:
                await pilot.press(key)
            await viewer.workers.wait_for_complete()
            await pilot.pause(0.1)
        return viewer.export_screenshot(title="snapagent view")


def pictures() -> Iterator[tuple[str, str]]:
    """Name and text of each SVG; where the width makes no difference there is one only."""
    for name, command in PICTURES.items():
        with _SURROUNDINGS.get(name, _nothing)():
            first, *others = (printed(command, width) for width in ((80,) if "replay" in name else WIDTHS))
        yield f"{name}-80.svg", picture(name, command, first, 80)
        for other in others:
            if other != first:
                yield f"{name}-200.svg", picture(name, command, other, 200)
    for width in WIDTHS:
        for name, keys in VIEW_KEYS.items():
            yield f"{name}-{width}.svg", asyncio.run(viewed(keys, width))


def texts() -> Iterator[tuple[str, str]]:
    """Name and text of each block."""
    yield "run", "$ snapagent run --on -- python -m shop\n" + Path("run.txt").read_text("utf-8")
    for name, commands in TEXTS.items():
        with _SURROUNDINGS.get(name, _nothing)():
            shown = [
                f"$ snapagent {command.format(here=sample.PLACE)}\n{_plain(name, command.format(here=os.getcwd()))}"
                for command in commands
            ]
        yield name, "\n".join(shown)


def _plain(name: str, command: str) -> str:
    text = re.sub(r"\x1b\[[0-9;]*m", "", printed(command, 80, "y\n" if name == "clear" else ""))
    if name == "completion":  # the script is click's
        text = text.partition("\n")[0] + "\n...\n" + text[text.rindex("snapagent: printed") :]
    return text


@contextmanager
def _nothing() -> Iterator[None]:
    yield


@contextmanager
def _fresh_project() -> Iterator[None]:
    """The shop before anything was done."""
    with tempfile.TemporaryDirectory() as aside:
        for name in ("captures", "snapagent.yaml"):
            shutil.move(name, aside)
        yield
        Path("snapagent.yaml").unlink(missing_ok=True)
        for name in ("captures", "snapagent.yaml"):
            shutil.move(f"{aside}/{name}", name)


@contextmanager
def _own_site() -> Iterator[None]:
    """Not the site-packages of whoever makes the pictures."""
    site = f"{sys.prefix}/lib/python3.11/site-packages/snapagent-capture.pth"
    with (
        mock.patch("snapagent.cli.commands.switch.write_pth", lambda: site),
        mock.patch("snapagent.cli.commands.switch.remove_pth", lambda: site),
    ):
        yield


@contextmanager
def _known_key() -> Iterator[None]:
    with mock.patch.object(secrets, "token_hex", lambda size: "5eed" * (size // 2)):
        yield


_SURROUNDINGS: Mapping[str, Callable[[], object]] = {
    "status": sample.running,
    "replay-changed": sample.other_tax,
    "verify-torn": sample.torn,
    "begin": _fresh_project,
    "init": _fresh_project,
    "init-file": _fresh_project,
    "enable": _own_site,
    "keygen": _known_key,
}


@contextmanager
def in_the_shop() -> Iterator[None]:
    """The working directory is the sample shop, the clock's zone UTC, and the environment says nothing of ours."""
    for name in ("COLORTERM", "NO_COLOR", "SNAPAGENT_CONFIG", "SNAPAGENT_CAPTURE_DIR", "SNAPAGENT_CAPTURE_ENABLED"):
        os.environ.pop(name, None)
    os.environ["TZ"] = "UTC"
    os.environ["PYTHONDONTWRITEBYTECODE"] = "1"  # the shop's files change within a second
    time.tzset()
    with tempfile.TemporaryDirectory() as parent, chdir(sample.folder_in(Path(parent))):
        yield


def filled(page: str, blocks: Mapping[str, str]) -> str:
    """The page with the texts of today in its blocks."""

    def block(found: re.Match[str]) -> str:
        return f"{found[1]}```\n{blocks[found[2]].rstrip()}\n```\n"

    return re.sub(r"^(<!-- screen: ([\w-]+) -->\n)```\n.*?^```\n", block, page, flags=re.MULTILINE | re.DOTALL)


def main() -> None:
    with in_the_shop():
        made = {name: "\n".join(line.rstrip() for line in text.splitlines()) + "\n" for name, text in pictures()}
        blocks = dict(texts())
    FOLDER.mkdir(exist_ok=True)
    for old in FOLDER.glob("*.svg"):
        old.unlink()
    for name, text in made.items():
        (FOLDER / name).write_text(text, "utf-8")
    PAGE.write_text(filled(PAGE.read_text("utf-8"), blocks), "utf-8")


if __name__ == "__main__":
    main()
