"""`snapagent list`: what was captured, what was not and why, at the same answer for people and for programs."""

from __future__ import annotations

import json
import time

import pytest

from snapagent.cli.views.tree import short_call
from snapagent.store.bundle_files import HeaderSummary


def test_each_function_has_its_counts_and_its_newest_bundle(shop, run):
    shop.add()
    shop.add(rows="[]", exception="shop.errors.NoRows", result="NoRows()")
    shop.count(calls=12, captured=2, skipped={"quota_met": 9}, failed={"disk_full": 1})

    result = run("list")
    (row,) = json.loads(run("list", "--json").stdout)

    assert result.exit_code == 0
    header, line = result.stdout.splitlines()
    assert header.split()[:3] == ["FUNCTION", "BUNDLES", "CALLS"]
    assert line.startswith("shop.pricing:quote")
    assert "quota_met 9" in line
    assert "failed: disk_full 1" in line
    assert row["target"] == "shop.pricing:quote"
    assert row["bundles"] == 2
    assert row["skipped"] == {"quota_met": 9}
    assert row["failed"] == {"disk_full": 1}
    assert row["newest"].startswith("2026-11-18T")


@pytest.mark.parametrize("make", [False, True])
def test_a_list_of_nothing_exits_0_and_says_how_to_begin(shop, run, make):
    if make:
        shop.base_path.mkdir()

    result = run("list")

    assert result.exit_code == 0
    assert result.stdout == ""
    assert "snapagent init" in result.stderr
    assert json.loads(run("list", "--json").stdout) == []


def test_with_a_configuration_the_way_to_begin_is_to_run(shop, run, tmp_path):
    (tmp_path / "snapagent.yaml").write_text("version: 1\ntargets: [shop.pricing:quote]\n")

    assert "snapagent run --on" in run("list").stderr


def test_a_configured_target_without_bundles_is_told(shop, run, tmp_path):
    (tmp_path / "snapagent.yaml").write_text("version: 1\ntargets: [shop.pricing:quote, shop.orders:place]\n")
    shop.add()

    result = run("list")

    assert "shop.orders:place is a target without bundles" in result.stderr
    assert "shop.pricing:quote is" not in result.stderr


@pytest.mark.parametrize("name", ["shop.pricing:quote", "shop.pricing.quote"])
def test_a_name_in_either_form_lists_its_bundles_newest_first(shop, run, name):
    first, second = shop.add(rows="[1]"), shop.add(rows="[2]")

    lines = run("list", name).stdout.splitlines()
    rows = json.loads(run("list", name, "--json").stdout)

    assert [row["name"] for row in rows] == [second.name, first.name]
    assert "rows=[2], currency='EUR'" in lines[1]
    assert "rows=[1], currency='EUR'" in lines[2]
    assert second.short_hash in lines[1]


def test_a_glob_follows_the_grammar_of_the_yaml(shop, run):
    for target in ("shop.pricing:quote", "shop.orders:Service.place", "till:count"):
        shop.add(target)

    def names(glob):
        return [row["target"] for row in json.loads(run("list", glob, "--json").stdout)]

    assert names("shop.*:*") == ["shop.pricing:quote"]
    assert names("shop.**:**") == ["shop.orders:Service.place", "shop.pricing:quote"]
    assert names("*count*") == ["till:count"]
    assert names("nothing.*:*") == []


def test_an_unknown_name_is_wrong_usage_and_shows_the_nearest(shop, run):
    shop.add()

    result = run("list", "shop.pricing.qoute")

    assert result.exit_code == 2
    assert "shop.pricing:quote" in result.stderr


def test_bundles_are_filtered_by_outcome_size_and_age_and_sorted(shop, run):
    small = shop.add(rows="[1]")
    large = shop.add(rows="[2]", payload=b"N." * 5000)
    failed = shop.add(rows="[]", exception="shop.errors.NoRows", result="NoRows()")

    def names(*options):
        return [row["name"] for row in json.loads(run("list", "shop.pricing:quote", "--json", *options).stdout)]

    assert names("--outcome", "raised") == [failed.name]
    assert names("--outcome", "NoRows") == [failed.name]
    assert names("--outcome", "shop.errors.NoRows") == [failed.name]
    assert names("--larger", "5kB") == [large.name]
    age = time.time() - small.when
    assert names("--older", f"{age - 0.5:.3f}s") == [small.name]
    assert names("--sort", "size", "--limit", "1") == [large.name]
    assert names("--reverse") == [small.name, large.name, failed.name]


@pytest.mark.parametrize("options", [("--larger", "big"), ("--newer", "soon"), ("--sort", "calls"), ("-n", "-1")])
def test_an_impossible_option_is_wrong_usage(shop, run, options):
    shop.add()

    assert run("list", "shop.pricing:quote", *options).exit_code == 2


def test_a_broken_bundle_and_a_broken_index_hide_nothing_else(shop, run):
    good, bad = shop.add(rows="[1]"), shop.add(rows="[2]")
    shop.count(calls=2, captured=2)
    folder = shop.base_path / "shop.pricing.quote"
    (folder / bad.name).write_bytes(b"torn")
    (folder / "index.json").write_text("{broken")

    rows = {row["name"]: row for row in json.loads(run("list", "shop.pricing:quote", "--json").stdout)}

    assert rows[good.name]["outcome"] == "returned"
    assert rows[bad.name]["outcome"] == "unreadable"
    assert rows[bad.name]["problem"]
    assert json.loads(run("list", "--json").stdout)[0]["bundles"] == 2


def test_names_that_could_steer_a_terminal_are_escaped(shop, run):
    shop.add("shop.evil:\x1b[31mred\u202eline\nbreak", rows="\x1b[2J\x07\ud800")

    for output in (run("list").stdout, run("list", "*evil*").stdout, run("list", "--json").stdout):
        assert not set(output) & {"\x1b", "\u202e", "\x07"}
        assert "\\x1b[31mred\\u202eline\\nbreak" in output or "\\u001b[31mred\\u202eline\\nbreak" in output


def test_a_captures_dir_that_is_a_file_is_a_problem_in_words(shop, run, tmp_path):
    (tmp_path / "file").write_text("")

    result = run("list", "--captures-dir", str(tmp_path / "file"))

    assert result.exit_code == 1
    assert "cannot be listed" in result.stderr


def test_the_folder_comes_from_the_option_then_the_environment_then_the_configuration(shop, run, tmp_path, monkeypatch):
    shop.add()
    (tmp_path / "captures").rename(tmp_path / "elsewhere")
    (tmp_path / "snapagent.yaml").write_text("version: 1\ncapture_dir: elsewhere\ntargets: []\n")
    assert len(json.loads(run("list", "--json").stdout)) == 1

    monkeypatch.setenv("SNAPAGENT_CAPTURE_DIR", str(tmp_path / "nowhere"))
    assert json.loads(run("list", "--json").stdout) == []
    assert len(json.loads(run("list", "--json", "--base-path", "elsewhere").stdout)) == 1
    assert len(json.loads(run("--captures-dir", "elsewhere", "list", "--json").stdout)) == 1


def test_a_wrong_configuration_does_not_keep_bundles_from_being_read(shop, run, tmp_path):
    shop.add()
    (tmp_path / "snapagent.yaml").write_text("version: 7\n")

    result = run("list", "--json")

    assert len(json.loads(result.stdout)) == 1
    assert "snapagent check" in result.stderr


def test_the_bound_instance_comes_after_the_arguments_that_differ():
    parameters = (("self", "positional_or_keyword"), ("order", "positional_or_keyword"))
    previews = {"self": "ShipmentService(...)", "order": "7", "result": "None"}
    method = HeaderSummary("m:C.f", "method", "", 0.0, "returned", None, "h1:0", parameters, previews, "")

    assert short_call(method) == ("order=7, self=ShipmentService(...)", "None")
    assert short_call(method._replace(kind="function"))[0] == "self=ShipmentService(...), order=7"
