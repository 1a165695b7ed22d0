"""The pictures and texts of the documentation show what the commands print."""

from __future__ import annotations

import html
import os
import re
import shutil
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from snapagent.cli.group import COMMAND_FILES

pytest.importorskip("textual", reason="the pictures are made where the viewer's extra is installed")

DOCS = Path(__file__).parents[2] / "docs"


def words(svg: str) -> list[str]:
    """The texts of a picture. How it is drawn is up to the versions of rich and textual."""
    return re.sub(r"[\s\xa0]+", " ", html.unescape(" ".join(re.findall(r"<text[^>]*>([^<]*)</text>", svg)))).split()


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page and its pictures, made by the code of today."""
    folder = tmp_path_factory.mktemp("screens")
    shutil.copy(DOCS / "screens.md", folder)
    code = (
        "import screens, sys, pathlib; here = pathlib.Path(sys.argv[1]);"
        "screens.PAGE, screens.FOLDER = here / 'screens.md', here / 'screens'; screens.main()"
    )
    plain = {name: value for name, value in os.environ.items() if not name.startswith(("SNAP", "SIDE_"))}
    subprocess.run([sys.executable, "-c", code, str(folder)], cwd=DOCS, env=plain, check=True, timeout=120)
    return folder


def test_the_pictures_are_those_of_the_code(made: Path) -> None:
    today = {path.name: words(path.read_text("utf-8")) for path in (made / "screens").iterdir()}
    kept = {path.name: words(path.read_text("utf-8")) for path in (DOCS / "screens").glob("*.svg")}

    assert today == kept, "run: python docs/screens.py"
    assert "shop.pricing:quote" in kept["list-80.svg"]


@pytest.mark.skipif(version("click").startswith("8.1."), reason="click 8.1 words some messages differently")
def test_the_texts_on_the_page_are_those_of_the_code(made: Path) -> None:
    kept = (DOCS / "screens.md").read_text("utf-8")

    assert (made / "screens.md").read_text("utf-8").split() == kept.split(), "run: python docs/screens.py"
    assert "nothing is captured under /srv/shop/captures" in kept


def test_every_command_is_on_the_page() -> None:
    headings = re.findall(r"^## snapagent (.*)$", (DOCS / "screens.md").read_text("utf-8"), re.MULTILINE)

    assert sorted(name for heading in headings for name in heading.split(", ")) == sorted(COMMAND_FILES)


def test_each_picture_is_on_the_page_and_each_on_the_page_is_there() -> None:
    shown = re.findall(r"\]\((screens/[^)]*)\)", (DOCS / "screens.md").read_text("utf-8"))

    assert set(shown) == {f"screens/{path.name}" for path in (DOCS / "screens").glob("*.svg")}
