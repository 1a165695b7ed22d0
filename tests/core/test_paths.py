from __future__ import annotations

import pytest

from snapagent.core.paths import PathPattern, Step, format_path, parameter_key, parse_path


def steps(*keys: object) -> tuple[Step, ...]:
    return tuple(Step.attribute(key) if isinstance(key, str) else Step.item(key) for key in keys)


@pytest.mark.parametrize(
    ("pattern", "path"),
    [
        ("self.model", ("self", "model")),
        ("kwargs.session", ("kwargs", "session")),
        ("rows[0]", ("rows", 0)),
        ("rows[-1]", ("rows", -1)),
        ("rows[*].owner", ("rows", 12, "owner")),
        ("rows.*.owner", ("rows", "first", "owner")),
        ("table['odd key'][3]", ("table", "odd key", 3)),
        ("table['a]b']", ("table", "a]b")),
        ("table['name']", ("table", "name")),
        ("table[b'raw']", ("table", b"raw")),
        ("table[None]", ("table", None)),
        ("**.password", ("password",)),
        ("**.password", ("user", "login", 0, "password")),
        ("self.**", ("self",)),
        ("self.**.key", ("self", "a", "b", "key")),
        ("*", ("anything",)),
        ("result.created_at", ("result", "created_at")),
        ("arguments.result.x", ("arguments.result", "x")),
        ("arguments.rows", ("rows",)),
    ],
)
def test_a_path_names_its_place(pattern: str, path: tuple[object, ...]) -> None:
    assert parse_path(pattern).matches(steps(*path))


@pytest.mark.parametrize(
    ("pattern", "path"),
    [
        ("self.model", ("self",)),
        ("self.model", ("self", "model", "weights")),
        ("rows[0]", ("rows", "0")),
        ("rows[0]", ("rows", False)),
        ("rows[*].owner", ("rows", "owner")),
        ("*", ("a", "b")),
        ("**.password", ("password", "hint")),
        ("result.x", ("arguments.result", "x")),
    ],
)
def test_a_path_names_no_other_place(pattern: str, path: tuple[object, ...]) -> None:
    assert not parse_path(pattern).matches(steps(*path))


@pytest.mark.parametrize("text", ["", " ", ".a", "a.", "a..b", "a[", "a[x]", "[0]", "a b", "a[0]b", "a[[1]]", "a-b"])
def test_what_is_no_path_is_refused_with_the_text(text: str) -> None:
    with pytest.raises(ValueError, match="path"):
        parse_path(text)


@pytest.mark.parametrize(
    "text", ["self.model", "rows[0].owner", "table['odd key']", "kwargs[b'x']", "arguments.result", "**.secret", "a.*"]
)
def test_a_parsed_path_prints_as_a_path_that_means_the_same(text: str) -> None:
    assert parse_path(str(parse_path(text))) == parse_path(text)


def test_a_concrete_path_prints_as_it_is_written() -> None:
    assert format_path(steps("rows", 0, "owner")) == "rows[0].owner"
    assert format_path(steps("table", "odd key", b"x", None)) == "table['odd key'][b'x'][None]"


def test_a_key_of_a_foreign_type_is_neither_printed_nor_compared() -> None:
    class Loud:
        def __repr__(self) -> str:
            raise AssertionError("its repr was called")

        def __eq__(self, other: object) -> bool:
            raise AssertionError("it was compared")

        __hash__ = object.__hash__

    path = (Step.attribute("table"), Step.item(Loud()))

    assert format_path(path).endswith(".Loud>]")
    assert not parse_path("table[0]").matches(path)


def test_long_keys_are_shortened_and_control_characters_are_escaped() -> None:
    text = format_path((Step.attribute("table"), Step.item("\x1b[31m" + "x" * 500)))

    assert len(text) < 120
    assert "\x1b" not in text


@pytest.mark.parametrize(("name", "key"), [("rows", "rows"), ("result", "arguments.result")])
def test_a_parameter_called_like_the_outcome_is_written_with_a_prefix(name: str, key: str) -> None:
    assert parameter_key(name) == key
    assert parse_path(f"arguments.{name}").tokens == (key,)


def test_a_pattern_says_which_part_of_a_call_it_concerns() -> None:
    def concerns(text: str) -> tuple[bool, bool]:
        pattern = parse_path(text)
        return pattern.concerns_arguments, pattern.concerns_outcome

    assert concerns("self.model") == (True, False)
    assert concerns("result.model") == (False, True)
    assert concerns("**.model") == (True, True)
    assert concerns("arguments.result") == (True, False)


def test_equal_steps_are_one_key_in_a_set() -> None:
    assert {Step.attribute("a"), Step.item("a"), Step.item(1), Step.item(True)} == {
        Step.attribute("a"),
        Step.item(1),
        Step.item(True),
    }
    assert len({PathPattern(("a",)), parse_path("a")}) == 1
