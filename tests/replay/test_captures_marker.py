"""The marker `captures` and the fixture `bundle`, in real pytest runs."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from types import ModuleType

import pytest
from bundles import NOON, PROGRAM, Shop

pytest_plugins = ("pytester",)

TEST = """
import pytest

@pytest.mark.captures("till_program.quote"{options})
def test_quote(bundle):
    bundle.check()
"""


@pytest.fixture
def till(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The program, importable in here and in the runs."""
    pytester.makepyfile(till_program=PROGRAM)
    monkeypatch.syspath_prepend(str(pytester.path))
    sys.modules.pop("till_program", None)
    import till_program  # type: ignore[import-not-found]

    found: ModuleType = till_program
    return found


@pytest.fixture
def captures(pytester: pytest.Pytester) -> Shop:
    """The folder that is looked into when nobody says another."""
    return Shop(pytester.path / "captures")


def ids_of(result: pytest.RunResult) -> list[str]:
    lines = [line.split()[0] for line in result.outlines if "::" in line]
    return [line.partition("::")[2] for line in lines]


def test_each_bundle_is_a_test_with_a_stable_id(pytester: pytest.Pytester, till: ModuleType, captures: Shop) -> None:
    first = captures.capture("till_program:quote", till.quote, [1])
    second = captures.capture("till_program:quote", till.quote, [])
    pytester.makepyfile(TEST.format(options=""))
    result = pytester.runpytest("-v", "-p", "no:randomly")
    result.assert_outcomes(passed=2)
    assert ids_of(result)[:2] == [
        f"test_quote[{first.short_hash}-returned]",
        f"test_quote[{second.short_hash}-raised]",
    ]


def test_twins_are_numbered_in_time_order(pytester: pytest.Pytester, till: ModuleType, captures: Shop) -> None:
    entries = [captures.capture("till_program:quote", till.quote, [1], when=NOON + n) for n in (3, 1, 2)]
    digits = entries[0].short_hash
    pytester.makepyfile(
        """
        import pytest

        @pytest.mark.captures("till_program.quote")
        def test_quote(bundle):
            print("second is", bundle.timestamp.second)
        """
    )
    result = pytester.runpytest("-vs", "-p", "no:randomly")
    lines = [line for line in result.outlines if "second is" in line]
    assert [line.partition("::")[2].split()[0] for line in lines] == [
        f"test_quote[{digits}-returned]",
        f"test_quote[{digits}-returned-2]",
        f"test_quote[{digits}-returned-3]",
    ]
    assert [line.split("second is ")[1].split()[0] for line in lines] == ["1", "2", "3"]


def test_the_markers_options_choose(pytester: pytest.Pytester, till: ModuleType, captures: Shop) -> None:
    captures.capture("till_program:quote", till.quote, [])
    captures.capture("till_program:quote", till.quote, [1])
    newest = captures.capture("till_program:quote", till.quote, [2])
    for options, number in (
        (", outcome='raised'", 1),
        (", limit=2", 2),
        (f", hash='{newest.short_hash}'", 1),
        (f", base_path={captures.base_path!r}", 3),
        ("", 3),
    ):
        pytester.makepyfile(TEST.format(options=options))
        pytester.runpytest().assert_outcomes(passed=number)


def test_a_changed_function_fails_with_the_paths(pytester: pytest.Pytester, till: ModuleType, captures: Shop) -> None:
    captures.capture("till_program:quote", till.quote, [1, 2])
    changed = PROGRAM.replace('"total": sum(rows)', '"total": sum(rows) + 1')
    pytester.makepyfile(TEST.format(options=""), till_program=changed)
    result = pytester.runpytest_subprocess()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*result.total: expected 3, got 4*"])


@pytest.mark.parametrize(
    ("mode", "outcomes"),
    [(None, {"failed": 1}), ("fail", {"failed": 1}), ("skip", {"skipped": 1}), ("xfail", {"xfailed": 1})],
)
def test_no_bundles_fail_unless_the_ini_says_otherwise(
    pytester: pytest.Pytester, till: ModuleType, mode: str | None, outcomes: dict[str, int]
) -> None:
    pytester.makepyfile(TEST.format(options=""))
    pytester.makeini(f"[pytest]\n{f'captures_missing = {mode}' if mode else ''}\n")
    result = pytester.runpytest("-v", "-rA")
    result.assert_outcomes(**outcomes)
    result.stdout.fnmatch_lines(["*test_quote?no-bundle?*", "*no bundle of 'till_program.quote'*"])


def test_a_torn_bundle_fails_its_own_test_only(pytester: pytest.Pytester, till: ModuleType, captures: Shop) -> None:
    captures.capture("till_program:quote", till.quote, [1])
    entry = captures.capture("till_program:quote", till.quote, [2])
    data = Path(entry.path).read_bytes()
    Path(entry.path).write_bytes(data[:-1])
    pytester.makepyfile(TEST.format(options=""))
    result = pytester.runpytest()
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines([f"*{entry.name}*digest*"])


def test_the_folder_is_relative_to_the_rootdir(pytester: pytest.Pytester, till: ModuleType) -> None:
    Shop(pytester.path / "recorded").capture("till_program:quote", till.quote, [1])
    (pytester.path / "below").mkdir()
    pytester.makeini("[pytest]\ncaptures_dir = recorded\npythonpath = .\n")
    pytester.makepyfile(
        **{
            "below/test_it": """
            import os, pytest
            from snapagent import load_capture

            @pytest.mark.captures("till_program.quote")
            def test_quote(bundle, tmp_path, monkeypatch):
                monkeypatch.chdir(tmp_path)
                assert load_capture("till_program.quote").args == bundle.args
            """
        }
    )
    pytester.runpytest_subprocess("below").assert_outcomes(passed=1)
    pytester.makeini("[pytest]\ncaptures_dir = elsewhere\npythonpath = .\n")
    pytester.runpytest_subprocess("below", "--captures-dir", "recorded").assert_outcomes(passed=1)


def test_a_wrong_marker_is_explained(pytester: pytest.Pytester, till: ModuleType) -> None:
    pytester.makepyfile(TEST.format(options=", outcom='raised'"))
    result = pytester.runpytest()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*outcome, hash, limit*not 'outcom'*"])


def test_a_test_in_a_folder_of_its_own_finds_what_it_captured_there(pytester: pytest.Pytester) -> None:
    """The rootdir goes first; only a function that has nothing there is looked for below the working directory."""
    pytester.makepyfile("""
        from snapagent import capture, load_capture

        def f(x):
            return x

        def test_at_the_root():
            capture(enabled=True)(f)(1)
            assert load_capture(f).args == (1,)

        def test_elsewhere(tmp_path, monkeypatch):
            monkeypatch.chdir(tmp_path)
            capture(enabled=True)(f)(2)
            assert load_capture(f).args == (1,)
            g = capture(enabled=True)(lambda x: x)
            g(3)
            assert load_capture(g).path.is_relative_to(tmp_path)
    """)
    pytester.runpytest_subprocess("-p", "no:randomly").assert_outcomes(passed=2)


@pytest.mark.parametrize("arguments", ["'till_program.quote', limit='x'", "'till_program.quote', limit=0", "5", ""])
def test_an_impossible_marker_is_one_failing_test_and_stops_no_other(
    pytester: pytest.Pytester, till: ModuleType, captures: Shop, arguments: str
) -> None:
    captures.capture("till_program:quote", till.quote, [1])
    pytester.makepyfile(
        TEST.format(options="") + TEST.replace('"till_program.quote"{options}', arguments).replace("_q", "_x")
    )
    result = pytester.runpytest()
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["*the marker captures(*"])


def test_the_target_may_be_given_by_name(pytester: pytest.Pytester, till: ModuleType, captures: Shop) -> None:
    captures.capture("till_program:quote", till.quote, [1])
    pytester.makepyfile(TEST.replace('"till', 'target="till').format(options=""))
    pytester.runpytest().assert_outcomes(passed=1)


def test_the_marker_without_the_fixture_and_the_fixture_without_the_marker(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        test_a="""
        import pytest

        @pytest.mark.captures("till_program.quote")
        def test_quote():
            pass
        """,
        test_b="""
        def test_quote(bundle):
            pass
        """,
    )
    result = pytester.runpytest()
    result.assert_outcomes(failed=1, errors=1)
    result.stdout.fnmatch_lines(["*takes the fixture 'bundle'*"])
    result.stdout.fnmatch_lines(["*needs the marker: @pytest.mark.captures*"])


def test_the_marker_of_a_class_or_module_is_for_the_tests_that_take_the_bundle(
    pytester: pytest.Pytester, till: ModuleType, captures: Shop
) -> None:
    captures.capture("till_program:quote", till.quote, [1])
    pytester.makepyfile("""
        import pytest

        pytestmark = pytest.mark.captures("till_program.quote")

        @pytest.mark.captures("till_program.quote")
        class TestQuote:
            def test_each(self, bundle):
                bundle.check()

            def test_another_thing(self):
                pass

        def test_a_third():
            pass
    """)
    pytester.runpytest().assert_outcomes(passed=3)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_bundles_of_the_owner_of_the_checkout_are_trusted(
    pytester: pytest.Pytester, till: ModuleType, captures: Shop
) -> None:
    captures.capture("till_program:quote", till.quote, [1])
    pytester.makepyfile(TEST.format(options=""))
    for path in (pytester.path / "captures").rglob("*"):
        os.chown(path, 12345, 12345)
    pytester.runpytest().assert_outcomes(failed=1)
    os.chown(pytester.path, 12345, 12345)
    pytester.runpytest().assert_outcomes(passed=1)


def test_the_ids_work_with_k_and_last_failed(pytester: pytest.Pytester, till: ModuleType, captures: Shop) -> None:
    captures.capture("till_program:quote", till.quote, [1])
    raised = captures.capture("till_program:quote", till.quote, [])
    pytester.makepyfile(
        """
        import pytest

        @pytest.mark.captures("till_program.quote")
        def test_quote(bundle):
            assert bundle.outcome == "returned"
        """
    )
    pytester.runpytest("-k", f"{raised.short_hash}-raised").assert_outcomes(failed=1, deselected=1)
    pytester.runpytest().assert_outcomes(failed=1, passed=1)
    result = pytester.runpytest("--lf", "-v")
    result.assert_outcomes(failed=1)
    assert f"{raised.short_hash}-raised" in result.stdout.str()


def test_ids_and_outcomes_are_the_same_under_xdist(pytester: pytest.Pytester, till: ModuleType, captures: Shop) -> None:
    pytest.importorskip("xdist")
    for number in range(6):
        captures.capture("till_program:quote", till.quote, [number] * number)
    pytester.makepyfile(TEST.format(options=""))
    alone = pytester.runpytest_subprocess("-v", "-p", "no:randomly")
    spread = pytester.runpytest_subprocess("-v", "-n", "2", "-p", "no:randomly")
    alone.assert_outcomes(passed=6)
    spread.assert_outcomes(passed=6)
    found = {line.split("test_quote[")[1].split("]")[0] for line in spread.outlines if "PASSED" in line}
    assert found == {name.removeprefix("test_quote[").rstrip("]") for name in ids_of(alone)}


def test_async_tests_and_classes_can_carry_the_marker(
    pytester: pytest.Pytester, till: ModuleType, captures: Shop
) -> None:
    captures.capture("till_program:fetch", till.fetch, "k")
    pytester.makepyfile(
        """
        import asyncio, pytest

        @pytest.mark.captures("till_program.fetch")
        class TestFetch:
            def test_it(self, bundle):
                asyncio.run(self.inside(bundle))

            async def inside(self, bundle):
                assert (await bundle.acheck()).kind == "equal"
        """
    )
    pytester.runpytest().assert_outcomes(passed=1)
