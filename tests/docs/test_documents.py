"""The pages do what they say: their files and commands are run, and generated pages are those of the code."""

from __future__ import annotations

import doctest
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

import pytest

from snapagent.config.environment import REVISIONS

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
FENCE = re.compile(
    r"(?:<!-- exits (?P<code>\d) -->\n)?^```(?P<language>\w+)(?: title=\"(?P<title>[^\"]+)\")?\n(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
PAGES = sorted(path for path in DOCS.rglob("*.md") if "```console" in path.read_text("utf-8"))
# What no two runs print alike: pages show an example of it.
VARYING = {
    r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d": "TIME",
    r"\d{8}T\d{6}\.\d{6}Z-[0-9a-f]{6}": "STAMP",
    r"\bnow\b|\b\d+ s ago\b": "AGE",
    r"\b\d+(\.\d+)?(us|ms|s)\b": "DURATION",
    r"\b\d+(\.\d+)?k?B\b": "SIZE",
    r"\bredacted-[0-9a-f]{12}\b": "REDACTED",
    r"\b(cpython|snapagent) \d+\.\d+\.\w+(\.\w+)*": "VERSION",
}


class Step(NamedTuple):
    """A file to write (`title`), or commands to run with what they print."""

    language: str
    title: str
    text: str
    code: int


def steps(page: Path) -> Iterator[Step]:
    for found in FENCE.finditer(page.read_text("utf-8")):
        if found["title"] or found["language"] == "console":
            yield Step(found["language"], found["title"] or "", found["text"], int(found["code"] or 0))


def commands(text: str) -> Iterator[tuple[str, str]]:
    """Each `$ command` with the output that the page shows for it."""
    for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
        command, _, output = part.partition("\n")
        yield command, output


def settled(text: str) -> str:
    for pattern, word in VARYING.items():
        text = re.sub(pattern, word, text)
    return text


def environment() -> dict[str, str]:
    plain = {name: value for name, value in os.environ.items() if not name.startswith(("SNAP", "SIDE_", "PYTEST_"))}
    for name in ("CI", *REVISIONS):
        plain.pop(name, None)
    path = f"{Path(sys.executable).parent}{os.pathsep}{plain['PATH']}"
    return plain | {"PATH": path, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": ".", "COLUMNS": "100"}


@pytest.mark.parametrize("page", PAGES, ids=[str(page.relative_to(DOCS)) for page in PAGES])
def test_a_page_can_be_followed_from_top_to_bottom(page: Path, tmp_path: Path) -> None:
    for step in steps(page):
        if step.title:
            file = tmp_path / step.title
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(step.text)
            continue
        for command, shown in commands(step.text):
            done = subprocess.run(
                ["bash", "-c", command], cwd=tmp_path, env=environment(), capture_output=True, text=True, timeout=120
            )
            printed = done.stdout + ("" if done.returncode == step.code else done.stderr)
            assert done.returncode == step.code, f"$ {command}\n{printed}"
            flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
            assert doctest.OutputChecker().check_output(settled(shown), settled(printed), flags), (
                f"$ {command}\n{printed}"
            )


def test_every_console_page_is_followed() -> None:
    assert len(PAGES) >= 8


@pytest.mark.skipif(version("click").startswith("8.1."), reason="click 8.1 words some options differently")
@pytest.mark.parametrize("name", ["reference/config.md", "reference/command-line.md", "reference/errors.md"])
def test_generated_pages_are_those_of_the_code(name: str) -> None:
    printed = subprocess.run(
        [sys.executable, "-c", f"import generate; print(generate.PAGES[{name!r}](), end='')"],
        cwd=DOCS, env=environment(), capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    assert (DOCS / name).read_text("utf-8") == printed, "run: python docs/generate.py"
