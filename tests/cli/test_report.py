"""`report` and `replay --html`: one page in one file, safe with hostile values, bounded, readable at each width."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest
from browser import CHROMIUM, Browser

from snapagent.bundle import Note
from snapagent.cli.page.replay import replay_page
from snapagent.cli.workers.pool import Result, Task
from snapagent.dependencies.tape import Summary

from .conftest import node

SCRIPT = "<script>alert(1)</script>"
BIDI = "\u202egnp.exe\u2066\x1b[31m\x00\ud800"
ONE_WORD = "x" * 5_000
browsers = pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")


class Seen(HTMLParser):
    """The elements and the text of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [value or "" for name, value in attrs if name in ("src", "href", "srcset", "action")]
        assert not [name for name, _ in attrs if name.startswith("on")]

    def handle_data(self, data: str) -> None:
        self.text += data


def fill(shop) -> None:
    """A store with something of everything, hostile values among it."""
    tree = {
        "rows": node("2 items", "list", (("[0]", node(SCRIPT, "str")), ("[1]", node(ONE_WORD, "str")))),
        "currency": node(BIDI, "str"),
        "result": node("1 item", "dict", ((f".{SCRIPT}", node("1")),), more=3),
    }
    notes = (Note(f"rows[{SCRIPT}]", "redacted", SCRIPT, f"because {BIDI}", ONE_WORD),)
    for number in range(8):
        shop.add(rows=f"[{number}]", shape="(rows: list[int], currency: str)")
    shop.add(rows=SCRIPT, result=BIDI, exception=f"shop.{SCRIPT}", tree=tree, notes=notes, shape=f"({SCRIPT}: int)")
    shop.add(f"shop.{SCRIPT}:{BIDI[:8]}", rows=ONE_WORD, result=ONE_WORD)
    shop.count(calls=100, captured=9, skipped={"quota_met": 80, SCRIPT: 4}, failed={"disk_full": 7})
    effects = Summary(
        3,
        dependencies={"requests": (2, 1), SCRIPT: (1, 0)},
        previews=({"dependency": "requests", "role": "write", "shape": f"POST https://{SCRIPT}", "result": ONE_WORD},),
    ).as_dict()
    entry = shop.add("shop.orders:place", rows="[1]")
    bundle = shop.store.read(entry)
    origin = {"host": SCRIPT, "revision": "3f2a91c"}
    header = bundle.header.replace(effects=effects, origin=origin)
    shop.store.publish("shop.orders:place", header, bundle.payload, when=entry.when + 1)
    shop.count("shop.orders:place", calls=2, captured=2)
    shop.count("shop.orders:never", calls=5, skipped={"not_sampled": 5})


def results(shop) -> list[Result]:
    """Results of each kind, for bundles of the store."""
    (entry, *_) = shop.store.entries("shop.pricing:quote")
    task = Task("shop.pricing:quote", entry.name, "h1:" + "0" * 32, "returned", str(shop.base_path))
    differences = (
        {"path": f"result[{SCRIPT!r}]", "kind": "changed", "expected": ONE_WORD, "got": BIDI},
        {"path": "result.total", "kind": "added", "expected": "", "got": "3"},
    )
    other = task.replace(target=f"shop.{SCRIPT}:gone", name="gone.pkl")
    return [
        Result(task, "equal", seconds=0.001),
        Result(task, "changed", seconds=0.001, differences=differences),
        Result(task, "broken", expected="3", got=f"ValueError({SCRIPT})", seconds=0.2, notes=("a `note`",)),
        Result(other, "not replayable", f"`{SCRIPT}` is missing\nin {ONE_WORD}"),
    ]


def causes(found: list[Result]) -> list[list[Result]]:
    return [[result] for result in found if result.kind != "equal"]


def test_the_report_has_functions_outcomes_shapes_values_effects_and_reasons(shop, run, tmp_path: Path) -> None:
    fill(shop)

    result = run("report", "-o", "report.html")

    text = Seen((tmp_path / "report.html").read_text("utf-8")).text
    assert result.exit_code == 0
    assert "wrote 4 functions to report.html" in result.stderr
    for shown in (
        "shop.pricing:quote",
        "shop.orders:never",
        "returned 8",
        "(rows: list[int], currency: str)",
        "quote(rows=[7], currency='EUR')",
        "quota_met",
        "the quota of captures is met",
        "the disk is full",
        "requests",
        "3 calls of 2 dependencies, 1 write",
        "revision 3f2a91c",
        "redacted: because",
        "The newest 5 of 9 bundles are shown.",
    ):
        assert shown in text


def test_nothing_in_a_page_is_more_than_text(shop, run, tmp_path: Path) -> None:
    fill(shop)
    run("report", "-o", "report.html")
    found = results(shop)

    pages = [(tmp_path / "report.html").read_text("utf-8"), replay_page(shop.store, found, causes(found), SCRIPT, BIDI)]

    for page in pages:
        seen = Seen(page)
        assert "script" not in seen.tags
        assert SCRIPT in seen.text
        assert all(link.startswith(("#f", "data:,")) for link in seen.links)
        assert not re.search("[\u202a-\u202e\u2066-\u2069\x00\x1b\ud800-\udfff]", page)
        assert "\\u202egnp.exe" in seen.text
        assert max(map(len, re.findall(r"\S+", seen.text))) < 1_000  # cut
        assert "http" not in page.replace("https://&lt;script", "").replace("http-equiv", "")


def test_the_page_of_a_replay_has_verdicts_differences_reasons_and_calls(shop) -> None:
    fill(shop)
    found = results(shop)

    text = Seen(replay_page(shop.store, found, causes(found), "captures", "today")).text

    assert "3 of 4 bundles not equal" in text
    for shown in ("equal 1", "changed 1", "broken 1", "not replayable 1", "result.total", "is missing", "a note"):
        assert shown in text
    assert "quote(rows=[0], currency='EUR')" in text


def test_many_causes_and_differences_are_cut_and_counted(shop) -> None:
    fill(shop)
    (_, changed, *_) = results(shop)
    many = [changed.replace(differences=changed.differences * 500) for _ in range(1_000)]

    page = replay_page(shop.store, many, causes(many), "captures", "today")

    assert len(page) < 3_000_000
    assert "900 bundles with 900 further causes are not shown." in page
    assert "The first 40 of 1,000 differences are shown." in page


def test_a_large_store_makes_a_page_of_bounded_size_that_says_what_it_leaves_out(shop, run, tmp_path: Path) -> None:
    """Bundles are hard links to one, as many as a quick test can make: few headers are read."""
    children = tuple((f"[{number}]", node("'" + "y" * 190 + "'", "str")) for number in range(20))
    deep = {"rows": node("20 items", "list", tuple((f"[{n}]", node("20 items", "list", children)) for n in range(20)))}
    entry = shop.add(rows="[1]", tree=deep)
    folder = Path(entry.path).parent
    for number in range(5_500):
        os.link(entry.path, folder / f"20261122T{number // 3600 % 24:02d}{number // 60 % 60:02d}{number % 60:02d}"
                f".000000Z-bbbbbb-{number}-{entry.short_hash}.pkl")  # fmt: skip
    for number in range(310):
        shop.add(f"shop.many:f{number}", rows="[1]", tree=deep)

    assert run("report", "-o", "report.html").exit_code == 0

    page = (tmp_path / "report.html").read_text("utf-8")
    assert len(page) < 12_000_000
    assert "The first 300 of 311 functions are shown with their bundles." in page
    assert run("report", "shop.pricing.quote", "-o", "one.html").exit_code == 0
    one = (tmp_path / "one.html").read_text("utf-8")
    assert len(one) < 200_000
    assert "The newest 5 of 5,501 bundles are shown." in one


def test_a_torn_bundle_is_named_and_the_others_are_shown(shop, run, tmp_path: Path) -> None:
    torn, _ = shop.add(rows="[1]"), shop.add(rows="[2]")
    Path(torn.path).write_bytes(b"snapagent-bundle 1 nonsense\n")

    assert run("report", "-o", "report.html").exit_code == 0

    text = Seen((tmp_path / "report.html").read_text("utf-8")).text
    assert f"unreadable{torn.name}" in text
    assert "quote(rows=[2], currency='EUR')" in text


def test_the_report_of_nothing_says_how_to_begin(shop, run, tmp_path: Path) -> None:
    assert run("report", "-o", "report.html").exit_code == 0
    assert "Nothing is captured yet. Next: snapagent run" in Seen((tmp_path / "report.html").read_text("utf-8")).text


def test_a_file_that_exists_stays_without_force(shop, run, tmp_path: Path) -> None:
    shop.add()
    page = tmp_path / "report.html"
    page.write_text("mine")

    for command in (["report", "-o", "report.html"], ["replay", "--html", "report.html"]):
        result = run(*command)
        assert result.exit_code == 1
        assert "already exists and was not changed; --force overwrites it" in result.stderr
        assert page.read_text() == "mine"
    assert run("report", "-o", "report.html", "--force").exit_code == 0
    assert page.read_text("utf-8").startswith("<!doctype html>")


def test_without_a_file_the_page_goes_to_stdout(shop, run) -> None:
    shop.add()

    assert run("report").stdout.startswith("<!doctype html>")


def test_a_function_that_is_not_there_is_an_error_and_writes_nothing(shop, run, tmp_path: Path) -> None:
    shop.add()

    assert run("report", "shop.nothing", "-o", "report.html").exit_code == 2
    assert not (tmp_path / "report.html").exists()


def test_replay_writes_a_page_beside_what_it_prints(shop, run, tmp_path: Path) -> None:
    shop.add()

    result = run("replay", "--html", "replay.html", "-j", "1")

    assert result.exit_code == 1  # there is no module shop
    assert "shop.pricing:quote" in Seen((tmp_path / "replay.html").read_text("utf-8")).text


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    started = Browser()
    yield started
    started.close()


@browsers
def test_a_page_fits_each_width_in_light_and_dark_and_asks_for_nothing(shop, run, tmp_path: Path, browser) -> None:
    fill(shop)
    run("report", "-o", "report.html")
    found = results(shop)
    (tmp_path / "replay.html").write_text(replay_page(shop.store, found, causes(found), "captures", "today"), "utf-8")
    backgrounds = {}
    for name in ("report.html", "replay.html"):
        for width in (360, 870, 1200):
            for scheme in ("light", "dark"):
                page = browser.open(tmp_path / name, width, scheme)
                for opened in ("false", "true"):
                    page.value(f"document.querySelectorAll('details').forEach(one => one.open = {opened})")
                    assert page.beyond_the_edge == []
                assert page.faint_texts == []
                assert page.value("document.querySelectorAll('script').length") == 0
                assert page.requests == []
                assert page.complaints == []
                backgrounds[scheme] = page.value("getComputedStyle(document.body).backgroundColor")

    assert backgrounds == {"light": "rgb(255, 255, 255)", "dark": "rgb(20, 23, 27)"}
