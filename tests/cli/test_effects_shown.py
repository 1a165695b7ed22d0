"""What the commands say about the effects of bundles. Nothing is unpickled for it."""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from bundles import NOON, Shop
from click.testing import CliRunner, Result
from tapes import taped

from snapagent.bundle import Note
from snapagent.cli import main
from snapagent.dependencies.presets import UNRECORDED
from snapagent.store import Store

PROGRAM = """
class Row:
    loads = True

    def __init__(self, number):
        self.number = number

    def __setstate__(self, state):
        if not Row.loads:
            raise RuntimeError("unpickled")
        self.__dict__.update(state)


class Gateway:
    def charge(self, amount):
        return amount


def find(status):
    return [Row(1)]


def send(text):
    return None


def place(gateway, status):
    rows = find(status)
    gateway.charge(len(rows))
    send(status)
    return len(rows)
"""
DEPENDENCIES = {
    "effects_program:find": "read",
    "effects_program:Gateway.charge": "write",
    "effects_program:send": "write",
}


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    (tmp_path / "effects_program.py").write_text(PROGRAM)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.chdir(tmp_path)
    yield importlib.import_module("effects_program")
    sys.modules.pop("effects_program", None)


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path / "captures")


def place(shop: Shop, program: ModuleType, status: str, when: float = NOON, **summary: object) -> None:
    gateway = program.Gateway()
    previews = [
        {"dependency": "effects_program:find", "role": "read", "shape": "effects_program:find",
         "arguments": f"status={status!r}", "result": "[Row]"},
        {"dependency": "effects_program:Gateway.charge", "role": "write", "shape": "effects_program:Gateway.charge",
         "arguments": "amount=1", "result": "1"},
        {"dependency": "requests", "role": "write", "shape": "POST https://mail.example/send",
         "exception": "Timeout()"},
    ]  # fmt: skip
    fields = {
        "dependencies": {"effects_program:find": [1, 0], "effects_program:Gateway.charge": [0, 1], "requests": [0, 1]},
        "previews": previews,
        **summary,
    }
    taped(
        shop,
        "effects_program:place",
        program.place,
        gateway,
        status,
        dependencies=DEPENDENCIES,
        exclude=("gateway",),
        receivers={"gateway": gateway},
        summary=fields,
        when=when,
    )
    program.Row.loads = False


def run(*words: str) -> Result:
    return CliRunner().invoke(main, list(words), env={"COLUMNS": "160"}, catch_exceptions=False)


def test_75_show_says_what_was_asked_below_and_lists_it(shop: Shop, program: ModuleType) -> None:
    place(shop, program, "open")
    assert "below: 3 calls of 3 dependencies, 2 writes" in run("show", "effects_program.place").output
    listed = run("show", "effects_program.place", "--effects").output
    assert "effects_program:find(status='open')" in listed
    assert "requests: POST https://mail.example/send" in listed
    assert "raised Timeout()" in listed
    shown = json.loads(run("show", "effects_program.place", "--json").output)
    assert shown["format"] == 2 and shown["effects"]["count"] == 3


def test_75_diff_aligns_effects_by_dependency_and_shape(shop: Shop, program: ModuleType) -> None:
    place(shop, program, "open")
    program.Row.loads = True
    place(shop, program, "done", NOON + 60)
    output = run("diff", "effects_program.place", "--json")
    assert output.exit_code == 1
    changes = {change["path"]: change for change in json.loads(output.output)["changes"]}
    assert changes["effects[0].arguments"]["after"] == "status='done'"
    assert not any(path.startswith(("effects[1]", "effects[2]")) for path in changes)


def test_a_bundle_without_effects_says_nothing_of_them(shop: Shop, program: ModuleType) -> None:
    shop.capture("effects_program:find", program.find, "open")
    assert "below:" not in run("show", "effects_program.find").output
    assert run("show", "effects_program.find", "--effects").exit_code == 0


def test_why_names_tapes_that_cannot_be_replayed_and_calls_that_came_late(shop: Shop, program: ModuleType) -> None:
    reason = "there were more than 500 calls of dependencies"
    place(shop, program, "open", complete=False, reason=reason, late=2)
    output = " ".join(run("why", "effects_program.place").output.split())
    assert (
        f"1 bundle with an incomplete tape (effects_capped): a limit was reached, so it cannot be replayed: {reason}"
        in output
    )
    assert "2 calls of dependencies not recorded (late)" in output


def test_why_tells_to_declare_what_no_preset_records(shop: Shop, program: ModuleType) -> None:
    place(shop, program, "open", complete=False, reason=UNRECORDED.format("COPY of psycopg"))
    output = " ".join(run("why", "effects_program.place").output.split())
    assert "(effects_unrecorded): its preset does not record such a call, so it cannot be replayed: COPY of" in output
    assert "raise `effects`" not in output


def test_stats_counts_the_calls_of_each_dependency(shop: Shop, program: ModuleType) -> None:
    place(shop, program, "open")
    counts = json.loads(run("stats", "--json").output)["dependencies"]
    assert counts["effects_program:Gateway.charge"] == {"reads": 0, "writes": 1}
    assert counts["requests"] == {"reads": 0, "writes": 1}
    assert "requests                        0 reads, 1 write" in run("stats").output


def test_a_new_test_of_bundles_with_effects_needs_no_line_by_hand(shop: Shop, program: ModuleType) -> None:
    place(shop, program, "open")
    source = run("new-test", "effects_program.place").output
    assert "bundle.check()" in source
    assert "FACSIMILES" not in source and "side_effects" not in source


def test_a_facsimile_is_not_asked_for_inside_an_effect(shop: Shop, program: ModuleType) -> None:
    place(shop, program, "open")
    store = Store(shop.base_path)
    (entry,) = store.entries("effects_program:place")
    file = store.read(entry)
    note = Note("effects[0].result", "unstorable", "x.Y", "an open file")
    header = file.header.replace(notes=(*file.header.notes, note), timestamp="2026-11-22T12:01:00.000000Z")
    store.publish("effects_program:place", header, file.payload, when=NOON + 60)
    assert "effects[0]" not in run("facsimile", "effects_program.place").output


def test_replay_serves_effects_and_names_a_miss(shop: Shop, program: ModuleType, tmp_path: Path) -> None:
    place(shop, program, "open")
    assert run("replay", "effects_program.place", "-j", "1").exit_code == 0
    source = PROGRAM.replace("gateway.charge(len(rows))", "gateway.charge(len(rows) + 1)")
    (tmp_path / "effects_program.py").write_text(source + "\n# changed\n")
    found = run("replay", "effects_program.place", "-j", "1", "--json")
    assert found.exit_code == 1
    (result,) = json.loads(found.output)["results"]
    assert result["kind"] == "changed"
    assert result["differences"][0]["path"] == "effects[1].amount of effects_program:Gateway.charge"
    assert result["notes"] == ["effects: 3 served"]
