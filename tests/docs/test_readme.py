"""The README is true: its quick start works on a program that is not ours, and its links lead somewhere."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROGRAM = {
    "shop/__init__.py": "",
    "shop/pricing.py": "def quote(articles, country='DE'):\n    return {'net': sum(articles), 'country': country}\n",
    "app.py": "from shop.pricing import quote\n\nprint(quote([850, 20]), quote([5900], country='AT'))\n",
}


def blocks(language: str) -> list[str]:
    text = (ROOT / "README.md").read_text("utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def test_the_quick_start_has_six_lines_and_works_on_a_program_that_does_not_know_snapagent(tmp_path: Path) -> None:
    for name, text in PROGRAM.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    plain = {name: value for name, value in os.environ.items() if not name.startswith(("SNAP", "SIDE_", "PYTEST_"))}
    environment = plain | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{plain['PATH']}"}
    lines = [line.removeprefix("$ ") for line in blocks("console")[0].splitlines()]

    for line in lines:
        done = subprocess.run(
            ["bash", "-c", line], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120
        )
        assert done.returncode == 0, f"$ {line}\n{done.stdout}{done.stderr}"

    assert len(lines) == 6
    assert "2 passed" in done.stdout
    assert (tmp_path / "tests" / "test_quote.py").read_text().endswith(blocks("python")[0])


def test_the_quick_start_stands_before_all_else() -> None:
    text = (ROOT / "README.md").read_text("utf-8")

    assert re.findall(r"^#+ (.*)$", text, re.MULTILINE)[:2] == ["snapagent", "Quick start"]
    assert text.index("pip install") < text.index("## Quick start")


@pytest.mark.parametrize("name", ["README.md", "sitecustomize_example/README.md"])
def test_each_link_to_a_file_leads_to_one(name: str) -> None:
    page = ROOT / name
    links = [link for link in re.findall(r"\]\(([^)#]+)", page.read_text("utf-8")) if "://" not in link]

    assert [link for link in links if not (page.parent / link).is_file()] == []


def test_the_readme_leads_to_every_page() -> None:
    links = set(re.findall(r"\]\((docs/[^)#]+)", (ROOT / "README.md").read_text("utf-8")))

    assert links == {str(page.relative_to(ROOT)) for page in (ROOT / "docs").rglob("*.md")} - {"docs/index.md"}


def test_every_make_target_that_the_readme_names_is_there() -> None:
    named = set(re.findall(r"(?:^|`)make ([a-z-]+)", (ROOT / "README.md").read_text("utf-8"), re.MULTILINE))
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))

    assert {"demo", "test", "docs"} <= named <= targets
