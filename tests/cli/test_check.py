"""`snapagent check`: every error at once, every target resolved, and nothing of the application imported."""

from __future__ import annotations

import importlib
import json
import sys

import pytest

from snapagent.capture.instrument.discovery import Discovery
from snapagent.cli import main
from snapagent.cli.workers.import_probe import judge

from .conftest import runner

PRICING = """
import functools
import os
from math import sqrt

def quote(rows):
    return sum(rows)

def _helper(rows):
    return rows

@functools.lru_cache
def cached(x):
    return x

class Base:
    def place(self):
        return 1

class Orders(Base):
    @classmethod
    def make(cls):
        return cls()
    @property
    def size(self):
        return 1
    class Inner:
        def deep(self):
            return 1

total = functools.partial(quote, [1])
made = lambda x: x
rate = 1.2
"""


@pytest.fixture
def project(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "shopfront").mkdir()
    (tmp_path / "shopfront" / "__init__.py").write_text("from .pricing import quote\n")
    (tmp_path / "shopfront" / "pricing.py").write_text(PRICING)
    return tmp_path


def check(project, *targets: str, extra: tuple[str, ...] = ()):
    """Run the command over a config with these targets; the verdicts by target."""
    lines = "\n".join(f"  - {json.dumps(target)}" for target in targets)
    (project / "snapagent.yaml").write_text(f"version: 1\ntargets:\n{lines}\n")
    result = runner().invoke(main, ["check", "--json", *extra])
    return result, {verdict["target"]: verdict for verdict in json.loads(result.stdout)["targets"]}


def test_functions_methods_and_nested_classes_are_found_without_importing_anything(project):
    (project / "shopfront" / "__init__.py").write_text("raise SystemExit('imported')\n")

    result, verdicts = check(
        project,
        "shopfront.pricing:quote",
        "shopfront.pricing.quote",
        "shopfront.pricing:Orders.make",
        "shopfront.pricing.Orders.Inner.deep",
        "shopfront.*:*",
    )

    assert result.exit_code == 0
    assert {verdict["status"] for verdict in verdicts.values()} == {"wraps"}
    assert (
        verdicts["shopfront.pricing.Orders.Inner.deep"]["functions"][0]["target"]
        == "shopfront.pricing:Orders.Inner.deep"
    )
    assert "shopfront" not in sys.modules


def test_a_glob_names_the_functions_it_stands_for(project):
    _, verdicts = check(project, "shopfront.*:*", "shopfront.**:**")

    names = {found["target"] for found in verdicts["shopfront.*:*"]["functions"]}
    assert names == {"shopfront.pricing:quote", "shopfront.pricing:_helper", "shopfront.pricing:cached"}
    assert len(verdicts["shopfront.**:**"]["functions"]) == 7


@pytest.mark.parametrize(
    ("target", "reason", "nearest"),
    [
        ("shopfront.pricing:qoute", "has no 'qoute'", "shopfront.pricing:quote"),
        ("shopfront.pricng:quote", "no module 'shopfront.pricng'", "shopfront.pricing"),
        ("shopfornt.pricing:quote", "no module 'shopfornt'", "shopfront"),
        ("shopfornt.**:**", "no function matches", "shopfront"),
    ],
)
def test_a_target_that_matches_nothing_fails_and_shows_the_nearest_names(project, target, reason, nearest):
    result, verdicts = check(project, target, "shopfront.pricing:quote")

    assert result.exit_code == 1
    assert verdicts[target]["status"] == "nothing"
    assert reason in verdicts[target]["reason"]
    assert nearest in verdicts[target]["nearest"]


@pytest.mark.parametrize(
    ("target", "reason"),
    [
        ("shopfront.pricing:Orders", "it is a class"),
        ("shopfront:quote", "name it where it is defined: shopfront.pricing:quote"),
        ("shopfront.pricing:sqrt", "imported from math.sqrt"),
        ("sys:exit", "built into the interpreter"),
        ("_ctypes:sizeof", "is compiled"),
        ("__main__:main", "is not imported"),
    ],
)
def test_what_cannot_be_wrapped_says_why(project, target, reason):
    result, verdicts = check(project, target)

    assert result.exit_code == 1
    assert verdicts[target]["status"] == "cannot"
    assert reason in verdicts[target]["reason"]


def test_importing_in_a_child_process_settles_what_the_source_does_not_say(project):
    targets = ("shopfront.pricing:made", "shopfront.pricing:total", "shopfront.pricing:rate")
    result, before = check(project, *targets)
    assert result.exit_code == 0
    assert {verdict["status"] for verdict in before.values()} == {"unsure"}

    result, after = check(project, *targets, extra=("--import",))

    assert result.exit_code == 1
    assert after["shopfront.pricing:made"]["status"] == "wraps"
    assert after["shopfront.pricing:total"]["status"] == "wraps"
    assert "it is a builtins.float" in after["shopfront.pricing:rate"]["reason"]
    assert "shopfront" not in sys.modules


@pytest.mark.parametrize("end", ["raise RuntimeError('no database')", "import os; os._exit(3)", "raise SystemExit(4)"])
def test_an_application_that_cannot_be_imported_is_told_not_suffered(project, end):
    (project / "shopfront" / "__init__.py").write_text(f"print('noise')\n{end}\n")

    result, verdicts = check(project, "shopfront.pricing:quote", extra=("--import",))

    assert result.exit_code == 1
    assert verdicts["shopfront.pricing:quote"]["status"] == "cannot"


def test_all_errors_of_the_yaml_are_told_at_once_with_line_and_near_match(project):
    (project / "snapagent.yaml").write_text("version: 1\nbugdet: 2%\ndefaults:\n  keep: -1\ntargets: [a.b:c]\n")

    result = runner().invoke(main, ["check"])

    assert result.exit_code == 1
    assert "snapagent.yaml:2: bugdet:" in result.stdout
    assert "did you mean 'budget'" in result.stdout
    assert "snapagent.yaml:4: defaults.keep:" in result.stdout


def test_no_configuration_is_wrong_usage_with_the_next_step(project):
    result = runner().invoke(main, ["check"])

    assert result.exit_code == 2
    assert "snapagent init" in result.output + result.stderr


def test_what_is_excluded_is_said_to_be_excluded(project):
    (project / "snapagent.yaml").write_text(
        'version: 1\ntargets: ["shopfront.pricing:quote"]\nexclude_targets: ["shopfront.pricing:*"]\n'
    )

    result = runner().invoke(main, ["check"])

    assert result.exit_code == 1
    assert "exclude_targets" in result.stdout


def test_the_probe_answers_for_held_functions_as_instrumenting_does(tmp_path, monkeypatch):
    (tmp_path / "held_by_objects.py").write_text(
        "class Command:\n"
        "    def __init__(self, function): self.inner = [function]\n"
        "@Command\n"
        "def greet(): pass\n"
        "class Group:\n"
        "    @Command\n"
        "    def part(self): pass\n"
        "other = greet\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    namespace = vars(importlib.import_module("held_by_objects"))
    monkeypatch.delitem(sys.modules, "held_by_objects")
    found = {name for function in Discovery("held_by_objects", namespace).functions() for name in function.names}

    for name in ("greet", "Group.part", "other"):
        status, _ = judge(f"held_by_objects:{name}")
        assert (status == "wraps") == (name in found)
    assert found >= {"greet"}


def test_a_glob_over_a_compiled_module_says_that_it_is_compiled(project):
    result, verdicts = check(project, "_ctypes:*", "sys:*")

    assert result.exit_code == 1
    assert "compiled" in verdicts["_ctypes:*"]["reason"]
    assert "make the one that calls it a target" in verdicts["_ctypes:*"]["reason"]
    assert "built into the interpreter" in verdicts["sys:*"]["reason"]


def check_dependencies(project, *entries: str, extra: tuple[str, ...] = ()):
    """Run the command over a config with these dependencies; the result and the verdicts by entry."""
    lines = "\n".join(f"  - {json.dumps(entry)}" for entry in entries)
    (project / "snapagent.yaml").write_text(f"version: 1\ndependencies:\n{lines}\ntargets: []\n")
    result = runner().invoke(main, ["check", "--json", *extra])
    return result, {verdict["target"]: verdict for verdict in json.loads(result.stdout)["dependencies"]}


def test_dependencies_are_resolved_as_targets_are(project):
    result, verdicts = check_dependencies(project, "shopfront.pricing:quote", "shopfront.pricing:Orders.*", "sqlite3")

    assert result.exit_code == 0
    assert {verdict["status"] for verdict in verdicts.values()} == {"wraps"}
    assert verdicts["sqlite3"]["functions"][0]["kind"] == "preset"


@pytest.mark.parametrize("target", ["math:sqrt", "shopfront.pricing:sqrt", "_thread:allocate_lock"])
def test_34_a_c_callable_as_a_dependency_fails_with_what_to_declare_in_its_place(project, target):
    result, verdicts = check_dependencies(project, target)

    assert result.exit_code == 1
    assert verdicts[target]["reason"].endswith("; declare the Python function that calls it")


def test_a_dependency_that_matches_nothing_fails_and_shows_the_nearest_names(project):
    result, verdicts = check_dependencies(project, "shopfront.pricing:qoute")

    assert result.exit_code == 1
    assert verdicts["shopfront.pricing:qoute"]["nearest"] == ["shopfront.pricing:quote"]
    text = runner().invoke(main, ["check"])
    assert "dependencies" in text.stdout
    assert "1 of 1 dependency cannot be recorded as written" in text.stderr


def test_an_unknown_preset_is_an_error_of_the_configuration_with_the_near_match(project):
    (project / "snapagent.yaml").write_text("version: 1\ndependencies: [reqests]\n")
    result = runner().invoke(main, ["check"])

    assert result.exit_code == 1
    assert "unknown preset 'reqests'; did you mean 'requests'?" in " ".join(result.stdout.split())


def test_a_free_threaded_python_is_a_problem(project, monkeypatch):
    monkeypatch.setattr(sys, "abiflags", "t", raising=False)

    result, _ = check(project, "shop.pricing:quote")

    assert result.exit_code == 1
    assert "free-threaded" in json.loads(result.stdout)["problems"][0]
