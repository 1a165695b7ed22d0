"""Every command on a bad day: no store, hostile names, torn files, links, modes. Words and a code follow, no loss."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from privilege import modes_count

from snapagent.cli.group import COMMAND_FILES

TARGET = "shop.pricing.quote"
COMMANDS = [
    ["list"],
    ["list", "--json"],
    ["list", TARGET],
    ["list", TARGET, "--json"],
    ["list", TARGET, "--sort", "size", "--newer", "1d"],
    ["list", "**:**"],
    ["show", TARGET],
    ["show", TARGET, "--json"],
    ["show", TARGET, "ab"],
    ["diff", TARGET],
    ["status"],
    ["status", "--json"],
    ["why", TARGET],
    ["why", TARGET, "--json"],
    ["stats"],
    ["stats", "--json"],
    ["export", "--json"],
    ["verify"],
    ["verify", TARGET, "--json"],
    ["clear", "--dry-run"],
    ["clear", "--yes"],
    ["prune", "--defaults"],
    ["pin", TARGET],
    ["unpin", TARGET],
    ["facsimile", TARGET],
    ["new-test", TARGET],
    ["replay", TARGET],
    ["promote", TARGET, "--to", "elsewhere"],
    ["report", "-o", "report.html"],
    ["report"],
    ["check"],
    ["init", "--dry-run"],
    ["pause"],
    ["resume"],
    ["push", "file://HERE/objects", "--unsigned"],
    ["push", "file://HERE/objects", "--json"],
    ["pull", "file://HERE/captures", "--to", "elsewhere", "--trust", "any"],
    ["pull", "file://HERE/captures", "--to", "elsewhere", "--json"],
    ["list", "file://HERE/captures"],
    ["show", "file://HERE/captures", TARGET],
]
HOSTILE = [
    "\x1b]0;owned\x07",
    "a" * 5000,
    "../../../etc/passwd",
    "\u202eevil",
    "name with spaces",
    "[bold]x[/bold]",
    "[/]",
    "%s%n",
    "{0}{name}",
    "\udcff\udcfe",
]
CHANGING = {"clear", "prune", "pin", "unpin", "promote", "pause", "resume", "init"}


def nothing(shop):
    """No folder at all."""


def empty(shop):
    shop.base_path.mkdir()


def a_file(shop):
    shop.base_path.write_text("not a folder")


def hostile(shop):
    for name in HOSTILE:
        shop.add(f"shop.evil:{name}", rows=name, result="\ud800", exception=f"x.{name}")
    for planted in ("planted \x1b[31m", "two\nlines", "[red]markup[/red]", "-n", "x" * 255):
        os.makedirs(shop.base_path / planted)
    os.makedirs(os.fsencode(shop.base_path) + b"/not \xff\xfe utf-8")
    os.makedirs(os.fsencode(shop.base_path / "shop.pricing.quote") + b"/not \xff utf-8\n.pkl")
    os.makedirs(shop.base_path / "shop.pricing.quote" / "20261122T093408.123456Z-a41f9c-1-3fa9c1d2.pkl")
    os.symlink("/etc", shop.base_path / "link")
    os.mkfifo(shop.base_path / "fifo")


def torn(shop):
    for rows in ("[1]", "[2]"):
        entry = shop.add(rows=rows)
        shop.base_path.joinpath("shop.pricing.quote", entry.name).write_bytes(b"snapagent-bundle 1 torn")
    shop.base_path.joinpath("shop.pricing.quote", "index.json").write_text('{"newest":"../../x.pkl","version":1}')


def of_a_newer_format(shop):
    entry = shop.add()
    path = shop.base_path / "shop.pricing.quote" / entry.name
    path.write_bytes(path.read_bytes().replace(b"snapagent-bundle 1 ", b"snapagent-bundle 9 ", 1))


def with_links_for_bundles(shop):
    entry = shop.add()
    path = shop.base_path / "shop.pricing.quote" / entry.name
    path.unlink()
    path.symlink_to("/etc/passwd")


def with_an_odd_header(shop):
    """Fields of other types than a header of ours has, in a file whose digest is right."""
    tree = {"rows": "no node", "result": {"type": 3, "text": ["x"], "children": "no list", "more": "many"}}
    shop.add(tree=tree)
    shop.add(rows="[2]", tree={"rows": {"children": [{"step": 1}, None, "x"]}, "result": None})


def with_a_broken_index(text: str | None):
    """An index that holds this; None: a folder in its place."""

    def make(shop):
        for rows in ("[1]", "[2]"):
            shop.add(rows=rows)
        index = shop.base_path / "shop.pricing.quote" / "index.json"
        index.unlink()
        if text is None:
            index.mkdir()
        else:
            index.write_text(text)

    make.__name__ = f"index {text}"
    return make


def many(shop):
    """More than an index lists, and than one screen shows."""
    first = shop.add()
    for number in range(500):
        name = first.name.replace(f"-{first.token}-1-", f"-{first.token}-{number + 2}-")
        os.link(first.path, Path(first.path).with_name(name))


def read_only(shop):
    for rows in ("[1]", "[2]"):
        shop.add(rows=rows)
    shop.count(calls=2, captured=2)
    return lambda: set_modes(shop.base_path, 0o500, 0o400)


def with_a_folder_that_may_not_be_read(shop):
    for target in ("shop.pricing:quote", "till:count"):
        shop.add(target)
    return lambda: (shop.base_path / "shop.pricing.quote").chmod(0)


def with_files_that_may_not_be_read(shop):
    for rows in ("[1]", "[2]"):
        shop.add(rows=rows)
    return lambda: set_modes(shop.base_path, 0o700, 0)


def that_may_not_be_read(shop):
    shop.add()
    return lambda: shop.base_path.chmod(0)


def set_modes(base_path: Path, folders: int, files: int) -> None:
    """From the inside out."""
    for folder, _, names in os.walk(base_path, topdown=False):
        for name in names:
            path = os.path.join(folder, name)
            if not os.path.islink(path):
                os.chmod(path, files)
        os.chmod(folder, folders)


STORES = [
    nothing, empty, a_file, hostile, torn, of_a_newer_format, with_links_for_bundles, with_an_odd_header, many,
    read_only, with_a_folder_that_may_not_be_read, with_files_that_may_not_be_read, that_may_not_be_read,
    *(with_a_broken_index(text) for text in ("", "garbage", "[]", '{"version":1,"target":5,"calls":"x"}', None)),
]  # fmt: skip


@contextmanager
def closed(shop, store) -> Iterator[None]:
    """A store with its modes, which count for root too; afterwards everything may be read and removed again."""
    close = store(shop)
    if close is None:
        yield
        return
    close()
    try:
        with modes_count():
            yield
    finally:
        shop.base_path.chmod(0o700)
        for folder in shop.base_path.iterdir():
            if folder.is_dir():
                folder.chmod(0o700)
        set_modes(shop.base_path, 0o700, 0o600)


def bundles_of(base_path: Path) -> dict[str, bytes]:
    """Everything under `base_path` that is called like a bundle."""
    return {str(path): path.read_bytes() for path in base_path.rglob("*-*.pkl") if path.is_file()}


@pytest.mark.parametrize("store", STORES, ids=lambda make: make.__name__)
@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_a_command_ends_with_words_and_a_code_and_loses_nothing(shop, run, store, command):
    before: dict[str, bytes] = {}

    def remembered(shop):
        close = store(shop)
        before.update(bundles_of(shop.base_path))
        return close

    with closed(shop, remembered):
        result = run(*(word.replace("HERE", os.getcwd()) for word in command), catch_exceptions=True)
    after = bundles_of(shop.base_path)

    assert result.exception is None or isinstance(result.exception, SystemExit), repr(result.exception)
    assert result.exit_code in (0, 1, 2)
    assert result.exit_code == 0 or result.output or result.stderr
    assert not set("\x1b\x07\u202e\x9b") & set(result.output + result.stderr)
    assert command[0] in CHANGING or after == before
    if "--json" in command and result.exit_code == 0:
        json.loads(result.stdout)


def test_no_command_is_left_out_of_this():
    apart = {"run", "enable", "disable", "keygen", "completion", "view"}

    assert {command[0] for command in COMMANDS} | apart == set(COMMAND_FILES)


READING = [
    ["list"],
    ["list", TARGET],
    ["show", TARGET],
    ["diff", TARGET],
    ["status"],
    ["stats"],
    ["verify"],
    ["export"],
]


@pytest.mark.parametrize("command", READING, ids=" ".join)
def test_a_store_that_may_not_be_read_is_told_in_one_message_with_what_to_do(shop, run, command):
    with closed(shop, that_may_not_be_read):
        result = run(*command)

    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr.count("snapagent: ") == 1
    assert "run this as its owner" in result.stderr


def test_a_function_that_may_not_be_read_hides_no_other_one(shop, run):
    with closed(shop, with_a_folder_that_may_not_be_read):
        listed, globbed, exported = run("list"), run("list", "till:*"), run("export")
        status = run("status")

    for result in (listed, globbed):
        assert result.exit_code == 1
        assert "till:count" in result.stdout
        assert "captures/shop.pricing.quote" in result.stderr
    assert [item.get("problem", "") == "" for item in json.loads(exported.stdout)] == [False, True]
    assert "may not read captures/shop.pricing.quote" in status.stdout


WRITING = [["clear", "--yes"], ["prune", "--defaults"], ["pin", TARGET], ["pause"]]


@pytest.mark.parametrize("command", WRITING, ids=" ".join)
def test_a_read_only_store_is_told_in_words_and_keeps_everything(shop, run, command):
    with closed(shop, read_only):
        result = run(*command)
    names = sorted(path.name for path in shop.base_path.rglob("*-*.pkl*"))

    assert result.exit_code == 1
    assert "cannot be written; check its owner and mode" in result.stderr
    assert [name.rpartition(".")[2] for name in names] == ["pkl", "pkl"]


@pytest.mark.parametrize("text", ["", "garbage", '{"version":1,"target":5,"calls":"x"}', None])
def test_a_broken_index_costs_counts_and_no_bundle(shop, run, text):
    with_a_broken_index(text)(shop)

    (row,) = json.loads(run("list", "--json").stdout)
    assert row["target"] == "shop.pricing:quote"
    assert row["bundles"] == 2
    assert run("pin", TARGET).exit_code == 0
    assert (shop.base_path / "shop.pricing.quote" / "index.json").is_file()
    assert run("show", TARGET).exit_code == 0
