"""Every command on a bad day: no store, an empty one, hostile names, torn files, links. Words and a code follow."""

from __future__ import annotations

import json
import os

import pytest

from snapagent.cli.command_line import HOMES

TARGET = "shop.pricing.quote"
COMMANDS = [
    ["list"],
    ["list", "--json"],
    ["list", TARGET],
    ["list", "**:**"],
    ["show", TARGET],
    ["show", TARGET, "--json"],
    ["diff", TARGET],
    ["status"],
    ["why", TARGET],
    ["stats"],
    ["export", "--json"],
    ["verify"],
    ["clear", "--dry-run"],
    ["clear", "--yes"],
    ["prune", "--defaults"],
    ["pin", TARGET],
    ["unpin", TARGET],
    ["facsimile", TARGET],
    ["new-test", TARGET],
    ["replay", TARGET],
    ["promote", TARGET, "--to", "elsewhere"],
    ["check"],
    ["init", "--dry-run"],
    ["pause"],
    ["resume"],
]
HOSTILE = [
    "\x1b]0;owned\x07",
    "a" * 5000,
    "../../../etc/passwd",
    "\u202eevil",
    "name with spaces",
    "[bold]x[/bold]",
    "%s%n",
]


def nothing(shop):
    """No folder at all."""


def empty(shop):
    shop.base_path.mkdir()


def a_file(shop):
    shop.base_path.write_text("not a folder")


def hostile(shop):
    for name in HOSTILE:
        shop.add(f"shop.evil:{name}", rows=name, result="\ud800", exception=f"x.{name}")
    os.makedirs(shop.base_path / "planted \x1b[31m")
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


STORES = [nothing, empty, a_file, hostile, torn, of_a_newer_format, with_links_for_bundles, with_an_odd_header]


@pytest.mark.parametrize("store", STORES, ids=lambda make: make.__name__)
@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_a_command_ends_with_words_and_a_code(shop, run, monkeypatch, store, command):
    store(shop)

    result = run(*command, catch_exceptions=True)

    assert result.exception is None or isinstance(result.exception, SystemExit), repr(result.exception)
    assert result.exit_code in (0, 1, 2)
    assert result.exit_code == 0 or result.output or result.stderr
    assert not set("\x1b\x07\u202e\x9b") & set(result.output)
    if "--json" in command and result.exit_code == 0:
        json.loads(result.stdout)


def test_no_command_is_left_out_of_this():
    apart = {"run", "enable", "disable", "keygen", "completion", "view"}

    assert {command[0] for command in COMMANDS} | apart == set(HOMES)


@pytest.mark.parametrize("command", [["list"], ["show", TARGET], ["stats"], ["verify"], ["export"]], ids=" ".join)
def test_a_folder_that_may_not_be_read_is_told(shop, run, command):
    if os.geteuid() == 0:
        pytest.skip("root may read everywhere")
    shop.add()
    shop.base_path.chmod(0)
    try:
        result = run(*command)
    finally:
        shop.base_path.chmod(0o700)

    assert result.exit_code in (1, 2)
    assert result.stderr
