"""An outcome that differs because the bundle lacks an argument is told as `not comparable`, never as a regression."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any
from xml.etree import ElementTree

import pytest
from bundles import PROGRAM, Shop

from snapagent import Bundle, NotComparableError, PlaceholderError, load_capture

pytest_plugins = ("pytester",)

QUOTE = "till_program:quote"
PASSWORD = "hunter2-and-more"


@pytest.fixture(autouse=True)
def importable(program: ModuleType) -> None:
    """The target of the bundles."""


def captured(
    shop: Shop, function: Callable[..., Any], *args: Any, exclude: tuple[str, ...] = (), **kwargs: Any
) -> Bundle:
    shop.capture(QUOTE, function, *args, exclude=exclude, **kwargs)
    return load_capture(QUOTE, base_path=shop.base_path)


def verify(password: str, stored: str) -> bool:
    return len(password) == 16 and stored == "kept"


def parse(name: str, password: str) -> str:
    if "hunter" not in password:
        raise ValueError(f"{name} has no such password")
    return name


def refuse(password: str) -> str:
    if password.startswith("hunter"):
        raise PermissionError("refused")
    return "welcome"


@pytest.mark.parametrize(
    ("function", "arguments"), [(verify, {"stored": "kept"}), (parse, {"name": "ann"}), (refuse, {})]
)
def test_a_difference_after_a_redacted_argument_is_not_comparable(
    shop: Shop, function: Callable[..., Any], arguments: dict[str, Any]
) -> None:
    bundle = captured(shop, function, password=PASSWORD, **arguments)

    verdict = bundle.verdict(function)

    assert verdict.kind == "not comparable"
    assert str(verdict).startswith("not comparable: `password` was redacted")
    assert verdict.paths == ("password",)
    assert "expected" in str(verdict) and "got" in str(verdict)


def test_equal_stays_equal_although_an_argument_was_redacted(shop: Shop) -> None:
    def welcome(name: str, password: str) -> str:
        return f"welcome {name}"

    assert captured(shop, welcome, "ann", password=PASSWORD).verdict(welcome).kind == "equal"


def test_check_raises_an_assertion_that_names_the_argument(shop: Shop) -> None:
    bundle = captured(shop, verify, password=PASSWORD, stored="kept")

    with pytest.raises(AssertionError, match=r"not comparable: `password` was redacted(.|\n)*expected True, got False"):
        bundle.check(verify)
    with pytest.raises(NotComparableError) as caught:
        asyncio.run(bundle.acheck(verify))
    assert caught.value.paths == ("password",)


def test_an_argument_that_the_test_supplies_makes_it_comparable_again(shop: Shop) -> None:
    bundle = captured(shop, verify, password=PASSWORD, stored="kept").using(password=PASSWORD)

    assert bundle.verdict(verify).kind == "equal"
    assert bundle.verdict(lambda password, stored: None).kind == "changed"


class File:
    def read(self) -> str:
        return "text"


def reads(file: Any) -> str:
    try:
        return str(file.read())
    except Exception:
        return "nothing"


def counts(file: Any) -> int:
    try:
        return len(file)
    except Exception:
        return -1


def sets(file: Any) -> str:
    object.__setattr__(file, "position", 3)
    return "set"


def joins(file: Any) -> str:
    return "".join([file])


def looks(file: Any) -> str:
    return "file" if isinstance(file, File) else "other"


def wraps(file: Any) -> str:
    try:
        return str(file.read())
    except Exception as error:
        raise OSError("cannot be read") from error


def hands_back(file: Any) -> list[Any]:
    return [len(repr(type(file))), file]


def prints(file: Any) -> str:
    return f"{file}"[:5]


def looks_up(file: Any) -> int:
    return {"abc": 1}.get(file, 0)


async def gathers(file: Any) -> int:
    found = await asyncio.gather(file, return_exceptions=True)
    return sum(isinstance(one, Exception) for one in found)


class Text(File, str):
    def __len__(self) -> int:
        return 4


async def _text() -> str:
    return "text"


class Future:
    def __await__(self) -> Any:
        return _text().__await__()


@pytest.mark.parametrize(
    ("function", "value"),
    [
        (reads, File()),
        (counts, [1, 2]),
        (sets, File()),
        (joins, Text("abc")),
        (looks, File()),
        (wraps, File()),
        (hands_back, "abc"),
        (prints, "abc"),
        (looks_up, "abc"),
        (gathers, Future()),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_placeholder_that_is_swallowed_or_handed_to_c_is_not_comparable(
    shop: Shop, function: Callable[..., Any], value: Any
) -> None:
    bundle = captured(shop, function, value, exclude=("file",))

    verdict = bundle.verdict(function)

    assert verdict.kind == "not comparable", str(verdict)
    assert "`file` is a placeholder" in verdict.reason
    assert verdict.paths == ("file",)


def test_a_use_that_ends_the_call_is_not_comparable_and_says_what_to_do(shop: Shop) -> None:
    def size(file: Any) -> int:
        return len(file)

    bundle = captured(shop, size, [1], exclude=("file",))

    verdict = bundle.verdict(size)

    assert (verdict.kind, verdict.paths) == ("not comparable", ("file",))
    assert "facsimile" in verdict.reason
    with pytest.raises(NotComparableError, match="facsimile") as caught:
        bundle.check(size)
    assert isinstance(caught.value.__cause__, PlaceholderError)
    with pytest.raises(PlaceholderError):
        bundle.call(size)


def test_a_placeholder_that_nobody_touches_does_not_hide_a_regression(shop: Shop) -> None:
    bundle = captured(shop, lambda rows, log: sum(rows), [1, 2], log=File(), exclude=("log",))

    assert bundle.verdict(lambda rows, log: sum(rows)).kind == "equal"
    assert bundle.verdict(lambda rows, log: sum(rows) + 1).kind == "changed"
    assert bundle.verdict(lambda rows, log: [log and None, sum(rows)]).kind == "not comparable"


def test_a_facsimile_makes_it_comparable_again(shop: Shop) -> None:
    captured(shop, reads, File(), exclude=("file",))

    bundle = load_capture(QUOTE, base_path=shop.base_path, facsimiles={"file": File()})

    assert bundle.verdict(reads).kind == "equal"
    assert bundle.verdict(lambda file: "other").kind == "changed"


# -- in pytest and on the command line ------------------------------------------------------------------------------

TEST = """
import pytest

@pytest.mark.captures("till_program.verify")
def test_verify(bundle):
    bundle.check()

@pytest.mark.captures("till_program.quote")
def test_quote(bundle):
    bundle.check()
"""
VERIFY = """
def verify(password, stored):
    return len(password) == 16 and stored == "kept"
"""


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """A program and two bundles of it: `verify` lost its password, `quote` is whole."""
    pytester.makepyfile(till_program=PROGRAM + VERIFY)
    pytester.makepyfile(TEST)
    monkeypatch.syspath_prepend(str(pytester.path))
    sys.modules.pop("till_program", None)
    import till_program  # type: ignore[import-not-found]

    shop = Shop(pytester.path / "captures")
    shop.capture("till_program:verify", till_program.verify, PASSWORD, "kept")
    shop.capture(QUOTE, till_program.quote, [1])
    return pytester


@pytest.mark.parametrize(
    ("mode", "outcomes"),
    [
        ("", {"passed": 1, "failed": 1}),
        ("fail", {"passed": 1, "failed": 1}),
        ("skip", {"passed": 1, "skipped": 1}),
        ("xfail", {"passed": 1, "xfailed": 1}),
        ("never", {"passed": 1, "failed": 1}),
    ],
)
def test_an_ini_option_says_what_pytest_makes_of_it(
    project: pytest.Pytester, mode: str, outcomes: dict[str, int]
) -> None:
    project.makeini(f"[pytest]\n{f'captures_incomparable = {mode}' if mode else ''}\n")

    result = project.runpytest("-rA", "-p", "no:randomly")

    result.assert_outcomes(**outcomes)
    assert "not comparable: `password` was redacted" in result.stdout.str()
    assert ("captures_incomparable is 'never'" in result.stdout.str()) is (mode == "never")


def test_the_option_leaves_real_regressions_alone(project: pytest.Pytester) -> None:
    project.makeini("[pytest]\ncaptures_incomparable = skip\n")
    path = project.path / "till_program.py"
    path.write_text(path.read_text().replace("sum(rows)", "sum(rows) + 1"))

    project.runpytest_subprocess("-p", "no:randomly").assert_outcomes(failed=1, skipped=1)


OWN_TEST = """
import pytest

@pytest.mark.captures("till_program.verify")
def test_verify(bundle):
    assert bundle.call() == bundle.result

@pytest.mark.captures("till_program.measure")
def test_measure(bundle):
    assert bundle.call() == bundle.result
"""


@pytest.mark.parametrize(
    ("mode", "outcomes"),
    [("fail", {"failed": 2}), ("skip", {"failed": 1, "skipped": 1}), ("xfail", {"failed": 1, "xfailed": 1})],
)
def test_a_test_that_compares_by_itself_is_told_what_its_bundle_lacks(
    project: pytest.Pytester, mode: str, outcomes: dict[str, int]
) -> None:
    path = project.path / "till_program.py"
    path.write_text(path.read_text() + "\ndef measure(file):\n    return len(file)\n")
    Shop(project.path / "captures").capture("till_program:measure", lambda file: len(file), [1], exclude=("file",))
    for old in project.path.glob("test_*.py"):
        old.unlink()
    project.makepyfile(OWN_TEST)
    project.makeini(f"[pytest]\ncaptures_incomparable = {mode}\n")

    result = project.runpytest_subprocess("-rA", "-p", "no:randomly")

    result.assert_outcomes(**outcomes)
    assert "`password` of this bundle was redacted" in result.stdout.str()
    assert "not comparable: " in result.stdout.str()


def replay(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "snapagent", "replay", *options]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60, check=False)


def test_replay_counts_it_apart_and_exits_1_unless_told_not_to(project: pytest.Pytester) -> None:
    done = replay(project.path, "--json", "--junit-xml", "report.xml")

    data = json.loads(done.stdout)
    assert done.returncode == 1
    assert data["summary"] == {
        "equal": 1, "changed": 0, "broken": 0, "fixed": 0, "not comparable": 1, "not replayable": 0
    }  # fmt: skip
    (result,) = [result for result in data["results"] if result["kind"] == "not comparable"]
    assert result["reason"] == "`password` was redacted"
    assert result["paths"] == ["password"]
    assert [difference["path"] for difference in result["differences"]] == ["result"]
    suite = ElementTree.parse(project.path / "report.xml").getroot()
    assert (suite.get("errors"), suite.get("failures")) == ("1", "0")
    (error,) = suite.iter("error")
    assert error.get("message") == "not comparable: `password` was redacted"

    skipped = replay(project.path, "--skip-unreplayable", "--junit-xml", "report.xml")

    assert skipped.returncode == 0, skipped.stdout
    assert "NOT COMPARABLE" in skipped.stdout
    assert "`password` was redacted" in skipped.stdout
    assert ElementTree.parse(project.path / "report.xml").getroot().get("skipped") == "1"
