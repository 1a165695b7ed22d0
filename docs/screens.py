"""Makes the pictures of `docs/screens.md`: the real commands, on a small store that is the same each time.

Run `python docs/screens.py` after a change of what is printed. Needs the `view` extra.
"""

from __future__ import annotations

import asyncio
import io
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import chdir, redirect_stderr, redirect_stdout, suppress
from pathlib import Path
from types import FunctionType

from rich.console import Console
from rich.text import Text

from snapagent.cli import main as cli
from snapagent.cli.viewer.model import Model
from snapagent.cli.viewer.screen import Viewer
from snapagent.paths import parse_path
from snapagent.sealing import RawCall, SealRules, seal
from snapagent.serializer.freezing import FreezeRules, freeze_call, freeze_outcome
from snapagent.settings import DEFAULT_SETTINGS
from snapagent.signature import Parameters
from snapagent.store import Counts, Store
from snapagent.targets import Target

FOLDER = Path(__file__).parent / "screens"
WIDTHS = (80, 200)
MORNING = 1_740_908_048.123456  # 2025-03-02, so long ago that `list` shows the date
COMMANDS = {
    "list": ["list"],
    "bundles": ["list", "shop.pricing.quote"],
    "show": ["show", "shop.pricing.quote"],
    "diff": ["diff", "shop.pricing.quote"],
}
VIEW_HEIGHTS = {80: 24, 200: 40}
VIEW_KEYS = {"view": ["down", "enter"], "view-diff": ["down", "enter", "space", "down", "space"]}


class UnknownCoupon(Exception):
    """Stands for an exception of the program."""


UnknownCoupon.__module__ = "shop.errors"


def quote(rows, currency="EUR", coupon=None, api_token=None, catalog=None):  # type: ignore[no-untyped-def]
    """Stands for a function of the program: only its signature counts."""


def find_product(sku):  # type: ignore[no-untyped-def]
    """Another one."""


def place(self, rows, payment):  # type: ignore[no-untyped-def]
    """A method."""


def demo_store(base_path: str) -> Store:
    """A store of three functions, with names and times that are the same on each machine."""
    store = Store(base_path)
    writer = Writer(store)
    tea, cup = {"sku": "tea-100", "amount": 2, "price": 4.5}, {"sku": "cup-1", "amount": 1, "price": 12.0}
    for sku in ("tea-100", "cup-1"):
        writer.add("shop.storage:find_product", find_product, {"sku": sku}, {"sku": sku, "stock": 12})
    token = {"api_token": "tk-2f91", "catalog": {"tea-100": 4.5, "cup-1": 12.0}}
    quoted = {"net": 21.0, "vat": 3.99, "total": 24.99, "shipping": None}
    writer.add("shop.pricing:quote", quote, {"rows": [tea, cup], **token}, quoted)
    writer.add("shop.pricing:quote", quote, {"rows": [tea], "coupon": "SPRING", **token}, UnknownCoupon("SPRING"))
    discounted = {"net": 29.7, "vat": 5.64, "total": 35.34, "shipping": 3.9}
    more = {**cup, "amount": 2}
    writer.add("shop.pricing:quote", quote, {"rows": [tea, more], "coupon": "WELCOME", **token}, discounted)
    writer.add("shop.orders:OrderService.place", place, {"self": None, "rows": [tea], "payment": "card"}, 1042)
    for target, captured, skipped in (
        ("shop.storage:find_product", 2, {}),
        ("shop.pricing:quote", 3, {"not_sampled": 123}),
        ("shop.orders:OrderService.place", 1, {"recursive": 2}),
    ):
        counts = Counts(captured + sum(skipped.values()), captured, skipped)
        store.update(target, counts, DEFAULT_SETTINGS.replace(keep=float("inf")), last=True)
    store.pin(store.entries("shop.pricing:quote")[0])
    return store


class Writer:
    """Puts calls away, one second after another."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._count = 0

    def add(self, target: str, function: FunctionType, arguments: dict[str, object], outcome: object) -> None:
        self._count += 1
        raised = isinstance(outcome, BaseException)
        parameters = Parameters.of(function)
        rules = FreezeRules(exclude=(parse_path("catalog"),))
        call = freeze_call(None, (), arguments, parameters, rules)
        ended = freeze_outcome(outcome, raised, rules)
        when = MORNING + self._count
        raw = RawCall(
            Target.parse(target), "function", "plain", parameters, call.data, ended.data, raised, when,
            0.0004 * self._count, call_notes=call.notes, outcome_notes=ended.notes,
            exception="shop.errors.UnknownCoupon" if raised else None,
        )  # fmt: skip
        header, payload = seal(raw, SealRules(b"a key of the documentation"))
        header = header.replace(python="3.11.7", implementation="CPython", platform="linux")
        self._store.publish(target, header, payload, when=when, token="a41f9c", counter=self._count)


class Terminal(io.StringIO):
    """Takes what is printed, as a terminal does."""

    def isatty(self) -> bool:
        return True


def printed(words: list[str], width: int) -> str:
    """What a command prints on a terminal of this width, stdout and stderr as they come."""
    os.environ.update(COLUMNS=str(width), LINES="50", TERM="xterm-256color")
    terminal = Terminal()
    with redirect_stdout(terminal), redirect_stderr(terminal), suppress(SystemExit):
        cli(words)
    return terminal.getvalue()


def picture(name: str, width: int) -> str:
    """The SVG of a command."""
    words = COMMANDS[name]
    console = Console(record=True, width=width, file=io.StringIO(), force_terminal=True, color_system="truecolor")
    console.print(Text("$ ", "dim") + Text(" ".join(["snapagent", *words]), "bold"))
    console.print(Text.from_ansi(printed(words, width)), soft_wrap=True)
    return console.export_svg(title=" ".join(["snapagent", *words]), unique_id=f"{name}-{width}")


async def viewed(store: Store, keys: list[str], width: int) -> str:
    """The SVG of the viewer after some keys."""
    viewer = Viewer(Model(store))
    async with viewer.run_test(size=(width, VIEW_HEIGHTS[width])) as pilot:
        for key in ["", *keys]:
            if key:
                await pilot.press(key)
            await viewer.workers.wait_for_complete()
            await pilot.pause(0.1)
        return viewer.export_screenshot(title="snapagent view")


def pictures() -> Iterator[tuple[str, str]]:
    """Name and text of each SVG."""
    for name in ("COLORTERM", "NO_COLOR", "SNAPAGENT_CONFIG", "SNAPAGENT_CAPTURE_DIR"):
        os.environ.pop(name, None)
    os.environ["TZ"] = "UTC"
    time.tzset()
    with tempfile.TemporaryDirectory() as folder, chdir(folder):
        store = demo_store(os.path.abspath("captures"))
        for width in WIDTHS:
            for name in COMMANDS:
                yield f"{name}-{width}.svg", picture(name, width)
            for name, keys in VIEW_KEYS.items():
                yield f"{name}-{width}.svg", asyncio.run(viewed(store, keys, width))


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    for name, text in pictures():
        lines = (line.rstrip() for line in text.splitlines())
        (FOLDER / name).write_text("\n".join(lines) + "\n", "utf-8")


if __name__ == "__main__":
    main()
