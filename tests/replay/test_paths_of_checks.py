"""Paths of checks: those that fit nothing are told, those of effects are taken, redacted places are named alike."""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path
from types import ModuleType

import pydantic
import pytest
from bundles import PROGRAM, Shop

from snapagent import load_capture

pytest_plugins = ("pytester",)

QUOTE = "till_program:quote"
CHECK = """
import pytest

@pytest.mark.captures("till_program.quote")
def test_quote(bundle):
    bundle.check(ignore=["result.currency", "result.curency", "result.args"])

@pytest.mark.captures("till_program.quote")
def test_other(bundle):
    bundle.check(ignore=["exception.args"])
"""


def test_a_verdict_names_the_paths_that_fit_nothing(shop: Shop, program: ModuleType) -> None:
    shop.capture(QUOTE, program.quote, [1, 2])
    bundle = load_capture(QUOTE, base_path=shop.base_path)
    assert bundle.check(ignore=["result.curency", "result.total"], unordered=["result.rows"]).unused == (
        "result.curency",
        "result.rows",
    )
    with pytest.raises(AssertionError, match=r"not a place in an outcome: result\.curency\)"):
        bundle.check(lambda rows, currency="USD": {"total": 0, "currency": "USD"}, ignore=["result.curency"])


@pytest.mark.parametrize("options", [(), ("-n", "1")])
def test_pytest_lists_a_path_that_fits_no_bundle_of_its_test(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, options: tuple[str, ...]
) -> None:
    if options:
        pytest.importorskip("xdist")
    pytester.makepyfile(till_program=PROGRAM, test_quote=CHECK)
    monkeypatch.syspath_prepend(str(pytester.path))
    sys.modules.pop("till_program", None)
    import till_program  # type: ignore[import-not-found]

    shop = Shop(pytester.path / "captures")
    shop.capture(QUOTE, till_program.quote, [1, 2])
    shop.capture(QUOTE, till_program.quote, [])
    result = pytester.runpytest("-p", "no:randomly", *options)
    result.assert_outcomes(passed=4)
    result.stdout.fnmatch_lines(["*paths that fit nothing*", "test_quote.py::test_quote: result.curency"])
    shown = result.stdout.str()
    assert "result.currency" not in shown and "exception.args" not in shown


class Account(pydantic.BaseModel):
    user: str
    password: str
    model_config = {"extra": "allow"}


@dataclasses.dataclass(slots=True)
class Login:
    user: str
    password: str


class Slotted:
    __slots__ = ("password", "user")

    def __init__(self, user: str, password: str) -> None:
        self.user, self.password = user, password


@pytest.mark.parametrize("kind", [Account, Login, Slotted])
def test_a_redacted_attribute_is_noted_by_the_path_of_the_comparison(
    shop: Shop, program: ModuleType, kind: type, tmp_path: Path
) -> None:
    def open_account(user: str, text: str) -> object:
        return kind(user=user, password=f"new-{text}-Hq7!pw")

    shop.capture("till_program:open_account", open_account, "eva", "abc")
    bundle = load_capture("till_program:open_account", base_path=shop.base_path)
    assert [note.path for note in bundle.header.notes] == ["result.password"]
    steps = [child["step"] for child in bundle.header.tree["result"]["children"]]  # type: ignore[index]
    assert sorted(steps) == [".password", ".user"]
    verdict = bundle.check(lambda user, text: kind(user=user, password="quite-another-9!Pw"))
    assert [one.path for one in verdict.comparison.not_compared] == ["result.password"]


def test_redaction_finds_the_extra_fields_of_a_model_by_their_names(shop: Shop, program: ModuleType) -> None:
    def make(user: str) -> object:
        return Account(user=user, password="Hq7!pw-93kd0s", api_token="Zq8-9fh2-Kd73-aa1")  # type: ignore[call-arg]

    shop.capture("till_program:make", make, "eva")
    header = load_capture("till_program:make", base_path=shop.base_path).header
    assert sorted(note.path for note in header.notes) == ["result.api_token", "result.password"]
