"""`snapagent view`, driven as a person would: by its keys."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Awaitable, Callable

import pytest

pytest.importorskip("textual", reason="the viewer is an extra: pip install 'snapagent[view]'")

from textual.pilot import Pilot
from textual.widgets import DataTable, Tree

from snapagent.cli.viewer.model import Model
from snapagent.cli.viewer.screen import Viewer


def drive(shop, steps: Callable[[Viewer, Pilot], Awaitable[None]], size: tuple[int, int] = (120, 40)) -> Viewer:
    viewer = Viewer(Model(shop.store))

    async def run() -> None:
        async with viewer.run_test(size=size) as pilot:
            await pilot.pause()
            await steps(viewer, pilot)

    asyncio.run(run())
    return viewer


def names(viewer: Viewer, table: str) -> list[str]:
    return [str(key.value) for key in viewer.query_one(table, DataTable).rows]


def leaves(viewer: Viewer) -> str:
    def below(node):
        yield str(node.label)
        for child in node.children:
            yield from below(child)

    return "\n".join(below(viewer.query_one("#detail", Tree).root))


def test_functions_bundles_and_the_tree_of_the_newest_are_shown_at_once(shop):
    old, new = shop.add(rows="[1]"), shop.add(rows="[2]")
    shop.add("till:count")

    async def steps(viewer, pilot):
        assert names(viewer, "#functions") == ["shop.pricing:quote", "till:count"]
        assert names(viewer, "#bundles") == [new.name, old.name]
        assert "rows: list [2]" in leaves(viewer)
        await pilot.press("down")
        await pilot.pause()
        assert len(names(viewer, "#bundles")) == 1

    drive(shop, steps)


def test_typing_filters_functions_and_bundles(shop):
    shop.add(rows="[1]")
    wanted = shop.add(rows="[77]")
    shop.add("till:count")

    async def steps(viewer, pilot):
        await pilot.press("slash", *"QUOTE", "enter")
        await pilot.pause()
        assert names(viewer, "#functions") == ["shop.pricing:quote"]
        await pilot.press("tab", "slash", *"77", "enter")
        await pilot.pause()
        assert names(viewer, "#bundles") == [wanted.name]

    drive(shop, steps)


def test_two_marked_bundles_are_compared(shop):
    shop.add(rows="[1]")
    shop.add(rows="[2]")

    async def steps(viewer, pilot):
        viewer.query_one("#bundles").focus()
        await pilot.press("space", "down", "d")
        await pilot.pause()
        assert "- list [1]" in leaves(viewer)
        assert "+ list [2]" in leaves(viewer)

    drive(shop, steps)


def test_pinning_is_one_key_and_deleting_asks_first(shop):
    old, new = shop.add(rows="[1]"), shop.add(rows="[2]")

    async def steps(viewer, pilot):
        viewer.query_one("#bundles").focus()
        await pilot.press("p")
        await pilot.pause()
        assert shop.store.is_pinned(new)
        await pilot.press("x", "n")
        await pilot.pause()
        assert names(viewer, "#bundles") == [new.name, old.name]
        await pilot.press("x", "y")
        await pilot.pause()
        assert names(viewer, "#bundles") == [old.name]

    drive(shop, steps)
    assert shop.store.entries("shop.pricing:quote") == [old]


@pytest.mark.parametrize("size", [(40, 12), (80, 24), (200, 60)])
def test_any_size_and_hostile_names_are_fine(shop, size):
    shop.add("shop.evil:[bold]x[/bold]\x1b[31m", rows="[red]\x1b[2J", exception="x.[link=file:///]")

    async def steps(viewer, pilot):
        await pilot.press("r", "tab", "space", "d")
        await pilot.resize_terminal(60, 20)
        await pilot.pause()
        assert "\x1b" not in leaves(viewer)

    drive(shop, steps, size)


def test_an_empty_store_says_so_and_every_key_is_harmless(shop):
    async def steps(viewer, pilot):
        assert "nothing is captured here" in leaves(viewer)
        await pilot.press("space", "d", "p", "x", "r", "slash", "escape")
        await pilot.pause()

    drive(shop, steps)


def test_what_a_running_program_adds_or_removes_is_seen_after_a_reload(shop):
    first = shop.add(rows="[1]")

    async def steps(viewer, pilot):
        second = shop.add(rows="[2]")
        shop.store.delete(first)
        await pilot.press("r")
        await pilot.pause()
        assert names(viewer, "#bundles") == [second.name]

    drive(shop, steps)


def test_in_a_pipe_the_command_says_what_to_use_instead(shop):
    done = subprocess.run([sys.executable, "-m", "snapagent", "view"], capture_output=True, text=True, check=False)

    assert done.returncode == 1
    assert "snapagent list" in done.stderr
