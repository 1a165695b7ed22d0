"""`why`, `stats`, `export`, `facsimile`, `completion`."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys

import pytest

from snapagent.bundle import Note

PRICING = "def quote(rows):\n    return sum(rows)\n\ndef unlisted(rows):\n    return rows\n"


@pytest.fixture
def project(shop, tmp_path):
    (tmp_path / "shopfront").mkdir()
    (tmp_path / "shopfront" / "__init__.py").write_text("raise SystemExit('imported')\n")
    (tmp_path / "shopfront" / "pricing.py").write_text(PRICING)
    (tmp_path / "snapagent.yaml").write_text(
        "version: 1\ntargets: [shopfront.pricing:quote, shopfront.pricing:gone]\n"
        "exclude_targets: ['shopfront.pricing:hidden']\n"
    )
    return shop


def texts(run, name):
    answer = json.loads(run("why", name, "--json").stdout)
    return " | ".join(f"{one['status']}: {one['text']} -> {one['next']}" for one in answer["statements"])


def test_why_explains_each_reason_for_which_calls_were_not_captured(project, run):
    project.add("shopfront.pricing:quote")
    project.count(
        "shopfront.pricing:quote",
        calls=20,
        captured=1,
        skipped={"quota_met": 10, "over_budget": 8},
        failed={"disk_full": 1},
    )

    said = texts(run, "shopfront.pricing.quote")

    assert "fine: it is a target" in said
    assert "10 skipped (quota_met): the quota of captures is met -> raise `quota`" in said
    assert "8 skipped (over_budget)" in said
    assert "problem: 1 failed (disk_full): the disk is full" in said
    assert said.index("disk_full") < said.index("quota_met")


def test_why_tells_what_the_newest_bundles_lack_and_where(project, run):
    project.add(
        "shopfront.pricing:quote",
        notes=(
            Note("rows.socket", "unstorable", "socket.socket", "a connection over the network"),
            Note("rows.body", "too_big", "str", "about 2000004 bytes"),
            Note("rows.password", "redacted", "str", "name"),
        ),
    )
    project.add("shopfront.pricing:quote", notes=(Note("rows.body", "too_big", "str", "about 2000004 bytes"),))

    said = texts(run, "shopfront.pricing.quote")

    assert "hint: rows.body (str) is not in 2 of the newest 2 bundles: too big, about 2000004 bytes -> raise" in said
    assert "rows.socket (socket.socket) is not in 1 of the newest 2 bundles: not picklable, a connection" in said
    assert "password" not in said


def test_why_of_a_target_that_was_never_called_says_what_may_be_the_cause(project, run):
    said = texts(run, "shopfront.pricing:quote")

    assert "it is defined at shopfront/pricing.py:1 and can be wrapped" in said
    assert "no capturing process has called it" in said
    assert "snapagent run --on" in said


def test_why_of_a_function_that_is_no_target_says_so(project, run):
    assert "it is not a target of" in texts(run, "shopfront.pricing:unlisted")


def test_why_of_a_target_that_is_not_in_the_source_says_so(project, run):
    assert "problem: no module on the search path defines it" in texts(run, "shopfront.pricing:gone")


def test_why_of_an_unknown_name_is_wrong_usage_with_near_names(project, run):
    result = run("why", "shopfront.pricing:qoute")

    assert result.exit_code == 2
    assert "shopfront.pricing:quote" in result.stderr


@pytest.mark.parametrize("name", ["shopfront.basket.Basket.nope", "shopfront.basket:nope", "shopfront.basket.Odd.nope"])
def test_a_name_that_only_a_glob_covers_and_no_source_defines_is_unknown(run, tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "shopfront").mkdir(exist_ok=True)
    (tmp_path / "shopfront" / "__init__.py").write_text("")
    (tmp_path / "shopfront" / "basket.py").write_text(
        "class Shelf:\n    def put(self): ...\nclass Basket(Shelf):\n    def note(self): ...\n"
        "class Odd(ValueError): ...\n"
    )
    (tmp_path / "snapagent.yaml").write_text('version: 1\ntargets: ["shopfront.**:**"]\n')

    result = run("why", name)

    assert result.exit_code == 2
    assert f"named {name!r}" in result.stderr


def test_the_nearest_name_of_the_source_is_proposed(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "basketry.py").write_text("class Basket:\n    def note(self): ...\n")

    result = run("why", "basketry.Basket.notes")

    assert result.exit_code == 2
    assert "basketry:Basket.note" in result.stderr


def test_every_reason_that_the_code_counts_has_its_words():
    from snapagent import bundle
    from snapagent.capture.recording import admission, recorder
    from snapagent.cli.views.reasons import _FAILED, _SKIPPED
    from snapagent.store import failures

    words = {
        value
        for module in (admission, recorder, failures)
        for name, value in vars(module).items()
        if name.isupper() and isinstance(value, str) and value.isidentifier() and not name.startswith("_")
    }
    ends = {bundle.COMPLETE, bundle.CANCELLED}

    assert words - ends <= _SKIPPED.keys() | _FAILED.keys()
    assert {"over_budget", "queue_full", "disk_full"} <= words


def test_status_says_how_things_stand_and_what_comes_next(shop, run, tmp_path):
    assert "snapagent init" in run("status").stdout

    (tmp_path / "snapagent.yaml").write_text("version: 1\ntargets: [shop.pricing:quote, shop.orders:place]\n")
    assert "snapagent run --on" in run("status").stdout

    shop.add()
    shop.count(calls=10, captured=1, skipped={"quota_met": 8}, failed={"disk_full": 1})
    said = run("status").stdout
    found = json.loads(run("status", "--json").stdout)
    assert "disk is full" in said
    assert "snapagent why shop.orders:place" in said
    assert (found["targets"], found["bundles"], found["calls"]) == (2, 1, 10)
    assert found["skipped"] == {"quota_met": 8}
    assert not found["enabled"]


def test_stats_count_outcomes_sizes_and_bundles_over_time(shop, run):
    shop.add(rows="[1]")
    shop.add(rows="[2]", payload=b"x" * 20_000)
    shop.add(rows="[]", exception="shop.errors.NoRows", result="NoRows()")
    shop.count(calls=10, captured=3, skipped={"quota_met": 7})

    result = run("stats")
    found = json.loads(run("stats", "--json").stdout)

    assert result.exit_code == 0
    assert found["bundles"] == 3
    assert found["outcomes"] == {"returned": 2, "shop.errors.NoRows": 1}
    assert found["sizes"] == {"10kB": 2, "100kB": 1}
    assert found["skipped"] == {"quota_met": 7}
    assert sum(slot["bundles"] for slot in found["over_time"]) == 3
    assert "shop.errors.NoRows" in result.stdout


def test_stats_count_the_argument_shapes_of_each_function(shop, run):
    for number in range(3):
        shop.add(rows=f"[{number}]", shape="(rows: list[int], currency: str)")
    shop.add(rows="[]", shape="(rows: [], currency: str)")
    shop.add("shop.orders:place", rows="[7]", shape="(rows: \x1b[31m)")
    shop.add("shop.orders:old", rows="[7]")

    result = run("stats")
    found = json.loads(run("stats", "--json").stdout)

    assert found["shapes"] == {
        "shop.orders:place": {"(rows: \x1b[31m)": 1},
        "shop.pricing:quote": {"(rows: list[int], currency: str)": 3, "(rows: [], currency: str)": 1},
    }
    assert "     3  (rows: list[int], currency: str)\n" in result.stdout
    assert "     1  (rows: [], currency: str)\n" in result.stdout
    assert "\x1b" not in result.stdout


def test_stats_print_the_most_frequent_shapes_and_count_the_rest(shop, run):
    for number in range(20):
        shop.add(rows=f"[{number}]", shape=f"(rows: Colour({number}))")

    result = run("stats")

    assert result.stdout.count("(rows: Colour(") == 12
    assert "... 8 more" in result.stdout


def test_show_names_the_shape(shop, run):
    shop.add(shape="(rows: list[int], currency: str)")

    assert "shape  (rows: list[int], currency: str)" in run("show", "shop.pricing.quote").stdout


def test_stats_of_nothing_exit_0(shop, run):
    assert run("stats").exit_code == 0


def test_export_writes_every_header_and_names_what_cannot_be_read(shop, run, tmp_path):
    good, bad = shop.add(rows="[1]"), shop.add(rows="[2]")
    (shop.base_path / "shop.pricing.quote" / bad.name).write_bytes(b"torn")

    printed = json.loads(run("export", "--json").stdout)
    run("export", "-o", "out.json")

    assert printed == json.loads((tmp_path / "out.json").read_text())
    assert [item["name"] for item in printed] == [good.name, bad.name]
    assert printed[0]["previews"]["rows"] == "[1]"
    assert printed[1]["problem"]


def test_export_keeps_an_existing_file(shop, run, tmp_path):
    shop.add()
    (tmp_path / "out.json").write_text("mine")

    assert run("export", "-o", "out.json").exit_code == 1
    assert (tmp_path / "out.json").read_text() == "mine"
    assert run("export", "-o", "out.json", "--force").exit_code == 0


def test_a_facsimile_skeleton_has_what_the_function_uses(shop, run, tmp_path):
    (tmp_path / "model.py").write_text(
        "class Service:\n    def predict(self, rows, log):\n        log.info('x')\n"
        "        return self.model.predict(rows) * self.model.scale\n"
    )
    notes = (
        Note("self.model", "excluded", "shop.models.Huge", "excluded by the configuration", "1.2 GB"),
        Note("log", "unstorable", "logging.Logger", "not picklable"),
        Note("rows[0].password", "redacted", "str", "secret"),
        Note("result.model", "excluded", "shop.models.Huge", "excluded by the configuration"),
    )
    shop.add("model:Service.predict", notes=notes)

    source = run("facsimile", "model.Service.predict").stdout
    paths = [one["path"] for one in json.loads(run("facsimile", "model.Service.predict", "--json").stdout)["needed"]]

    module = {}
    exec(compile(ast.parse(source), "skeleton", "exec"), module)
    assert paths == ["self.model", "log"]
    assert set(module["FACSIMILES"]) == {"self.model", "log"}
    assert module["FACSIMILES"]["self.model"].scale is None
    with pytest.raises(NotImplementedError):
        module["FACSIMILES"]["self.model"].predict([1])
    assert callable(module["FACSIMILES"]["log"].info)


def test_a_stand_in_hides_no_built_in_name(shop, run, tmp_path):
    (tmp_path / "model.py").write_text("def predict(rows, db_session):\n    return rows\n")
    shop.add("model:predict", notes=(Note("db_session", "excluded", "object", "its path is excluded"),))

    source = run("facsimile", "model.predict").stdout

    assert "class DbSession:" in source
    compile(source, "skeleton", "exec")


def test_a_function_whose_arguments_are_all_stored_needs_no_facsimile(shop, run):
    shop.add()

    result = run("facsimile", "shop.pricing.quote")

    assert result.exit_code == 0
    assert result.stdout == ""
    assert "needs no stand-ins" in result.stderr


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_completion_script_is_printed_for_each_shell(run, shell):
    result = run("completion", shell)

    assert result.exit_code == 0
    assert "_SNAPAGENT_COMPLETE" in result.stdout


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        ("snapagent li", ["list"]),
        ("snapagent show shop.pr", ["shop.pricing.quote"]),
        ("snapagent show shop.pricing.quote ab", ["ab111111"]),
        ("snapagent show nowhere.x ", []),
    ],
)
def test_names_and_hashes_are_completed(shop, tmp_path, words, offered):
    shop.add(digits="ab" + "1" * 30)
    shop.add(digits="cd" + "2" * 30)
    environment = {
        **os.environ,
        "_SNAPAGENT_COMPLETE": "bash_complete",
        "COMP_WORDS": words,
        "COMP_CWORD": str(words.count(" ")),
    }

    command = [sys.executable, "-m", "snapagent"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)

    assert [line.partition(",")[2] for line in done.stdout.splitlines() if line] == offered
