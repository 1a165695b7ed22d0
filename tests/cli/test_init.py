"""`snapagent init`: a configuration that is valid at once and never costs anybody their own file."""

from __future__ import annotations

import pytest

from snapagent.cli import main
from snapagent.cli.source.propose import find_package, propose
from snapagent.config.reading import parse_config

from .conftest import runner

PRICING = '''
raise SystemExit("imported")

def quote(rows, currency):
    """What it costs."""
    if not rows:
        raise ValueError("no rows")
    return sum(rows), currency

def log(text):
    print(text)

def _private(value):
    return value

@app.route("/quote")
def view(value):
    total = value
    return total

class Orders:
    def place(self, session, row):
        total = row
        return total
'''


@pytest.fixture
def project(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SNAPAGENT_CONFIG", raising=False)
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "__init__.py").write_text("")
    (tmp_path / "shop" / "pricing.py").write_text(PRICING)
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "__init__.py").write_text("")
    (tmp_path / "tests" / "test_it.py").write_text(PRICING)
    return tmp_path


def run(*args: str):
    return runner().invoke(main, list(args))


def test_what_it_writes_is_valid_at_once_and_names_the_likely_functions(project):
    result = run("init")

    assert result.exit_code == 0
    config = parse_config((project / "snapagent.yaml").read_text(), "snapagent.yaml")
    assert [str(rule.pattern) for rule in config.rules] == ["shop.pricing:Orders.place", "shop.pricing:quote"]
    assert config.rules[0].settings.exclude == (), "a name alone is no reason to leave an argument out"


def test_a_project_without_any_package_gets_a_valid_file_too(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    result = run("init")

    assert result.exit_code == 0
    assert parse_config((tmp_path / "snapagent.yaml").read_text(), "x").rules == ()
    assert "no package was found" in result.output + result.stderr


def test_a_script_beside_the_module_that_has_the_functions_does_not_hide_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "app.py").write_text("import shop\nprint(shop.quote(1, 2))\n")
    (tmp_path / "shop.py").write_text("def quote(rows, currency):\n    return sum(rows), currency\n")

    result = runner().invoke(main, ["init"])

    assert "1 target of shop" in result.stderr
    assert "- shop:quote" in (tmp_path / "snapagent.yaml").read_text()


def test_where_nothing_can_be_proposed_it_says_so(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "app.py").write_text("print(1)\n")

    result = runner().invoke(main, ["init"])

    assert result.exit_code == 0
    assert "no function of app (a module here) looks like a target" in result.stderr


def test_an_existing_file_is_kept_without_force(project):
    (project / "snapagent.yaml").write_text("mine")

    refused = run("init")
    assert refused.exit_code == 1
    assert "--force" in refused.stderr
    assert (project / "snapagent.yaml").read_text() == "mine"

    assert run("init", "--force").exit_code == 0
    assert (project / "snapagent.yaml").read_text() != "mine"


def test_a_dry_run_prints_and_writes_nothing(project):
    result = run("init", "--dry-run")

    assert "- shop.pricing:quote" in result.stdout
    assert not (project / "snapagent.yaml").exists()


def test_the_package_is_found_by_pyproject_then_src_then_top_level(project):
    (project / "src" / "till").mkdir(parents=True)
    (project / "src" / "till" / "__init__.py").write_text("")
    assert [package.name for package in find_package(str(project))] == ["till", "shop"]

    (project / "pyproject.toml").write_text('[project]\nname = "Shop"\n')
    assert [package.name for package in find_package(str(project))] == ["shop", "till"]


def test_a_broken_pyproject_does_not_matter(project):
    (project / "pyproject.toml").write_text("[project\n")

    assert find_package(str(project))[0].name == "shop"


def test_an_unknown_package_is_wrong_usage_and_lists_the_known(project):
    result = run("init", "--package", "shpo")

    assert result.exit_code == 2
    assert "shop" in result.output + result.stderr


def test_functions_without_a_result_and_registered_views_are_not_proposed(project):
    names = [proposal.target for proposal in propose(find_package(str(project))[0])]

    assert "shop.pricing:log" not in names
    assert "shop.pricing:view" not in names
    assert "shop.pricing:_private" not in names


LIVE = """
from __future__ import annotations

import random
import sqlite3

import requests
from flask import Flask
from sqlalchemy.orm import Session


class Orders:
    cache: dict[str, int]

    def __init__(self, session: Session, carriers, rates: dict[str, int]):
        self.session = session
        self.carriers = carriers
        self.http = requests.Session()
        self.rates = rates

    def place(self, request, client):
        import uuid
        return (request, client)


def stored(connection: sqlite3.Connection | None, session: "Session", request: dict, key):
    return (request, key)


def make_app(name):
    app = Flask(name)
    return app


def opened(url):
    return requests.Session()
"""


def test_what_annotations_and_constructors_call_live_is_left_out(project):
    (project / "shop" / "pricing.py").write_text(LIVE)

    proposals = {proposal.target: proposal.live for proposal in propose(find_package(str(project))[0])}

    assert proposals == {
        "shop.pricing:Orders.place": ("self.session", "self.http"),
        "shop.pricing:stored": ("connection", "session"),
    }


def test_dependencies_are_proposed_from_what_the_package_imports_anywhere_in_it(project):
    (project / "shop" / "pricing.py").write_text(LIVE)

    assert run("init").exit_code == 0

    config = parse_config((project / "snapagent.yaml").read_text(), "snapagent.yaml")
    found = [rule.preset for rule in config.dependencies]
    assert found == ["requests", "sqlite3", "sqlalchemy", "uuid", "random"]


def test_an_installed_package_is_found_by_name_and_check_accepts_its_targets(project):
    result = run("init", "--package", "click")

    assert result.exit_code == 0
    assert "- click." in (project / "snapagent.yaml").read_text()
    assert run("check").exit_code == 0


def test_the_functions_of_a_package_whose_modules_are_all_private_are_proposed(project):
    assert run("init", "--package", "httpx").exit_code == 0

    config = parse_config((project / "snapagent.yaml").read_text(), "snapagent.yaml")
    assert config.rules and all(str(rule.pattern).startswith("httpx._") for rule in config.rules)
    assert "httpx" not in [rule.preset for rule in config.dependencies]


def test_copies_of_other_peoples_code_are_no_packages_of_the_project(project):
    for name in ("vendor", "third_party", "_vendored"):
        (project / name).mkdir()
        (project / name / "__init__.py").write_text("def f(value):\n    return value + 1\n")
        (project / "shop" / name).mkdir()
        (project / "shop" / name / "lib.py").write_text("def f(value):\n    return value + 1\n")

    assert [package.name for package in find_package(str(project))] == ["shop"]
    assert not [one for one in propose(find_package(str(project))[0]) if one.target.rpartition(":")[2] == "f"]
