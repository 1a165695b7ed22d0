"""`show` and `diff`: read from the preview in the header, by path."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from snapagent.bundle import Note

from .conftest import node


def test_the_tree_shows_arguments_in_order_then_the_outcome(shop, run):
    rows = node("1 item", "list", (("[0]", node("4 items", "dict", ((".price", node("10")),), more=3)),))
    shop.add(tree={"currency": node("'EUR'", "str"), "rows": rows, "result": node("21.5", "float")})

    result = run("show", "shop.pricing.quote")

    lines = result.stdout.splitlines()
    assert result.exit_code == 0
    assert lines[0].startswith("shop.pricing:quote")
    assert lines[lines.index("arguments") :] == [
        "arguments",
        "├── rows: list, 1 item",
        "│   └── [0]: dict, 4 items",
        "│       ├── .price: 10",
        "│       └── ... 3 more",
        "└── currency: 'EUR'",
        "result: 21.5",
    ]


def test_what_is_not_there_as_it_was_says_so_at_its_place(shop, run):
    rows = node("[...]", "list", (("[0]", node("redacted-0123456789ab", "str")),))
    notes = (
        Note("rows[0]", "redacted", "str", "it is named password"),
        Note("rows[1].lock", "unstorable", "Lock", "cannot be pickled", "64 bytes"),
    )
    shop.add(tree={"rows": rows, "result": node("1")}, notes=notes)

    lines = run("show", "shop.pricing.quote").stdout.splitlines()

    assert "│" not in lines[-1]
    assert any(line.endswith("[redacted: it is named password]") for line in lines if "[0]" in line)
    assert any("rows[1].lock" in line and "[unstorable: cannot be pickled, 64 bytes]" in line for line in lines)


def test_json_has_the_whole_header_and_the_place(shop, run):
    entry = shop.add()

    shown = json.loads(run("show", "shop.pricing.quote", "--json").stdout)

    assert shown["target"] == "shop.pricing:quote"
    assert shown["path"] == entry.path
    assert shown["tree"]["result"]["text"] == "3"
    assert shown["parameters"][0] == {"name": "rows", "kind": "positional_or_keyword"}


def test_a_bundle_is_chosen_by_any_unique_prefix_or_by_its_file_name(shop, run):
    one = shop.add(rows="[1]", digits="ab" + "1" * 30)
    shop.add(rows="[2]", digits="ac" + "2" * 30)

    for text in ("ab", "h1:ab11", "ab" + "1" * 30, one.name, one.name.removesuffix(".pkl"), one.path):
        assert json.loads(run("show", "shop.pricing.quote", text, "--json").stdout)["name"] == one.name


@pytest.mark.parametrize(("text", "word"), [("a", "give more digits"), ("ff", "ab111111"), ("zz", "ab111111")])
def test_an_ambiguous_or_unknown_hash_is_wrong_usage_that_lists_what_there_is(shop, run, text, word):
    shop.add(rows="[1]", digits="ab" + "1" * 30)
    shop.add(rows="[2]", digits="ac" + "2" * 30)

    result = run("show", "shop.pricing.quote", text)

    assert result.exit_code == 2
    assert word in result.stderr


def test_diff_compares_the_newest_two_by_path_and_exits_1(shop, run):
    def rows(price):
        return node("[...]", "list", (("[0]", node("{...}", "dict", ((".price", node(price)),))),))

    shop.add(rows="[0]", tree={"rows": rows("9"), "result": node("1")})
    before = shop.add(rows="[1]", tree={"rows": rows("10"), "result": node("1")})
    after = shop.add(rows="[2]", tree={"rows": rows("12"), "result": node("1")})

    result = run("diff", "shop.pricing.quote")
    data = json.loads(run("diff", "shop.pricing.quote", "--json").stdout)

    assert result.exit_code == 1
    assert "rows[0].price\n  - 10\n  + 12\n" in result.stdout
    assert (data["before"]["name"], data["after"]["name"]) == (before.name, after.name)
    assert data["changes"] == [{"path": "rows[0].price", "kind": "changed", "before": "10", "after": "12"}]


def test_equal_bundles_exit_0(shop, run):
    shop.add()
    shop.add()

    result = run("diff", "shop.pricing.quote")

    assert result.exit_code == 0
    assert "equal" in result.stdout


def test_values_that_come_and_go_and_another_outcome_are_differences(shop, run):
    a = shop.add(rows="[1]", tree={"rows": node("[1]"), "result": node("3")})
    b = shop.add(
        rows="[1]",
        exception="shop.errors.NoRows",
        tree={"rows": node("[1]"), "extra": node("7"), "exception": node("NoRows()")},
    )

    data = json.loads(run("diff", "shop.pricing.quote", a.name, b.name, "--json").stdout)

    assert [(change["path"], change["kind"]) for change in data["changes"]] == [
        ("extra", "added"),
        ("outcome", "changed"),
        ("result", "removed"),
        ("exception", "added"),
    ]


def test_a_difference_beyond_the_preview_is_not_taken_for_equality(shop, run):
    shop.add(digits="a" * 32)
    shop.add(digits="b" * 32)

    result = run("diff", "shop.pricing.quote")

    assert result.exit_code == 1
    assert "the previews in the headers do not show all values" in result.stderr


def test_values_whose_texts_are_cut_are_compared_by_digest(shop, run):
    cut = node("'xxxx...", "str")
    shop.add(digits="a" * 32, tree={"rows": {**cut, "digest": "1"}, "currency": {**cut, "digest": "7"}, "result": cut})
    shop.add(digits="b" * 32, tree={"rows": {**cut, "digest": "2"}, "currency": {**cut, "digest": "7"}, "result": cut})

    data = json.loads(run("diff", "shop.pricing.quote", "--json").stdout)

    assert [(change["path"], change["kind"]) for change in data["changes"]] == [("rows", "hidden")]


def test_depth_cuts_the_tree(shop, run):
    rows = node("1 item", "list", (("[0]", node("10")),))
    shop.add(tree={"rows": rows, "result": node("1")})

    assert "[0]" not in run("show", "shop.pricing.quote", "--depth", "1").stdout
    assert "[0]" in run("show", "shop.pricing.quote", "--depth", "2").stdout


def test_one_bundle_alone_has_nothing_to_be_compared_with(shop, run):
    shop.add()

    result = run("diff", "shop.pricing.quote")

    assert result.exit_code == 2
    assert "has only one bundle" in result.stderr and "a comparison needs two" in result.stderr


def test_a_torn_bundle_is_named_and_not_shown(shop, run):
    entry = shop.add()
    shop.base_path.joinpath("shop.pricing.quote", entry.name).write_bytes(b"snapagent-bundle 1 ")

    result = run("show", "shop.pricing.quote")

    assert result.exit_code == 1
    assert entry.name in result.stderr


def test_a_bundle_is_shown_by_the_path_of_its_file_in_a_store_or_elsewhere(shop, run, tmp_path):
    entry = shop.add(tree={"rows": node("[1]", "list"), "result": node("21.5", "float")})
    copy = tmp_path / "git-blob-3f_quote"  # as git names the file that it hands to a textconv
    copy.write_bytes(Path(entry.path).read_bytes())

    by_name = run("show", "shop.pricing.quote").stdout.splitlines()

    assert run("show", entry.path).stdout.splitlines()[3:] == by_name[4:]
    elsewhere = run("show", str(copy))
    assert elsewhere.exit_code == 0
    assert elsewhere.stdout.splitlines()[-3:] == by_name[-3:]
    assert json.loads(run("show", str(copy), "--json").stdout)["target"] == "shop.pricing:quote"


def test_a_file_that_is_not_there_or_not_a_bundle_is_named(run, tmp_path):
    other = tmp_path / "notes.pkl"
    other.write_bytes(b"no bundle")

    missing, wrong = run("show", str(tmp_path / "gone.pkl")), run("show", str(other))

    assert (missing.exit_code, wrong.exit_code) == (2, 1)
    assert "there is no file" in missing.stderr and "gone.pkl" in missing.stderr
    assert "notes.pkl" in wrong.stderr


def test_loading_a_loose_file_is_refused_with_what_to_give(shop, run):
    result = run("show", shop.add().path, "--load")

    assert result.exit_code == 2
    assert "--load takes the function" in result.stderr
