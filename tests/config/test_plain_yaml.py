"""The plain form of YAML means what it means to the library, value by value and line by line."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from snapagent.config.document import YamlDocument
from snapagent.config.plain_yaml import ConfigNode, read_plain
from snapagent.config.reading import parse_config

EXAMPLES = Path(__file__).parents[2]
PLAIN = """\
# The configuration of a shop
version: 1
capture_dir: ~/captures   # made by us

budget: 2%
renames: {}
defaults:
  keep: .inf
  redact: [password, 'api key', "a: b"]
targets:
- shop.pricing:quote
- "shop.services.*:*"
- target: shop.model:predict
  exclude:
    - self.model
    - session
  keep: 3
-   target: 'shop.model:train'
    sample: 0.5
exclude_targets: []
"""
NOT_PLAIN = {
    "a mapping in brackets": "defaults: {keep: 3}",
    "a list in a list": "a:\n  - - b",
    "an escape": 'a: "\\n"',
    "a quote within quotes": "a: 'it''s'",
    "a text of two lines": "a: b\n  c",
    "a folded text": "a: >\n  b",
    "an anchor": "a: &b c",
    "an alias": "a: *b",
    "a tag": "a: !!str b",
    "a second document": "a: b\n---\na: b",
    "a duplicate key": "a: b\na: c",
    "a key in quotes": "'a': b",
    "a tab": "a:\tb",
    "a list of several lines": "a: [b,\n  c]",
    "a comment sign within quotes": "a: 'b # c'",
    "a backslash in double quotes": 'a: "b\\c"',
    "a comma at the end": "a: [b,]",
    "an item that is a mark": "a:\n  -\n    b",
    "a colon too many": "a: b: c",
    "a text that begins with a star": "a: **",
    "no mapping at all": "text",
    "nothing": "",
    "other ends of lines": "a: b\r\nc: d",
    "wrong indentation": "a:\n    b: c\n  d: e",
    "a list among keys": "a: b\n- c",
    "deep nesting": "".join(f"{' ' * depth}a:\n" for depth in range(30)),
}
ODD = (
    *(
        "*",
        "'it''s'",
        '"\\n"',
        "{a: b}",
        "- a",
        "-",
        "&a b",
        "*a",
        "!t",
        "|",
        ">",
        "?",
        "%",
        "@",
        "é",
        "---",
        "#",
        " # c",
    ),
    *(", ", ":", "", "a: b", "[a: b]", "[a,]", "+5", "- 'a' b", "0x1", "=", "<<", "[é]"),
)
ORDINARY = (
    *(
        "a",
        "true",
        "null",
        "~",
        "012",
        "1.5",
        "1e999",
        ".inf",
        ".nan",
        "1_0",
        "60:30",
        "2%",
        "x.y:z",
        "a.*:*",
        "a b",
        "a:b",
    ),
    *(
        '"a b"',
        "'a: b'",
        "[a, b]",
        "['a.**:**', c]",
        "[]",
        "{}",
        "yes",
        "~/x",
        "a -b",
        "a * b",
        "''",
        '"**:**"',
        "[ a ]",
    ),
)


def tree(node: ConfigNode | None) -> object:
    if node is None:
        return None
    value = node.value
    if isinstance(value, list):
        return node.line, [tree(one) for one in value]
    if isinstance(value, dict):
        return node.line, [(key, tree(one)) for key, one in value.items()]
    return node.line, type(value), repr(value)  # nan is not equal to itself


def by_library(text: str) -> object:
    problems: list[object] = []
    found = tree(YamlDocument(text, lambda *problem: problems.append(problem)).root())
    return problems or found


ordinary = st.sampled_from(ORDINARY)
values = ordinary | st.sampled_from(ODD) | st.text(st.characters(codec="utf-8"), max_size=6)
lines = st.builds(
    lambda indent, begin, value, end: " " * indent + begin + value + end,
    st.integers(0, 4),
    st.sampled_from(["- ", "-  ", "a: ", "b:", "key:  ", "- c: ", "- d:", "# ", "", "target: "]),
    values,
    st.sampled_from(["", "", "", " # c", "  "]),
)


@st.composite
def documents(draw: st.DrawFn, depth: int = 0) -> str:
    """A block that is mostly well-formed."""
    indent = " " * draw(st.integers(0, 2) if depth else st.just(0))
    is_list = draw(st.booleans())
    value = ordinary if draw(st.integers(0, 9)) else values
    found = []
    for key in draw(st.lists(st.sampled_from("abcdef"), min_size=1, max_size=3, unique=True)):
        comment = draw(st.sampled_from(["", "", " # c"]))
        if is_list and draw(st.booleans()):
            found.append(f"{indent}- {key}: {draw(value)}{comment}")
            found += [f"{indent}  {key}x: {draw(value)}"] if draw(st.booleans()) else []
        elif is_list:
            found.append(f"{indent}- {draw(value)}{comment}")
        elif depth < 3 and draw(st.booleans()):
            found.append(f"{indent}{key}:{comment}")
            found += [f"{indent} {line}" for line in draw(documents(depth + 1)).split("\n")]
        else:
            found.append(f"{indent}{key}: {draw(value)}{comment}")
    return "\n".join(found)


@settings(max_examples=200, deadline=None)
@given(documents() | st.lists(lines, max_size=6).map("\n".join))
@example(PLAIN)
def test_what_is_read_without_the_library_is_what_the_library_reads(text: str) -> None:
    found = read_plain(text)

    assert found is None or tree(found) == by_library(text)


@pytest.mark.parametrize("path", ["config/snapagent.yaml", "sitecustomize_example/snapagent.yaml"])
def test_the_configurations_of_this_repository_are_plain(path: str) -> None:
    text = (EXAMPLES / path).read_text(encoding="utf-8")

    assert read_plain(text) is not None
    assert tree(read_plain(text)) == by_library(text)


def test_the_plain_form_has_blocks_quotes_brackets_and_comments() -> None:
    found = read_plain(PLAIN)

    assert found is not None
    assert tree(found) == by_library(PLAIN)


@pytest.mark.parametrize("text", NOT_PLAIN.values(), ids=list(NOT_PLAIN))
def test_whatever_else_a_text_holds_is_left_to_the_library(text: str) -> None:
    assert read_plain(text) is None


def test_a_program_whose_configuration_is_plain_does_not_load_the_library() -> None:
    code = f"""if True:
        import sys
        sys.path[:] = {sys.path!r}
        from snapagent.config.reading import parse_config
        config = parse_config({PLAIN!r})
        print(len(config.rules), "yaml" in sys.modules, "re" in sys.modules)
    """
    done = subprocess.run([sys.executable, "-S", "-c", code], capture_output=True, text=True, check=False)

    assert done.stdout.split() == ["4", "False", "False"], done.stderr


def test_a_configuration_that_is_not_plain_is_read_by_the_library() -> None:
    assert parse_config("version: 1\ndefaults: {keep: 3}\n").defaults.keep == 3
