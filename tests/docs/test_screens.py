"""The pictures of the documentation show what the commands print."""

from __future__ import annotations

import html
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("textual", reason="the pictures are made where the viewer's extra is installed")

DOCS = Path(__file__).parents[2] / "docs"


def words(svg: str) -> list[str]:
    """The texts of a picture. How it is drawn is up to the versions of rich and textual."""
    return re.sub(r"[\s\xa0]+", " ", html.unescape(" ".join(re.findall(r"<text[^>]*>([^<]*)</text>", svg)))).split()


def test_the_pictures_are_those_of_the_code(tmp_path: Path) -> None:
    code = "import screens, sys, pathlib; screens.FOLDER = pathlib.Path(sys.argv[1]); screens.main()"
    plain = {name: value for name, value in os.environ.items() if not name.startswith(("SNAP", "SIDE_"))}
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], cwd=DOCS, env=plain, check=True, timeout=120)

    made = {path.name: words(path.read_text("utf-8")) for path in tmp_path.iterdir()}
    kept = {path.name: words(path.read_text("utf-8")) for path in (DOCS / "screens").glob("*.svg")}
    assert made == kept, "run: python docs/screens.py"
    assert "shop.pricing:quote" in kept["list-80.svg"]


def test_each_picture_on_the_page_is_there() -> None:
    shown = re.findall(r"\]\((screens/[^)]*)\)", (DOCS / "screens.md").read_text("utf-8"))

    assert len(shown) >= 8
    assert all((DOCS / name).exists() for name in shown)
