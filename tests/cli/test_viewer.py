"""`snapagent view`, driven as a person would: by its keys."""

from __future__ import annotations

import asyncio
import os
import pickle
import pty
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from privilege import modes_count

pytest.importorskip("textual", reason="the viewer is an extra: pip install 'snapagent[view]'")

from textual import events
from textual.pilot import Pilot

from snapagent.bundle import Note
from snapagent.cli.viewer.columns import BUNDLE_COLUMNS, FUNCTION_COLUMNS
from snapagent.cli.viewer.dialogs import Confirm, Help
from snapagent.cli.viewer.lazy_table import cut, fitted
from snapagent.cli.viewer.model import Model
from snapagent.cli.viewer.screen import Viewer

from .conftest import node

Steps = Callable[[Viewer, "Person"], Awaitable[None]]


class Person:
    """Presses keys, and looks when everything that they started has ended."""

    def __init__(self, viewer: Viewer, pilot: Pilot[None]) -> None:
        self._viewer = viewer
        self._pilot = pilot

    async def press(self, *keys: str) -> None:
        for key in keys:
            await self._pilot.press(key)
            await self.wait()

    async def wait(self) -> None:
        await self._viewer.workers.wait_for_complete()
        for _ in range(3):  # what a message starts is waited for too
            await self._pilot.pause()

    async def resize(self, width: int, height: int) -> None:
        await self._pilot.resize_terminal(width, height)
        await self._pilot.pause()


def drive(shop, steps: Steps, size: tuple[int, int] = (120, 40)) -> None:
    async def run() -> None:
        viewer = Viewer(Model(shop.store))
        async with viewer.run_test(size=size) as pilot:
            person = Person(viewer, pilot)
            await person.wait()
            await steps(viewer, person)

    asyncio.run(run())


def functions(viewer: Viewer) -> list[str]:
    return [folder.target for folder in viewer.functions.table.keys]


def bundles(viewer: Viewer) -> list[str]:
    return [entry.name for entry in viewer.bundles.table.keys]


def tree(viewer: Viewer) -> str:
    def below(place, lead=""):
        for child in place.children:
            yield f"{lead}{child.label}"
            yield from below(child, lead + "  ")

    return "\n".join(below(viewer.detail.root))


def screen(viewer: Viewer) -> list[str]:
    """The text that stands on the screen, line by line."""
    return ["".join(segment.text for segment in strip) for strip in viewer.screen._compositor.render_strips()]


def test_functions_with_counts_bundles_and_the_tree_of_the_newest_are_there_at_once(shop):
    old, new = shop.add(rows="[1]"), shop.add(rows="[2]")
    shop.count(calls=4321, captured=2)
    shop.add("till:count")

    async def steps(viewer, person):
        assert functions(viewer) == ["shop.pricing:quote", "till:count"]
        assert bundles(viewer) == [new.name, old.name]
        assert "rows: list [2]" in tree(viewer)
        shown = "\n".join(screen(viewer))
        assert "2 bundles  shop.pricing:quote" in shown
        assert "returned" in shown and "result: 3" in shown
        await person.press("down")
        assert len(bundles(viewer)) == 1
        await person.resize(200, 40)
        assert any("shop.pricing:quote" in line and "4,321" in line for line in screen(viewer))
        assert viewer.functions.size.width > 60  # of 200 columns: names are whole where there is room

    drive(shop, steps)


def test_the_tree_is_the_headers_with_what_was_left_out_in_its_place(shop):
    rows = node("1 item", "list", (("[0]", node("2 items", "dict", ((".card", node("redacted-01", "str")),), more=1)),))
    notes = (
        Note("rows[0].card", "redacted", "str", "it is named card"),
        Note("rows[9].lock", "unstorable", "Lock", "cannot be pickled"),
    )
    shop.add(tree={"currency": node("'EUR'", "str"), "rows": rows, "result": node("1")}, notes=notes)

    async def steps(viewer, person):
        lines = tree(viewer).splitlines()
        assert lines[:6] == [
            "arguments",
            "  rows: list, 1 item",
            "    [0]: dict, 2 items",
            "      .card: redacted-01  [redacted: it is named card]",
            "      ... 1 more",
            "  currency: 'EUR'",
        ]
        assert "  rows[9].lock  Lock  [unstorable: cannot be pickled]" in lines
        assert any(line.startswith("  runtime: CPython 3.11.7") for line in lines)

    drive(shop, steps)


def test_long_lines_of_the_tree_can_be_read_to_their_end(shop):
    shop.add(tree={"rows": node("'" + "x" * 150 + " the end'", "str"), "result": node("3")})

    async def steps(viewer, person):
        await person.press("tab", "tab")
        assert not any("the end" in line for line in screen(viewer))
        await person.press(*["right"] * 20)
        assert any("the end" in line for line in screen(viewer))
        await person.press(*["left"] * 20)
        assert any("rows:" in line for line in screen(viewer)[10:])

    drive(shop, steps, (80, 24))


def test_typing_filters_functions_and_bundles_and_escape_takes_it_back(shop):
    shop.add(rows="[1]")
    wanted = shop.add(rows="[77, 'qdpr']")
    shop.add("till:count")

    async def steps(viewer, person):
        await person.press("slash", *"QUOTE")
        assert functions(viewer) == ["shop.pricing:quote"]
        await person.press("enter", "tab", "slash", *"77 qDp")
        assert bundles(viewer) == [wanted.name]
        await person.press("escape")
        assert len(bundles(viewer)) == 2
        await person.press("slash", *"nothing", "enter")
        assert bundles(viewer) == []
        assert any("No bundle matches." in line for line in screen(viewer))
        await person.press("escape", "escape", "escape")
        assert functions(viewer) == ["shop.pricing:quote", "till:count"]

    drive(shop, steps)


def test_what_is_typed_ahead_of_a_slow_line_gets_into_the_filter_and_does_nothing_else(shop):
    entry = shop.add(rows="['dp']")
    shop.add(rows="[2]")

    async def steps(viewer, person):
        await person.press("enter")
        for key in ("slash", "d", "p", "slash"):
            viewer.post_message(events.Key(key, "/" if key == "slash" else key))
        await person.wait()
        assert viewer.bundles.filter.value == "dp/"
        await person.press("backspace")
        assert bundles(viewer) == [entry.name]
        await person.press("enter")
        for key in "ddyy":
            viewer.post_message(events.Key(key, key))
        await person.wait()
        assert len(viewer.screen_stack) <= 2

    drive(shop, steps)
    assert not shop.store.is_pinned(entry)


def test_two_marked_bundles_are_compared_the_older_first_until_escape(shop):
    for number in (1, 2, 3):
        shop.add(rows=f"[{number}]")

    async def steps(viewer, person):
        await person.press("enter", "space", "down")
        assert "rows: list [2]" in tree(viewer)
        await person.press("space")
        assert tree(viewer).splitlines() == ["~ rows", "  - list [2]", "  + list [3]"]
        await person.press("down", "space")
        assert tree(viewer).splitlines() == ["~ rows", "  - list [1]", "  + list [2]"]
        await person.press("escape")
        assert "rows: list [1]" in tree(viewer)

    drive(shop, steps)


def test_bundles_of_two_functions_can_be_compared_too(shop):
    shop.add(rows="[1]")
    shop.add("shop.pricing:quote_all", rows="[1, 2]")

    async def steps(viewer, person):
        await person.press("space", "down", "space")
        assert "- list [1]" in tree(viewer)
        assert any("of two functions" in line for line in screen(viewer))

    drive(shop, steps)


def test_pinning_is_one_key_and_back_again(shop):
    shop.add(rows="[1]")
    new = shop.add(rows="[2]")

    async def steps(viewer, person):
        await person.press("p")
        assert shop.store.is_pinned(new)
        assert any(" P " in line and "[2]" in line for line in screen(viewer))
        await person.press("p")
        assert not shop.store.is_pinned(new)

    drive(shop, steps)


def test_deleting_asks_first_and_only_y_means_yes(shop):
    old, new = shop.add(rows="[1]"), shop.add(rows="[2]")

    async def steps(viewer, person):
        for key in ("n", "escape", "enter", "q"):
            await person.press("d")
            assert isinstance(viewer.screen, Confirm)
            await person.press(key)
            assert bundles(viewer) == [new.name, old.name]
        await person.press("d", "y")
        assert bundles(viewer) == [old.name]
        assert "rows: list [1]" in tree(viewer)
        assert any("1 bundle  shop.pricing:quote" in line for line in screen(viewer))

    drive(shop, steps)
    assert shop.store.entries("shop.pricing:quote") == [old]


def test_a_read_only_store_says_why_nothing_was_done(shop):
    entry = shop.add()
    folder = os.path.dirname(entry.path)
    os.chmod(folder, 0o500)

    async def steps(viewer, person):
        await person.press("p", "d", "y")
        assert len(viewer._notifications) == 2
        assert len(bundles(viewer)) == 1

    with modes_count():
        drive(shop, steps)
    os.chmod(folder, 0o700)


def test_a_folder_that_is_not_ours_to_change_says_so_and_keeps_its_bundles(shop):
    entry = shop.add()
    moved = shop.base_path / "elsewhere"

    async def steps(viewer, person):
        folder = shop.base_path / "shop.pricing.quote"
        folder.rename(moved)
        folder.symlink_to(moved)
        await person.press("p")
        assert [one.severity for one in viewer._notifications] == ["error"]

    drive(shop, steps)
    assert (moved / entry.name).exists()
    assert not (moved / f"{entry.name}.pin").exists()


@pytest.mark.parametrize("size", [(60, 20), (80, 24), (120, 40), (200, 60)])
def test_every_width_shows_the_three_lists_and_the_keys(shop, size):
    shop.add(rows="[1]")

    async def steps(viewer, person):
        shown = screen(viewer)
        assert {len(line) for line in shown} == {size[0]}
        text = "\n".join(shown)
        for word in ("1 function", "1 bundle", "shop.pricing:quote", "rows: list [1]", "Filter", "Delete", "Quit"):
            assert word in text
        for width in (60, 200, 61, 130):
            await person.resize(width, 20)
            assert {len(line) for line in screen(viewer)} == {width}

    drive(shop, steps, size)


def test_a_row_beside_a_scroll_bar_still_shows_that_it_was_cut(shop):
    for number in range(30):
        shop.add(rows=f"[{number}, '{'x' * 200}']")

    async def steps(viewer, person):
        rows = [line for line in screen(viewer) if "rows=[" in line]
        assert len(rows) > 3
        assert all("…" in line[-3:] for line in rows)

    drive(shop, steps, (60, 24))


def test_columns_always_fit_the_width():
    for columns in (FUNCTION_COLUMNS, BUNDLE_COLUMNS):
        for width in range(54, 201):
            sizes = [size for _, size in fitted(columns, width)]
            assert sum(sizes) + 2 * (len(sizes) - 1) <= width


@pytest.mark.parametrize("text", ["plain", "wide 漢字漢字", "\x1b[31m" * 9, "a" * 99, "e\u0301" * 30, ""])
@pytest.mark.parametrize("tail", [False, True])
def test_a_cell_has_exactly_its_width_whatever_is_in_it(text, tail):
    from rich.cells import cell_len

    for size in (1, 2, 7, 30):
        assert cell_len(cut(text, size, tail=tail)) == size
        assert cut(text, size, tail=tail).isprintable()


@pytest.mark.parametrize("size", [(60, 16), (80, 24), (200, 60)])
def test_hostile_names_and_values_are_text_and_nothing_else(shop, size):
    evil = "[bold]x[/bold]\x1b[31m\u202e[@click=app.quit]"
    entry = shop.add(f"shop.evil:{evil}", rows=f"{evil}[/]", result="[red]\x1b[2J", exception=f"x.{evil}")
    shop.add(f"shop.evil:{evil}", rows="[$error]", tree={evil: node(evil, evil), "result": node("[/]")})

    async def steps(viewer, person):
        await person.press("enter", "space", "down", "space", "escape", "d", "n", "slash", "[", "/", "enter")
        assert bundles(viewer) == [entry.name]
        await person.press("p")
        text = "\n".join(screen(viewer)) + tree(viewer)
        assert "[bold]" in text and "\\x1b[31m" in text
        assert not {"\x1b", "\u202e"} & set(text)

    drive(shop, steps, size)


def test_an_empty_store_says_so_and_every_key_is_harmless(shop):
    async def steps(viewer, person):
        text = "".join(line[:38] for line in screen(viewer))
        assert "Nothing is captured under" in text and "does not exist" in text
        await person.press("space", "p", "d", "r", "enter", "tab", "slash", "x", "escape", "escape", "end", "pageup")
        assert viewer.screen is viewer.screen_stack[0]
        shop.add()
        await person.press("r")
        assert functions(viewer) == ["shop.pricing:quote"]
        assert "rows: list [1, 2]" in tree(viewer)

    drive(shop, steps)


def test_a_store_that_is_no_folder_says_so(shop):
    shop.base_path.write_text("a file")

    async def steps(viewer, person):
        assert any("cannot be listed" in line for line in screen(viewer))

    drive(shop, steps, (200, 30))


def test_broken_bundles_are_shown_as_what_they_are(shop):
    good, torn, other = shop.add(rows="[1]"), shop.add(rows="[2]"), shop.add(rows="[3]")
    with open(torn.path, "wb") as file:
        file.write(b"torn")
    with open(other.path, "r+b") as file:
        file.truncate(90)

    async def steps(viewer, person):
        assert bundles(viewer) == [other.name, torn.name, good.name]
        assert sum("unreadable" in line for line in screen(viewer)) == 3  # two rows, and the heading of the first
        assert "This bundle cannot be read" in tree(viewer)
        await person.press("enter", "down", "space")
        assert "it is not a snapagent bundle" in tree(viewer)
        await person.press("down", "space")
        assert "cannot be compared: it is not a snapagent bundle" in tree(viewer)
        await person.press("escape", "up", "d", "y")
        assert bundles(viewer) == [other.name, good.name]

    drive(shop, steps)


def test_what_a_running_program_adds_or_removes_is_seen_after_a_refresh(shop):
    first, second = shop.add(rows="[1]"), shop.add(rows="[2]")

    async def steps(viewer, person):
        await person.press("enter", "down")
        third = shop.add(rows="[3]")
        shop.store.delete(second)
        await person.press("r")
        assert bundles(viewer) == [third.name, first.name]
        assert viewer.bundles.table.current == first, "the cursor stays where it was"
        shop.store.delete(first)
        await person.press("space", "p")
        shop.store.clear("shop.pricing:quote")
        await person.press("r")
        assert functions(viewer) == []

    drive(shop, steps)


def test_help_lists_all_keys_on_a_small_terminal_and_q_quits(shop):
    async def steps(viewer, person):
        await person.press("question_mark")
        assert isinstance(viewer.screen, Help)
        text = "\n".join(screen(viewer))
        for word in ("space", "enter", "tab", "esc", "delete", "pin", "refresh", "quit", "nothing is unpickled"):
            assert word in text
        await person.press("q")
        assert viewer.screen is viewer.screen_stack[0]
        await person.press("q")
        assert not viewer._running or viewer._exit

    drive(shop, steps, (80, 24))


def test_a_long_list_reads_the_headers_that_are_on_the_screen_and_no_others(shop):
    entry = shop.add(rows="[1]")
    data = Path(entry.path).read_bytes()
    for number in range(3000):
        name = f"20261118T{number // 3600:02}{number // 60 % 60:02}00.{number:06}Z-a41f9c-{number}-{number:08x}.pkl"
        Path(entry.path).with_name(name).write_bytes(data)

    async def steps(viewer, person):
        assert len(bundles(viewer)) == 3001
        assert len(viewer._model._rows) < 60
        await person.press("enter", "end", "up")
        assert viewer.bundles.table.cursor == 2999
        assert len(viewer._model._rows) < 120

    drive(shop, steps)


class Canary:
    """Leaves a file behind when it is unpickled."""

    def __reduce__(self):
        return open, ("hatched", "w")


def test_nothing_is_unpickled_and_neither_dill_nor_the_application_is_imported(shop, tmp_path):
    (tmp_path / "shop.py").write_text("open('imported', 'w')\n")
    shop.add(payload=pickle.dumps(Canary()))

    code = """
import asyncio, sys
from snapagent.cli.viewer.model import Model
from snapagent.cli.viewer.screen import Viewer
from snapagent.store.writer import Store

async def look():
    viewer = Viewer(Model(Store("captures")))
    async with viewer.run_test() as pilot:
        await viewer.workers.wait_for_complete()
        await pilot.press("space", "tab", "enter", "p", "r", "q")

asyncio.run(look())
print(sorted({"dill", "wrapt", "shop"} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert done.stdout == "[]\n", done.stderr
    assert not (tmp_path / "hatched").exists()
    assert not (tmp_path / "imported").exists()


def test_in_a_pipe_the_command_says_what_to_use_instead(shop):
    done = subprocess.run([sys.executable, "-m", "snapagent", "view"], capture_output=True, text=True, check=False)

    assert done.returncode == 2
    assert "snapagent list" in done.stderr


def test_without_the_extra_the_command_says_how_to_install_it(shop):
    code = (
        "import sys, importlib.util as util\n"
        "real = util.find_spec\n"
        "util.find_spec = lambda name, package=None: None if name == 'textual' else real(name, package)\n"
        "from snapagent.cli import main\nmain(['view'])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert done.returncode == 2
    assert "pip install 'snapagent[view]'" in done.stderr


def test_on_a_real_terminal_it_starts_and_q_gives_the_terminal_back(shop):
    shop.add(rows="[1]")
    ours, theirs = pty.openpty()
    environ = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "100", "LINES": "30"}
    process = subprocess.Popen(
        [sys.executable, "-m", "snapagent", "view"], stdin=theirs, stdout=theirs, stderr=theirs, env=environ
    )
    os.close(theirs)
    seen = b""
    ends = time.monotonic() + 30
    while b"shop.pricing:quote" not in seen and time.monotonic() < ends:
        seen += os.read(ours, 65536)
    os.write(ours, b"q")
    while process.poll() is None and time.monotonic() < ends:
        try:
            seen += os.read(ours, 65536)
        except OSError:  # the terminal has no other end any more
            break
    assert process.wait(10) == 0
    os.close(ours)
    assert b"\x1b[?1049h" in seen and seen.count(b"\x1b[?1049l") >= 1
