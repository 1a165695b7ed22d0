"""`prune`, `pin`, `unpin`, `verify`, `keygen`: what keeps a store in order."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys

import pytest
from privilege import modes_count

from snapagent.config.environment import signing_keys

CONFIG = "version: 1\ndefaults: {keep: 1}\ntargets: [shop.pricing:quote]\n"


def names(shop, target="shop.pricing:quote"):
    return [entry.name for entry in shop.store.entries(target)]


def test_prune_applies_the_rules_of_the_configuration_to_its_targets_only(shop, run, tmp_path):
    (tmp_path / "snapagent.yaml").write_text(CONFIG)
    for rows in ("[1]", "[2]", "[3]"):
        newest = shop.add(rows=rows)
        shop.add("till:count", rows=rows)
    shop.count(calls=3, captured=3)

    result = run("prune")

    assert result.exit_code == 0
    assert names(shop) == [newest.name]
    assert len(names(shop, "till:count")) == 3
    assert "till:count" in result.stderr


def test_a_dry_run_of_prune_names_what_would_go_and_leaves_it(shop, run, tmp_path):
    (tmp_path / "snapagent.yaml").write_text(CONFIG)
    old, new = shop.add(rows="[1]"), shop.add(rows="[2]")

    (removed,) = json.loads(run("prune", "--dry-run", "--json").stdout)["removed"]

    assert removed["names"] == [old.name]
    assert names(shop) == [old.name, new.name]


def test_where_nothing_goes_nothing_is_listed_as_removed(shop, run, tmp_path):
    (tmp_path / "snapagent.yaml").write_text(CONFIG)
    shop.add()

    assert json.loads(run("prune", "--json").stdout)["removed"] == []


def test_functions_that_are_no_target_are_pruned_by_the_defaults_only_when_told(shop, run):
    for rows in ("[1]", "[2]", "[3]"):
        shop.add(rows=rows)

    run("prune")
    assert len(names(shop)) == 3

    run("prune", "--defaults")
    assert len(names(shop)) == 2


def test_a_pinned_bundle_outlives_pruning_until_it_is_unpinned(shop, run, tmp_path):
    (tmp_path / "snapagent.yaml").write_text(CONFIG)
    old, new = shop.add(rows="[1]"), shop.add(rows="[2]")

    assert run("pin", "shop.pricing.quote", old.short_hash[:6]).exit_code == 0
    run("prune")
    assert names(shop) == [old.name, new.name]
    assert json.loads(run("list", "shop.pricing.quote", "--json").stdout)[1]["pinned"]

    assert run("unpin", "shop.pricing.quote", old.short_hash).exit_code == 0
    run("prune")
    assert names(shop) == [new.name]


def test_pinning_what_is_not_there_is_wrong_usage(shop, run):
    shop.add()

    assert run("pin", "shop.pricing.quote", "ffffffff").exit_code == 2
    assert run("pin", "shop.pricing.qoute").exit_code == 2


def test_verify_names_each_bundle_that_is_not_whole_and_passes_the_others(shop, run):
    shop.add(rows="[1]")
    bad = shop.add(rows="[2]")
    assert run("verify").exit_code == 0

    path = shop.base_path / "shop.pricing.quote" / bad.name
    data = bytearray(path.read_bytes())
    data[-3] ^= 1
    path.write_bytes(data)

    result = run("verify")
    found = json.loads(run("verify", "--json").stdout)
    assert result.exit_code == 1
    assert found["checked"] == 2
    assert [(problem["path"], problem["kind"]) for problem in found["problems"]] == [(str(path), "corrupt")]


def test_verify_checks_recorded_side_effects_too(shop, run):
    recording = shop.base_path / "side_effects" / "tests" / "test_x" / "9be1c0de44aa10f2.pkl"
    recording.parent.mkdir(parents=True)
    recording.write_bytes(b"torn")

    found = json.loads(run("verify", "--json").stdout)

    assert [problem["path"] for problem in found["problems"]] == [str(recording)]


@pytest.mark.parametrize("kind", ["fifo", "link"])
def test_verify_does_not_open_what_is_in_place_of_a_recording(shop, kind):
    recording = shop.base_path / "side_effects" / "tests" / "0011223344556677.pkl"
    recording.parent.mkdir(parents=True)
    if kind == "fifo":
        os.mkfifo(recording)
    else:
        recording.symlink_to("/dev/null")

    command = [sys.executable, "-m", "snapagent", "verify", "--captures-dir", str(shop.base_path)]
    result = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)

    assert result.returncode == 1
    assert "cannot be read" in result.stdout


def test_a_broken_index_is_told_and_is_no_problem(shop, run):
    shop.add()
    (shop.base_path / "shop.pricing.quote" / "index.json").write_text("{")

    result = run("verify", "--json")

    assert result.exit_code == 0
    assert json.loads(result.stdout)["problems"][0]["kind"] == "broken_index"


def test_under_a_key_bundles_without_its_signature_are_told(shop, run, monkeypatch):
    shop.add()
    monkeypatch.setenv("SNAPAGENT_KEY", "secret")

    result = run("verify", "--json")

    assert result.exit_code == 1
    assert json.loads(result.stdout)["problems"][0]["kind"] == "untrusted"


@pytest.mark.parametrize("command", [["clear", "--yes"], ["pin", "shop.pricing.quote"]])
def test_a_read_only_store_is_a_problem_in_words(shop, run, command):
    shop.add()
    folder = shop.base_path / "shop.pricing.quote"
    folder.chmod(0o500)
    with modes_count():
        result = run(*command)
    folder.chmod(0o700)

    assert result.exit_code == 1
    assert "cannot be written" in result.stderr


def test_keygen_prints_a_key_or_writes_it_for_nobody_else_to_read(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert len(run("keygen").stdout.strip()) == 64

    assert run("keygen", "-o", "key").exit_code == 0
    assert stat.S_IMODE((tmp_path / "key").stat().st_mode) == 0o600
    assert len(signing_keys({"SNAPAGENT_KEY_FILE": str(tmp_path / "key")})) == 1


def test_an_existing_key_is_kept_and_rotation_puts_a_new_one_before_it(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run("keygen", "-o", "key")
    first = (tmp_path / "key").read_text()

    assert run("keygen", "-o", "key").exit_code == 1
    assert (tmp_path / "key").read_text() == first

    run("keygen", "-o", "key", "--rotate")
    keys = signing_keys({"SNAPAGENT_KEY_FILE": str(tmp_path / "key")})
    assert [key.secret for key in keys][1:] == [first.strip().encode()]
