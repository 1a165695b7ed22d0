"""The plugin is loaded in every pytest run: it costs little, and it stays out of pytest's and coverage's way."""

from __future__ import annotations

import sys

import pytest
from bundles import Shop

pytest_plugins = ("pytester",)

HEAVY = (
    "snapagent.store",
    "snapagent.serializer",
    "snapagent.config.reading",
    "snapagent.bundle",
    "dill",
    "wrapt",
    "yaml",
)


def test_a_run_that_does_not_use_it_loads_next_to_nothing_of_it(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_it():\n    assert True\n")
    (pytester.path / "run.py").write_text(
        f"import sys, pytest\npytest.main(['-q'])\nprint('loaded:', [n for n in {HEAVY!r} if n in sys.modules])\n"
    )
    result = pytester.runpython("run.py")
    result.stdout.fnmatch_lines(["1 passed*", "loaded: []"])


def test_assertions_are_rewritten_and_nothing_warns_when_the_agent_was_imported_before(
    pytester: pytest.Pytester,
) -> None:
    pytester.makepyfile("def test_it():\n    value = [1]\n    assert value == [2]\n")
    (pytester.path / "run.py").write_text(
        "import snapagent, pytest\nsnapagent.load_capture, snapagent.install\npytest.main(['-W', 'error'])\n"
    )
    result = pytester.runpython("run.py")
    result.stdout.fnmatch_lines(["*assert ?1? == ?2?*", "*1 failed*"])
    result.stdout.no_fnmatch_line("*Warning*")


def test_the_program_is_first_imported_by_the_tests_so_coverage_sees_all_of_it(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("pytest_cov")
    pytester.makepyfile(covered_program="RATE = 2\n\n\ndef double(value):\n    return value * RATE\n")
    monkeypatch.syspath_prepend(str(pytester.path))
    import covered_program  # type: ignore[import-not-found]

    Shop(pytester.path / "captures").capture("covered_program:double", covered_program.double, 4)
    sys.modules.pop("covered_program")
    pytester.makepyfile(
        """
        import pytest

        @pytest.mark.captures("covered_program.double")
        def test_double(bundle):
            bundle.check()
        """
    )
    result = pytester.runpytest_subprocess("--cov=covered_program", "--cov-report=term")
    result.assert_outcomes(passed=1)
    result.stdout.re_match_lines([r"covered_program\.py\s+3\s+0\s+100%"])


def test_a_failed_comparison_with_an_outcome_lists_the_places(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        from snapagent.compare.outcomes import Returned

        def test_it():
            assert {"total": 4, "rows": [1]} == Returned({"total": 3, "rows": [1]})
        """
    )
    result = pytester.runpytest()
    result.stdout.fnmatch_lines(["*the outcomes differ*", "*result.total: expected 3, got 4*"])


def test_markers_are_registered(pytester: pytest.Pytester) -> None:
    result = pytester.runpytest("--markers")
    result.stdout.fnmatch_lines(["@pytest.mark.captures(target, outcome=None*"])


def test_unused_recordings_reach_the_report_of_a_distributed_run(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("xdist")
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    test = """
        import pytest

        def send(number):
            return number

        @pytest.mark.parametrize("test", [1, 2, 3, 4])
        def test_sending(side_effects, test):
            wrapped = side_effects.wrap(send)
            for number in range({calls}):
                assert wrapped(number) == number
        """
    pytester.makepyfile(test.format(calls=3))
    monkeypatch.setenv("SIDE_EFFECT_CAPTURE", "1")
    result = pytester.runpytest_subprocess("-n", "2")
    result.assert_outcomes(passed=4)
    result.stdout.fnmatch_lines(["12 recorded"])
    monkeypatch.delenv("SIDE_EFFECT_CAPTURE")
    pytester.makepyfile(test.format(calls=2))
    result = pytester.runpytest_subprocess("-n", "2", "--captures-strict")
    result.assert_outcomes(passed=4, errors=4)
    result.stdout.fnmatch_lines(["4 recordings were not used by their tests*"])
