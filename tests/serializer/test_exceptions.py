"""Exceptions come back as they were, whatever their constructor wants, with chain, notes and groups."""

from __future__ import annotations

import json
import socket
import subprocess
import urllib.error
from typing import Any

import pytest
from freezes import frozen

from snapagent.errors import ConfigError, PlaceholderError
from snapagent.placeholder import Placeholder
from snapagent.serializer.freezing.freeze import FreezeRules, freeze_outcome
from snapagent.serializer.thawing.load import thaw

RULES = FreezeRules()


def again(error: BaseException) -> Any:
    return thaw(freeze_outcome(error, True, RULES).data)


class TwoArguments(Exception):
    def __init__(self, code: int, text: str) -> None:
        super().__init__(f"{code}: {text}")
        self.code = code
        self.text = text


class KeywordOnly(ValueError):
    def __init__(self, *, field: str) -> None:
        super().__init__()
        self.field = field


class NeverInitialised(Exception):
    made = 0

    def __init__(self) -> None:
        type(self).made += 1
        super().__init__("made")


class Strict(Exception):
    """Allows no change."""

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError("frozen")

    def __setstate__(self, state: object) -> None:
        raise AssertionError("its own hook was called")


class WithSlots(Exception):
    __slots__ = ("code",)

    def __init__(self, code: int) -> None:
        self.code = code


class Missing(FileNotFoundError):
    def __init__(self, name: str) -> None:
        super().__init__(2, "not here", name)
        self.name = name


class Local(Exception):
    def __init__(self, connection: object) -> None:
        super().__init__("lost", connection)
        self.connection = connection


def test_a_constructor_with_other_arguments_is_not_called() -> None:
    error = again(TwoArguments(404, "gone"))

    assert type(error) is TwoArguments
    assert (error.args, error.code, error.text, str(error)) == (("404: gone",), 404, "gone", "404: gone")
    assert again(KeywordOnly(field="x")).field == "x"

    original = NeverInitialised()
    NeverInitialised.made = 0
    assert again(original).args == ("made",)
    assert NeverInitialised.made == 0


@pytest.mark.parametrize("error", [Strict("a"), WithSlots(3)])
def test_hooks_and_slots_of_the_class_do_not_hinder(error: Any) -> None:
    loaded = again(error)

    assert (type(loaded), loaded.args) == (type(error), error.args)
    assert getattr(loaded, "code", None) == getattr(error, "code", None)


def decode_error() -> BaseException:
    try:
        json.loads("{")
    except ValueError as error:
        return error
    raise AssertionError


def unicode_error() -> BaseException:
    try:
        b"\xff".decode("utf-8")
    except ValueError as error:
        return error
    raise AssertionError


BUILT_IN = [
    (OSError(2, "not here", "a.txt"), ("errno", "strerror", "filename")),
    (OSError(18, "cross", "a", None, "b"), ("errno", "filename", "filename2")),
    (Missing("a.txt"), ("errno", "filename", "name")),
    (ImportError("no", name="m", path="p"), ("name", "path")),
    (SystemExit(3), ("code",)),
    (StopIteration(7), ("value",)),
    (KeyError("k"), ()),
    (SyntaxError("bad", ("f.py", 1, 2, "x = ", 1, 3)), ("msg", "filename", "lineno", "text")),
    (unicode_error(), ("encoding", "object", "start", "end", "reason")),
    (decode_error(), ("msg", "doc", "pos", "lineno")),
    (subprocess.CalledProcessError(3, ["ls"], b"out"), ("returncode", "cmd", "output")),
    (urllib.error.URLError("no"), ("reason",)),
    (socket.gaierror(-2, "unknown"), ("errno",)),
    (ConfigError("bad", "f.yaml", 3), ("problem", "file", "line")),
]


@pytest.mark.parametrize(("error", "fields"), BUILT_IN, ids=lambda value: type(value).__name__)
def test_the_fields_of_library_exceptions_are_kept(error: BaseException, fields: tuple[str, ...]) -> None:
    loaded = again(error)

    assert type(loaded) is type(error)
    assert loaded.args == error.args
    assert str(loaded) == str(error)
    assert [getattr(loaded, name) for name in fields] == [getattr(error, name) for name in fields]


def raised(error: BaseException, cause: BaseException | None = None) -> BaseException:
    try:
        raise error from cause
    except BaseException as caught:
        return caught


def test_cause_context_and_notes_are_kept() -> None:
    try:
        try:
            raise KeyError("inner")
        except KeyError as inner:
            inner.add_note("looked twice")
            raise TwoArguments(1, "outer") from inner
    except TwoArguments as caught:
        caught.add_note("while quoting")
        error = again(caught)

    assert error.__notes__ == ["while quoting"]
    assert type(error.__cause__) is KeyError
    assert error.__cause__.__notes__ == ["looked twice"]
    assert error.__context__ is error.__cause__
    assert error.__suppress_context__


def test_a_context_without_a_cause_is_not_suppressed() -> None:
    try:
        try:
            raise KeyError("inner")
        except KeyError:
            raise ValueError("outer")  # noqa: B904 - the context is the point
    except ValueError as caught:
        error = again(caught)

    assert (type(error.__context__), error.__cause__, error.__suppress_context__) == (KeyError, None, False)


def test_groups_are_kept_with_their_members() -> None:
    group = ExceptionGroup("all", [TwoArguments(1, "a"), ExceptionGroup("some", [KeyError("k")])])

    error = again(group)

    assert error.message == "all"
    assert [type(member) for member in error.exceptions] == [TwoArguments, ExceptionGroup]
    assert error.exceptions[0].code == 1
    assert error.exceptions[1].exceptions[0].args == ("k",)


def test_an_exception_may_refer_to_itself() -> None:
    error = ValueError("a")
    error.me = error  # type: ignore[attr-defined]

    loaded = again(error)

    assert loaded.me is loaded


def test_a_long_chain_is_cut_and_not_too_deep() -> None:
    error: BaseException = ValueError("0")
    for number in range(2000):
        outer = ValueError(str(number))
        outer.__context__ = error
        error = outer

    result = freeze_outcome(error, True, RULES)

    loaded, links = thaw(result.data), 0
    while loaded.__context__ is not None:
        loaded, links = loaded.__context__, links + 1
    assert links == 20


def test_what_cannot_be_stored_inside_an_exception_is_a_placeholder_there() -> None:
    with socket.socket() as connection:
        error = again(Local(connection))

    assert error.args[0] == "lost"
    assert type(error.connection) is Placeholder
    with pytest.raises(PlaceholderError, match=r"exception\.connection|exception\.args"):
        error.connection.recv(1)


def test_an_exception_of_a_class_that_has_no_name_is_kept() -> None:
    class Inner(Exception):
        def __init__(self, a: int, b: int) -> None:
            self.sum = a + b

    error = again(Inner(1, 2))

    assert (type(error).__name__, error.sum) == ("Inner", 3)


def test_the_places_of_the_traceback_are_in_the_bytes_of_what_a_call_raised() -> None:
    error = raised(ValueError("x"))

    assert b"in raised" in freeze_outcome(error, True, RULES).data
    assert b"in raised" not in frozen(error).data  # as a mere value it must compare with others


def test_loading_leaves_nothing_behind_in_the_attributes() -> None:
    assert vars(again(raised(ValueError("x")))) == {}
