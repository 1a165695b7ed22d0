"""Returned and raised as values, and the verdict over two of them."""

from __future__ import annotations

from unittest import mock

import pytest

from snapagent.compare import make_options
from snapagent.compare.outcomes import Outcome, Raised, Returned, in_comparable_form, judge


class Thing:
    pass


PAIRS = [
    (Returned(1), Returned(1), "equal"),
    (Returned(None), Returned(0), "changed"),
    (Raised(ValueError("x")), Raised(ValueError("x")), "equal"),
    (Raised(ValueError("x")), Raised(ValueError("y")), "changed"),
    (Raised(ValueError("x")), Raised(KeyError("x")), "changed"),
    (Raised(ValueError("x")), Returned(1), "fixed"),
    (Returned(1), Raised(ValueError("x")), "broken"),
]


@pytest.mark.parametrize(("expected", "got", "kind"), PAIRS)
def test_the_verdict_names_what_became_of_the_call(expected: Outcome, got: Outcome, kind: str) -> None:
    verdict = judge(expected, got, make_options())
    assert verdict.kind == kind
    assert bool(verdict) is (kind == "equal")
    assert kind in str(verdict)


def test_raised_outcomes_compare_and_print_the_same_on_every_run() -> None:
    error = ValueError("bad", Thing())
    error.add_note("row 3")
    assert repr(Raised(error)) == "Raised(ValueError('bad', <Thing>) with notes ['row 3'])"
    assert Raised(ValueError("x")) == Raised(ValueError("x"))
    assert Raised(ValueError("x")) != Raised(ValueError("y"))
    assert Raised(ValueError("x")) != Returned(ValueError("x"))


def test_matchers_have_their_own_say() -> None:
    assert Returned(1) == mock.ANY
    assert mock.ANY == Returned(1)  # noqa: SIM300 - the other order is the point
    assert Returned(1) == 1
    assert Returned(1) != 1.0
    assert Returned(1) != "1"


def test_plain_values_are_compared_as_they_are() -> None:
    assert in_comparable_form(Returned({"a": [1]})) == {"a": [1]}
    assert isinstance(in_comparable_form(Raised(ValueError())), Raised)
