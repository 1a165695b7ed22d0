"""The YAML file: what it means, and what is said when it means nothing."""

from __future__ import annotations

import json
import os
import pickle
import re
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest
import yaml

from snapagent.config.problems import InvalidConfigError
from snapagent.config.reading import (
    DEFAULT_CONFIG,
    DEFAULT_SETTINGS,
    Config,
    Settings,
    default_base_path,
    load_config,
    load_unchanged,
    parse_config,
    resolve_capture_dir,
    schema,
    settings_from,
)
from snapagent.config.settings import CONFIG_FIELDS, SETTINGS_FIELDS
from snapagent.config.targets import Target
from snapagent.config.units import INFINITY, UNLIMITED_BYTES
from snapagent.errors import ConfigError

SHIPPED = Path(__file__).parents[2] / "config"

WHOLE_FILE = """\
version: 1
capture_dir: captures
budget: 2%
max_store_bytes: 256MB
durability: process
trust: owner
sync: false
defaults:
  keep: 2
  keep_outcomes: 1
  quota: .inf
  sample: 1.0
  max_bytes: 1MB
  max_age: .inf
  compression: none
  redact: [password, token]
  redact_allow: [max_tokens]
  exclude_types: [torch.nn.Module]
  mode: wrap
targets:
  - shop.pricing:quote                     # module:qualname
  - shop.orders:OrderService.place
  - shop.services.*:*
  - shop.pricing.quote
  - target: shop.model:predict
    keep: .inf
    exclude: [self.model, session]
exclude_targets: ["shop.services.legacy:*"]
"""


def config(text: str) -> Config:
    return parse_config("version: 1\n" + textwrap.dedent(text), "snapagent.yaml")


def problems(text: str | bytes) -> list[ConfigError]:
    with pytest.raises(InvalidConfigError) as caught:
        parse_config(text, "snapagent.yaml")
    return list(caught.value.problems)


def settings(text: str) -> Settings:
    (rule,) = config(text).rules
    return rule.settings


# What a good file means


def test_the_file_of_the_manual_means_what_its_comments_say():
    read = parse_config(WHOLE_FILE, "snapagent.yaml")

    assert read.path == "snapagent.yaml"
    assert (read.capture_dir, read.budget, read.max_store_bytes) == ("captures", 0.02, 256_000_000)
    assert (read.durability, read.trust, read.sync) == ("process", "owner", False)
    assert read.defaults == DEFAULT_SETTINGS.replace(
        redact=("password", "token"), redact_allow=("max_tokens",), exclude_types=("torch.nn.Module",)
    )
    assert [(str(rule.pattern), rule.line) for rule in read.rules] == [
        ("shop.pricing:quote", 21),
        ("shop.orders:OrderService.place", 22),
        ("shop.services.*:*", 23),
        ("shop.pricing.quote", 24),
        ("shop.model:predict", 25),
    ]
    assert read.rules[-1].settings == read.defaults.replace(keep=INFINITY, exclude=("self.model", "session"))
    targets = read.target_set()
    assert targets.rule_for(Target("shop.services.mail", "send")) == read.defaults
    assert targets.rule_for(Target("shop.services.legacy", "send")) is None


def test_a_version_is_all_that_a_file_needs():
    assert config("") == DEFAULT_CONFIG.replace(path="snapagent.yaml")
    assert DEFAULT_CONFIG.trust is None, "not said, so that a key may raise it"


def test_a_section_with_everything_commented_out_is_empty():
    assert config("defaults:\ntargets:\n  # - shop.a:f\nexclude_targets:\n") == config("")


@pytest.mark.parametrize(
    ("line", "field", "value"),
    [
        ("keep: 5", "keep", 5),
        ("keep: .inf", "keep", INFINITY),
        ("keep_outcomes: 0", "keep_outcomes", 0),
        ("quota: 0", "quota", 0),
        ("quota: 100", "quota", 100),
        ("sample: 10%", "sample", 0.1),
        ("sample: 0", "sample", 0.0),
        ("max_bytes: 64KiB", "max_bytes", 65536),
        ("max_bytes: .inf", "max_bytes", UNLIMITED_BYTES),
        ("max_age: 30d", "max_age", 30 * 86400.0),
        ("compression: zstd", "compression", "zstd"),
        (
            "redact: [no, 'on', pässword, 'card number', '**.pin']",
            "redact",
            ("no", "on", "pässword", "card number", "**.pin"),
        ),
        ("redact_allow: [max_tokens]", "redact_allow", ("max_tokens",)),
        ("exclude: ['rows[*].owner', '**.cache']", "exclude", ("rows[*].owner", "**.cache")),
        ("exclude_types: [a.B]", "exclude_types", ("a.B",)),
        ("mode: inplace", "mode", "inplace"),
    ],
)
def test_each_default_may_be_set_for_all_targets_and_for_one(line, field, value):
    for_all = settings(f"defaults:\n  {line}\ntargets: ['a:f']")
    for_one = settings(f"targets:\n  - target: a:f\n    {line}")

    assert for_all == for_one == DEFAULT_SETTINGS.replace(**{field: value})


def test_a_target_overrides_plain_defaults_adds_to_lists_and_clears_with_an_empty_one():
    of_target = settings("""
        defaults: {keep: 5, sample: 10%, redact: [iban], exclude: [session], exclude_types: [a.B]}
        targets:
          - {target: 'a:f', keep: 7, redact: [pin, iban], exclude: [], mode: inplace}
    """)

    assert of_target == DEFAULT_SETTINGS.replace(
        keep=7, sample=0.1, redact=("iban", "pin"), exclude=(), exclude_types=("a.B",), mode="inplace"
    )


def test_the_order_of_keys_does_not_matter():
    assert settings("targets: ['a:f']\ndefaults: {keep: 9}").keep == 9


@pytest.mark.parametrize(
    "data", [b"\xef\xbb\xbfversion: 1\n", b"version: 1\r\ntargets:\r\n  - a:f\r\n", b"---\nversion: 1\n..."]
)
def test_what_editors_add_to_a_file_is_no_problem(data):
    assert parse_config(data).path is None


# What is said of a bad one


@pytest.mark.parametrize(
    ("text", "key", "says"),
    [
        ("budgt: 2%", "budgt", "did you mean 'budget'?"),
        ("frobnicate: 1", "frobnicate", "the keys here are version, capture_dir"),
        ("keep: 2", "keep", "its place is under 'defaults:', or beside a 'target:'"),
        ("defaults: {trust: any}", "defaults.trust", "its place is at the beginning of a line"),
        ("defaults: {kep: 2}", "defaults.kep", "did you mean 'keep'?"),
        ("targets: [{target: 'a:f', qouta: 2}]", "targets[0].qouta", "did you mean 'quota'?"),
        ("targets: [{tagret: 'a:f'}]", "targets[0]", "did you mean 'target'?"),
        ("targets: [{keep: 2}]", "targets[0]", "the key 'target' is missing"),
        ("targets: [shop.pricing: quote]", "targets[0]", "did you mean 'shop.pricing:quote'?"),
        ("targets: ['shop.pricing::quote']", "targets[0]", "did you mean 'shop.pricing:quote'?"),
        ("targets: ['a:f', 12]", "targets[1]", "expects 'package.module:function', not 12"),
        ("targets: [{target: }]", "targets[0].target", "not nothing"),
        ("targets: a:f", "targets", "expects a list of targets, not 'a:f'; write ['a:f']"),
        ("exclude_targets: {a: f}", "exclude_targets", "expects a list of targets, not a mapping"),
        ("exclude_targets: ['a:f?']", "exclude_targets[0]", "the wildcards are * and **"),
        ("defaults: [keep]", "defaults", "expects a mapping of settings, not a list"),
        ("capture_dir: 12", "capture_dir", "put it in quotes"),
        ("capture_dir: ''", "capture_dir", "expects a folder"),
        ('capture_dir: "a\\0b"', "capture_dir", "expects a folder"),
        ("budget: 2", "budget", "did you mean 2%?"),
        ("budget: 120%", "budget", "more than the whole"),
        ("budget: -0.1", "budget", "expects a share"),
        ("max_store_bytes: 256 parsecs", "max_store_bytes", "expects a size"),
        ("max_store_bytes: 0", "max_store_bytes", "expects a size above 0"),
        ("durability: proces", "durability", "did you mean 'process'?"),
        ("trust: everybody", "trust", "expects owner, signed or any"),
        ("sync: on", "sync", "expects true or false, not 'on'; write true"),
        ("sync: no", "sync", "write false"),
        ("sync: 1", "sync", "write true"),
        ("sync:", "sync", "write a value, or remove the line"),
        ("defaults: {keep: 0}", "defaults.keep", "'quota: 0' counts the calls"),
        ("defaults: {keep: 012}", "defaults.keep", "write 12 (to YAML a leading zero means octal)"),
        ("defaults: {keep: '2'}", "defaults.keep", "write 2"),
        ("defaults: {keep: 2.5}", "defaults.keep", "a whole number of at least 1 or .inf, not 2.5"),
        ("defaults: {keep: true}", "defaults.keep", "not true"),
        ("defaults: {keep: inf}", "defaults.keep", "infinity is written .inf"),
        ("defaults: {keep: -.inf}", "defaults.keep", "not -.inf"),
        ("defaults: {keep: .nan}", "defaults.keep", "not .nan"),
        ("defaults: {keep: 1e999}", "defaults.keep", "not '1e999'"),
        ("defaults: {keep_outcomes: .inf}", "defaults.keep_outcomes", "not .inf"),
        ("defaults: {keep_outcomes: -1}", "defaults.keep_outcomes", "at least 0, not -1"),
        ("defaults: {quota: 1_000}", "defaults.quota", "write 1000"),
        ("defaults: {quota: 1:30}", "defaults.quota", "not '1:30'"),
        ("defaults: {quota: 0x10}", "defaults.quota", "not '0x10'"),
        ("defaults: {sample: 1.5}", "defaults.sample", "more than the whole"),
        ("defaults: {sample: .inf}", "defaults.sample", "more than the whole"),
        ("defaults: {max_bytes: -1}", "defaults.max_bytes", "expects a size"),
        ("defaults: {max_bytes: 012}", "defaults.max_bytes", "write 12"),
        ("defaults: {max_age: 0s}", "defaults.max_age", "a duration above 0"),
        ("defaults: {max_age: 3 months}", "defaults.max_age", "expects a duration"),
        ("defaults: {compression: gzip}", "defaults.compression", "expects none, zlib or zstd, not 'gzip'"),
        ("defaults: {mode: Wrap}", "defaults.mode", "did you mean 'wrap'?"),
        ("defaults: {redact: password}", "defaults.redact", "write [password]"),
        ("defaults: {redact: [1]}", "defaults.redact", "put it in quotes"),
        ("defaults: {redact: ['']}", "defaults.redact", "'' is none of them"),
        ("defaults: {redact: [user..pin]}", "defaults.redact", "path 'user..pin'"),
        ("defaults: {exclude: [self..model]}", "defaults.exclude", "path 'self..model'"),
        ("defaults: {exclude_types: [builtins.bytes]}", "defaults.exclude_types", "name their paths under 'exclude'"),
        ("defaults: {exclude_types: [Module]}", "defaults.exclude_types", "such as torch.nn.Module"),
    ],
)
def test_a_value_that_cannot_be_meant_is_refused_by_file_line_key_and_what_to_write(text, key, says):
    (problem,) = problems(f"version: 1\n\n{text}\n")

    assert (problem.file, problem.line, problem.key) == ("snapagent.yaml", 3, key)
    assert says in problem.problem


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "the file is empty"),
        ("# nothing\n", "the file is empty"),
        ("- a\n", "the file holds a list"),
        ("targets: []\n", "version: it is missing"),
        ("version:\n", "version: it is missing"),
        ("version: 2\n", "version 2 is not supported; this snapagent reads 'version: 1'"),
        ("version: '1'\n", "version '1' is not supported"),
        ("version: true\n", "version true is not supported"),
    ],
)
def test_the_version_is_asked_for_first(text, says):
    (problem,) = problems(text)

    assert str(problem).startswith("snapagent.yaml:1: ")
    assert says in str(problem)


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("version: 1\ndefaults:\n\tkeep: 2\n", 3, "a tab indents this line"),
        ("version: 1\ntargets:\n  - *:*\n", 3, "must be quoted"),
        ("version: 1\ntargets:\n  - **.a:*\n", 3, "must be quoted"),
        ("version: 1\ntargets: [*.a:f]\n", 2, "must be quoted"),
        ("version: 1\ndefaults: &all\n  keep: 2\n", 2, "anchors (&) are not supported"),
        ("version: 1\ndefaults: *all\n", 2, "aliases (*) are not supported"),
        ("version: 1\nbudget: !!float 0.1\n", 2, "tags such as tag:yaml.org,2002:float are not supported"),
        ("version: 1\ntargets: !!python/object/apply:os.getcwd []\n", 2, "are not supported"),
        ("version: 1\n---\nversion: 1\n", 2, "a second document begins here"),
        ("version: 1\ntargets: [a.b:c\n", 2, "a bracket opens here and is not closed"),
        ("version: 1\n\ncapture_dir: 'abc\n", 3, "a quote opens here and is never closed"),
        ("version: 1\ntargets:\n  - @x\n", 3, "must be quoted"),
        ("version: 1\nbudget: %2\n", 2, "must be quoted"),
        ("version: 1\n defaults:\n", 2, "indented too far"),
        ("version: 1\nsync true\nbudget: 2%\n", 2, "a key without its ':'"),
        ("version: 1\n? [a]\n: b\n", 2, "a key must be a name"),
        ("version: 1\ntargets: " + "[" * 20 + "]" * 20, 2, "nested deeper than 20 levels"),
        ("version: 1\nä: \x07\n", 2, "the character '\\x07' is not allowed"),
        ("version: 1\n\n# \ud800\n", 3, "byte 0xed is not UTF-8"),
        (b"version: 1\n# caf\xe9\n", 2, "byte 0xe9 is not UTF-8"),
        ("version: 1".encode("utf-16"), 1, "UTF-16"),
    ],
)
def test_what_yaml_or_its_traps_make_of_a_line_is_explained(text, line, says):
    (problem,) = problems(text)

    assert problem.line == line
    assert says in problem.problem


def test_a_value_below_its_key_is_reported_where_the_key_is():
    (problem,) = problems("version: 1\ndefaults:\n  keep:\n    - 2\n")

    assert (problem.line, problem.key) == (3, "defaults.keep")


def test_twenty_levels_are_read():
    (problem,) = problems("version: 1\ntargets: " + "[" * 19 + "]" * 19)

    assert problem.key == "targets[0]"


def test_a_duplicate_key_is_named_with_both_its_lines():
    found = problems("version: 1\nsync: true\nsync: false\ntargets:\n  - target: a:f\n    keep: 1\n    keep: 2\n")

    assert [(problem.line, problem.key) for problem in found] == [(3, "sync"), (7, "targets[0].keep")]
    assert "line 2 has it too" in found[0].problem and "line 6 has it too" in found[1].problem


def test_a_duplicate_section_is_named_by_its_own_key():
    found = problems("version: 1\ntargets: [a:f]\ntargets: [a:g]\ndefaults: {keep: 1}\ndefaults:\n  keep: 2\n")

    assert [(problem.line, problem.key) for problem in found] == [(3, "targets"), (5, "defaults")]


def test_all_problems_of_a_file_come_together_in_the_order_of_its_lines():
    with pytest.raises(ConfigError) as caught:
        parse_config("targets: [nothing]\nsync: on\nbudgt: 1\ndefaults:\n  keep: x\n", "a.yaml")

    error = caught.value
    assert (error.file, error.line, error.key) == ("a.yaml", 1, "version")
    assert [line.partition(" ")[0] for line in str(error).splitlines()] == [
        "a.yaml:1:",
        "a.yaml:1:",
        "a.yaml:2:",
        "a.yaml:3:",
        "a.yaml:5:",
    ]
    assert error.one_line.count("\n") == 0 and "and 4 more" in error.one_line
    copy = pickle.loads(pickle.dumps(error))
    assert str(copy) == str(error) and copy.line == 1


def test_an_error_prints_one_clean_line_whatever_the_file_holds():
    long = "z" * 5000
    lines = ['"\\e[31mred\\n": 1', "x" * 900 + ": 1", f"capture_dir: [{long}]", f"sync: {long}", f"targets: {long}"]
    lines += [
        "defaults:",
        f"  redact: {long}",
        f"  exclude: [{long}..]",
        '  exclude_types: "\\e[31m"',
        "  mode: '\ufeff'",
    ]

    found = problems("version: 1\n" + "\n".join(lines))

    assert len(found) == 9
    for problem in found:
        assert str(problem).isprintable()
        assert len(str(problem)) < 700


def test_a_file_full_of_problems_is_answered_soon_and_shortly():
    found = problems("version: 1\ntargets:\n" + "- x\n" * 20_000)

    assert len(found) == 100


def test_an_alias_bomb_is_refused_at_its_first_anchor():
    bomb = "a: &a [x, x]\n" + "".join(f"b{n}: &b{n} [*a, *a]\n" for n in range(100))

    (problem,) = problems(bomb)

    assert problem.line == 1


def test_a_file_that_is_no_target_list_is_refused_by_its_size(tmp_path):
    path = tmp_path / "snapagent.yaml"
    path.write_bytes(b"version: 1\n#" + b"x" * 1_000_000)

    with pytest.raises(ConfigError, match="larger than 1000000 bytes"):
        load_config(str(path))


def test_what_cannot_be_read_is_named_and_never_waited_for(tmp_path):
    os.mkfifo(tmp_path / "fifo")

    for name, says in [
        ("none.yaml", "'snapagent init' writes one"),
        ("fifo", "not a regular file"),
        (".", "not a regular"),
    ]:
        with pytest.raises(ConfigError, match=says) as caught:
            load_config(str(tmp_path / name))
        assert caught.value.file == str(tmp_path / name)


def run(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout


def test_the_pure_python_parser_reads_the_same(tmp_path):
    good, bad = tmp_path / "good.yaml", tmp_path / "bad.yaml"
    good.write_text("\ufeff" + WHOLE_FILE)
    bad.write_text("version: 1\ntargets:\n  - *.x\n")
    code = f"""if True:
        import sys
        sys.modules["yaml._yaml"] = None
        import yaml
        from snapagent.config.reading import load_config
        assert not hasattr(yaml, "CSafeLoader")
        print(load_config({str(good)!r}))
        try:
            load_config({str(bad)!r})
        except Exception as error:
            print(error)
    """

    said = run(code).splitlines()

    assert said == [repr(load_config(str(good))), f"{bad}:3: a glob that begins with '*' must be quoted"]


def test_a_good_config_costs_a_starting_program_nothing_but_yaml(tmp_path):
    path = tmp_path / "snapagent.yaml"
    path.write_text("version: 1\ntargets:\n  - a.b:c\n  - d.**:**\ndefaults: {keep: 3, exclude: [self.model]}\n")
    code = f"""if True:
        import __future__, sys, yaml
        before = set(sys.modules)
        from snapagent.config.reading import load_config
        wants = load_config({str(path)!r}).target_set().wants_module
        assert wants("a.b") and not wants("json")
        print(*sorted(set(sys.modules) - before))
    """

    loaded = run(code).split()

    assert loaded == [
        "snapagent",
        "snapagent.config",
        "snapagent.config.document",
        "snapagent.config.environment",
        "snapagent.config.reading",
        "snapagent.config.settings",
        "snapagent.config.targets",
        "snapagent.core",
        "snapagent.core.records",
    ]


# Settings from Python


def test_settings_from_python_obey_the_same_table():
    assert settings_from({"keep": INFINITY, "exclude": ["model"], "max_bytes": "2MB"}) == DEFAULT_SETTINGS.replace(
        keep=INFINITY, exclude=("model",), max_bytes=2_000_000
    )
    with pytest.raises(ConfigError, match="did you mean 'quota'"):
        settings_from({"qouta": 3})
    with pytest.raises(ConfigError, match=r"at least 1 or \.inf, not -1") as caught:
        settings_from({"keep": -1})
    assert caught.value.key == "keep"


def test_settings_from_python_add_to_what_they_start_from():
    base = DEFAULT_SETTINGS.replace(redact=("iban",), keep=5)

    assert settings_from({"redact": ["pin"]}, base) == base.replace(redact=("iban", "pin"))
    assert settings_from({}, base) is base


# Where captures are


def test_the_environment_decides_where_captures_are_then_the_config_then_captures(tmp_path):
    cwd = str(tmp_path)
    assert default_base_path({}, cwd) == str(tmp_path / "captures")

    (tmp_path / "snapagent.yaml").write_text("version: 1\ncapture_dir: here/below\n")
    assert default_base_path({}, cwd) == str(tmp_path / "here" / "below")
    assert default_base_path({"SNAPAGENT_CAPTURE_DIR": "/data/captures"}, cwd) == "/data/captures"
    assert default_base_path({"SNAPAGENT_CAPTURE_DIR": "elsewhere"}, cwd) == str(tmp_path / "elsewhere")
    assert default_base_path({"SNAPAGENT_CAPTURE_DIR": ""}, cwd) == str(tmp_path / "here" / "below")


def test_a_config_that_would_decide_and_is_broken_is_an_error_not_a_guess(tmp_path):
    (tmp_path / "snapagent.yaml").write_text("version: 1\ncapture_dri: here\n")

    with pytest.raises(ConfigError, match="did you mean 'capture_dir'"):
        default_base_path({}, str(tmp_path))
    assert default_base_path({"SNAPAGENT_CAPTURE_DIR": "x"}, str(tmp_path)) == str(tmp_path / "x")
    with pytest.raises(ConfigError, match="no such file"):
        default_base_path({"SNAPAGENT_CONFIG": "none.yaml"}, str(tmp_path))


def test_the_folder_stays_as_written_until_somebody_says_where_from():
    read = config("capture_dir: ../captures")

    assert read.capture_dir == "../captures"
    assert resolve_capture_dir(read, {}, "/srv/app") == "/srv/captures"
    assert resolve_capture_dir(config("capture_dir: ~/captures"), {}, "/srv") == os.path.expanduser("~/captures")


# The table, the shipped files, the schema


def test_the_table_has_each_field_with_the_default_of_the_record():
    assert (*SETTINGS_FIELDS, "dependencies") == Settings._fields
    for name, field in SETTINGS_FIELDS.items():
        assert field.read(field.default) == getattr(DEFAULT_SETTINGS, name)
    for name, field in CONFIG_FIELDS.items():
        default = getattr(DEFAULT_CONFIG, name)
        assert (None if field.default is None else field.read(field.default)) == default


def test_the_shipped_config_works_as_it_is_and_shows_every_key_at_its_default():
    path = SHIPPED / "snapagent.yaml"

    shipped = load_config(str(path))

    assert shipped.replace(path=None, rules=()) == DEFAULT_CONFIG
    text = path.read_text()
    missing = [
        key for key in (*CONFIG_FIELDS, *SETTINGS_FIELDS) if not re.search(rf"^ *(# )?{key}:", text, re.MULTILINE)
    ]
    assert missing == []


def test_the_shipped_schema_is_the_one_that_the_table_makes():
    assert json.loads((SHIPPED / "snapagent.schema.json").read_text()) == schema()


def fits(value: Any, rules: Any) -> bool:
    """The part of JSON Schema that ours uses."""
    types = {
        "object": dict,
        "array": list,
        "string": str,
        "null": type(None),
        "boolean": bool,
        "number": (int, float),
        "integer": int,
    }
    wanted = rules.get("type", [])
    names = [wanted] if isinstance(wanted, str) else wanted
    number = isinstance(value, int | float) and not isinstance(value, bool)
    is_type = any(
        isinstance(value, types[name]) and (name == "boolean" or not isinstance(value, bool)) for name in names
    )
    known = {
        "type",
        "enum",
        "const",
        "anyOf",
        "minimum",
        "exclusiveMinimum",
        "maximum",
        "minLength",
        "pattern",
        "items",
    }
    known |= {"properties", "required", "additionalProperties", "description", "default", "$schema", "title"}
    assert set(rules) <= known, "this check knows no such rule"
    checks = [
        not names or is_type,
        "enum" not in rules or value in rules["enum"],
        "const" not in rules or (value == rules["const"] and number),
        "anyOf" not in rules or any(fits(value, rule) for rule in rules["anyOf"]),
        not number or rules.get("minimum", value) <= value <= rules.get("maximum", value),
        not number or "exclusiveMinimum" not in rules or value > rules["exclusiveMinimum"],
        not isinstance(value, str) or len(value) >= rules.get("minLength", 0),
        not isinstance(value, str) or re.search(rules.get("pattern", ""), value) is not None,
        not isinstance(value, list) or all(fits(item, rules.get("items", {})) for item in value),
        not isinstance(value, dict) or set(rules.get("required", [])) <= set(value),
    ]
    if isinstance(value, dict) and "properties" in rules:
        checks += [key in rules["properties"] and fits(item, rules["properties"][key]) for key, item in value.items()]
    return all(checks)


GOOD = [
    WHOLE_FILE,
    "version: 1\ntargets:\ndefaults:\n",
    "version: 1\nbudget: 0.5 %\nmax_store_bytes: 4096\ntrust: any\nsync: true\n",
    "version: 1\ndefaults: {max_age: 1h30m, sample: 10%, keep: .inf, quota: 3, max_bytes: 1.5GiB}\n",
    "version: 1\ndefaults: {max_age: 90, max_bytes: .inf, redact: []}\ntargets: [{target: 'a:f', mode: inplace}]\n",
]
BAD = [
    "targets: []\n",
    "version: 2\n",
    "version: 1\nbudgt: 2%\n",
    "version: 1\nbudget: 2\n",
    "version: 1\nbudget: lots\n",
    "version: 1\nsync: 'yes'\n",
    "version: 1\ndurability: disk\n",
    "version: 1\ncapture_dir: 3\n",
    "version: 1\ntargets: a:f\n",
    "version: 1\ntargets: [3]\n",
    "version: 1\ntargets: [{keep: 3}]\n",
    "version: 1\ntargets: [{target: 'a:f', kep: 3}]\n",
    "version: 1\ndefaults: {keep: 0}\n",
    "version: 1\ndefaults: {keep: 2.5}\n",
    "version: 1\ndefaults: {keep_outcomes: -1}\n",
    "version: 1\ndefaults: {max_age: 0}\n",
    "version: 1\ndefaults: {max_age: 3 months}\n",
    "version: 1\ndefaults: {max_bytes: 10 parsecs}\n",
    "version: 1\ndefaults: {redact: password}\n",
    "version: 1\ndefaults: {redact: [3]}\n",
]


@pytest.mark.parametrize("text", [*GOOD, *BAD])
def test_an_editor_with_the_schema_and_the_reader_are_of_one_mind(text):
    if text in GOOD:
        parse_config(text)
    else:
        assert problems(text)

    assert fits(yaml.safe_load(text), schema()) is (text in GOOD)


def test_who_asks_often_is_told_of_a_change(tmp_path: Path) -> None:
    path = tmp_path / "snapagent.yaml"
    path.write_text("version: 1\ncapture_dir: one\n")
    first = load_unchanged(str(path))
    assert load_unchanged(str(path)) is first
    path.write_text("version: 1\ncapture_dir: another\n")
    assert load_unchanged(str(path)).capture_dir == "another"
    path.unlink()
    with pytest.raises(ConfigError, match="no such file"):
        load_unchanged(str(path))


def test_a_target_has_the_settings_of_its_rule_else_the_defaults():
    config = parse_config(
        "version: 1\ndefaults: {keep: 5}\ntargets: [{target: 'shop.pricing:quote', keep: 7}, 'shop.cart:*']\n"
    )

    assert config.settings_for("shop.pricing:quote").keep == 7
    assert config.settings_for("shop.cart:add") == config.rule_for("shop.cart:add") == config.defaults
    for without_rule in ("shop.pricing:other", "shop.pricing.quote", "", None):
        assert config.rule_for(without_rule) is None
        assert config.settings_for(without_rule) == config.defaults


@pytest.mark.parametrize("value", ["django", "shop.bootstrap:prepare", "shop:App.prepare"])
def test_setup_names_a_callable_or_is_the_word_django(value: str) -> None:
    assert config(f"setup: {value}").setup == value


@pytest.mark.parametrize("value", ["shop.bootstrap", "Django", "a b:c", "12", "''"])
def test_another_setup_is_refused_with_what_is_wanted(value: str) -> None:
    with pytest.raises(ConfigError, match="setup: expects module:callable or the word django"):
        config(f"setup: {value}")


def test_renames_map_old_names_to_new_ones() -> None:
    read = config("renames: {shop.old:Line: shop.models:Line, shop.legacy: shop.core}")

    assert read.renames == (("shop.old:Line", "shop.models:Line"), ("shop.legacy", "shop.core"))
    assert config("renames:").renames == ()


@pytest.mark.parametrize("value", ["[a]", "{shop.old:Line: shop.models}", "{shop: 'a b'}", "{shop: 3}", "shop"])
def test_other_renames_are_refused(value: str) -> None:
    with pytest.raises(ConfigError, match="renames: expects a mapping of old names and new names"):
        config(f"renames: {value}")
