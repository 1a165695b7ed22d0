"""The documentation is built without a warning, and `make docs` fails when a fence is left in a page."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("mkdocs", reason="the site is built where mkdocs is installed")
pytest.importorskip("pymdownx", reason="the site is built where pymdown-extensions is installed")

ROOT = Path(__file__).parents[2]
EXTENSION = "  - pymdownx.superfences\n"
TITLED = '```python title="shop.py"\n{}\n```\n'


def check(site: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(ROOT / "docs" / "check_site.py"), str(site)], capture_output=True, text=True
    )


def html_of(text: str) -> str:
    """A page as Python-Markdown makes it with its own fences only, which do not know titles."""
    import markdown

    return markdown.markdown(text, extensions=["fenced_code", "tables"])


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(folder)],
        cwd=ROOT, capture_output=True, text=True,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    return folder


def test_each_code_block_of_a_page_is_rendered_with_its_file_name(site: Path) -> None:
    page = (site / "tutorial.html").read_text("utf-8")

    assert '<span class="filename">tests/test_quote.py</span>' in page
    assert page.count(' highlight">') == (ROOT / "docs" / "tutorial.md").read_text("utf-8").count("```") / 2
    assert check(site).returncode == 0


@pytest.mark.parametrize(
    "text",
    [
        TITLED.format("import a\n\nimport b"),  # becomes paragraphs that begin and end with backticks
        TITLED.format("import a"),  # becomes a code span over several lines, and no backtick is left
        "~~~~ python title='shop.py'\nimport a\n~~~~\n",
        "* an item\n\n  ```python\n  import a\n\n  import b\n  ```\n",
    ],
    ids=["with an empty line", "without an empty line", "tildes", "in a list"],
)
def test_a_page_with_a_raw_fence_is_named(text: str, tmp_path: Path) -> None:
    (tmp_path / "guide").mkdir()
    (tmp_path / "guide" / "page.html").write_text(
        f"<html><body>{html_of('# A page' + chr(10) * 2 + text)}</body></html>"
    )

    done = check(tmp_path)

    assert done.returncode == 1
    assert done.stderr.startswith("guide/page.html:")
    assert "were not rendered" in done.stderr


def test_rendered_code_is_no_raw_fence(tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text(html_of("Run `make docs`.\n\n```python\na = '`'\n\nb = 1\n```\n"))

    assert (check(tmp_path).returncode, check(tmp_path).stderr) == (0, "")


def test_a_folder_without_a_page_does_not_pass(tmp_path: Path) -> None:
    assert "no page below" in check(tmp_path).stderr
    assert check(tmp_path).returncode == 1


@pytest.mark.skipif(shutil.which("make") is None, reason="needs make")
@pytest.mark.parametrize(("extension", "fine"), [(EXTENSION, True), ("  - fenced_code\n", False)])
def test_make_docs_fails_when_a_fence_is_left(extension: str, fine: bool, tmp_path: Path) -> None:
    for name in ("docs", "config"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("Makefile", "pyproject.toml", ".ci/requirements.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    settings = (ROOT / "mkdocs.yml").read_text("utf-8")
    assert EXTENSION in settings
    (tmp_path / "mkdocs.yml").write_text(settings.replace(EXTENSION, extension))
    python = tmp_path / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    python.chmod(0o755)
    (tmp_path / ".venv" / "installed-test").touch()  # newer than pyproject.toml: nothing is installed
    plain = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}

    done = subprocess.run(["make", "docs", "VENV=.venv"], cwd=tmp_path, env=plain, capture_output=True, text=True)

    assert (done.returncode == 0) is fine, done.stdout + done.stderr
    assert fine or '```python title="shop.py"' in done.stderr
