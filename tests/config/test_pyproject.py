"""`[tool.snapagent]` of pyproject.toml: the same keys, where there is no YAML file."""

from __future__ import annotations

import math

import pytest

from snapagent.config.environment import find_config
from snapagent.config.reading import load_config
from snapagent.errors import ConfigError

PYPROJECT = """
[project]
name = "shop"

[tool.snapagent]
version = 1
budget = "5%"
exclude_targets = ["shop.legacy:*"]
targets = [
    "shop.pricing:quote",
    {target = "shop.model:predict", keep = inf, exclude = ["self.model"]},
]

[tool.snapagent.defaults]
keep = 3
"""


def write(tmp_path, text: str) -> str:
    (tmp_path / "pyproject.toml").write_text(text)
    return str(tmp_path / "pyproject.toml")


def test_it_takes_the_keys_of_the_yaml_file(tmp_path):
    config = load_config(write(tmp_path, PYPROJECT))

    assert config.budget == 0.05
    assert config.settings_for("shop.pricing:quote").keep == 3
    assert config.settings_for("shop.model:predict").keep == math.inf
    assert config.settings_for("shop.model:predict").exclude == ("self.model",)
    assert config.rule_for("shop.legacy:old") is None


def test_it_is_found_where_there_is_no_yaml_file_and_only_with_the_table(tmp_path):
    path = write(tmp_path, PYPROJECT)
    assert find_config({}, str(tmp_path)) == path

    write(tmp_path, "[project]\nname = 'shop'\n")
    assert find_config({}, str(tmp_path)) is None

    write(tmp_path, PYPROJECT)
    (tmp_path / "snapagent.yaml").write_text("version: 1\n")
    assert find_config({}, str(tmp_path)) == str(tmp_path / "snapagent.yaml")


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("[tool.snapagent]\nversion = 1\nbugdet = '5%'\n", 3, "did you mean 'budget'"),
        ("[tool.snapagent]\nversion = 1\n[tool.snapagent.defaults]\nkeep = -1\n", 4, "keep"),
        ("[tool.snapagent]\nversion = 1\ntargets = [\n 'a.b:c',\n 'a:b:c',\n]\n", 5, "a:b:c"),
        ("[tool.snapagent]\ntargets = []\n", 1, "version"),
    ],
    ids=["unknown key", "impossible value", "bad target", "no version"],
)
def test_a_problem_names_its_line(tmp_path, text, line, words):
    with pytest.raises(ConfigError, match=f":{line}: ") as caught:
        load_config(write(tmp_path, text))

    assert words in str(caught.value)


@pytest.mark.parametrize("text", ["[tool.snapagent\n", "[tool]\nsnapagent = 3\n", "[tool.ruff]\n"])
def test_what_is_not_toml_or_has_no_table_is_refused(tmp_path, text):
    with pytest.raises(ConfigError, match=r"not TOML|has no table"):
        load_config(write(tmp_path, text))
