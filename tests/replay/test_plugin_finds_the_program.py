"""In pytest the captured package is found, the application is set up once, and a problem is one short line."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from bundles import Shop

pytest_plugins = ("pytester",)

PRICES = "from tilling import state\n\ndef price(n):\n    return n * state.RATE\n"


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project as its author has it: the package in `src`, captures beside it, no `pythonpath` anywhere."""
    package = pytester.path / "src" / "tilling"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "state.py").write_text("RATE = 2\nTIMES = 0\n\ndef prepare():\n    global TIMES\n    TIMES += 1\n")
    (package / "prices.py").write_text(PRICES)
    pytester.makeini("[pytest]\naddopts = -p no:randomly\n")
    with monkeypatch.context() as patched:
        patched.syspath_prepend(str(package.parent))
        from tilling.prices import price  # type: ignore[import-not-found]

        shop = Shop(pytester.path / "captures")
        for n in range(3):
            shop.capture("tilling.prices:price", price, n)
    for name in [name for name in sys.modules if name.partition(".")[0] == "tilling"]:
        del sys.modules[name]
    return pytester.path


MARKED = """
import pytest

@pytest.mark.captures("tilling.prices.price")
def test_price(bundle):
    bundle.check()
"""


def test_the_package_is_found_also_by_imports_of_the_test_file(project: Path, pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_it="from tilling.prices import price\n" + MARKED)

    pytester.runpytest_subprocess().assert_outcomes(passed=3)


def test_the_package_is_found_below_a_folder_that_only_the_header_names(
    project: Path, pytester: pytest.Pytester
) -> None:
    (project / "src").rename(project / "backend")
    for path in (project / "captures").glob("*/*.pkl"):
        path.unlink()
    (project / "snapagent.yaml").write_text("version: 1\nsync: true\nbudget: 100%\ntargets: ['tilling.prices:*']\n")
    drive = "import sys; sys.path.insert(0, 'backend'); from tilling.prices import price; price(3)"
    done = pytester.run(sys.executable, "-m", "snapagent", "run", "--on", "--", sys.executable, "-c", drive)
    assert done.ret == 0
    pytester.makepyfile(test_it=MARKED)

    pytester.runpytest_subprocess().assert_outcomes(passed=1)


def test_the_setup_of_the_config_runs_once_before_the_first_bundle(project: Path, pytester: pytest.Pytester) -> None:
    (project / "snapagent.yaml").write_text("version: 1\nsetup: tilling.state:prepare\n")
    text = MARKED.replace("    bundle.check()", "    from tilling import state\n    assert state.TIMES == 1")
    pytester.makepyfile(test_it=text)

    pytester.runpytest_subprocess().assert_outcomes(passed=3)


def test_a_setup_that_fails_is_said_in_one_line(project: Path, pytester: pytest.Pytester) -> None:
    (project / "snapagent.yaml").write_text("version: 1\nsetup: tilling.state:gone\n")
    pytester.makepyfile(test_it=MARKED)

    result = pytester.runpytest_subprocess()

    result.assert_outcomes(failed=3)
    result.stdout.fnmatch_lines(["*the set-up 'tilling.state:gone' raised AttributeError*"])
    assert len(result.outlines) < 30


def test_a_package_that_is_not_there_is_one_short_reason(project: Path, pytester: pytest.Pytester) -> None:
    (project / "src").rename(pytester.path / "away")
    pytester.makepyfile(test_it=MARKED)

    result = pytester.runpytest_subprocess()

    result.assert_outcomes(failed=3)
    assert result.stdout.str().count("there is no module 'tilling' here") >= 3
    assert "Traceback" not in result.stdout.str()
    assert "importlib" not in result.stdout.str()
    assert len(result.outlines) < 30


def test_a_plain_script_sets_the_application_up_too(project: Path, pytester: pytest.Pytester) -> None:
    (project / "snapagent.yaml").write_text("version: 1\nsetup: tilling.state:prepare\n")
    script = """
from snapagent import load_captures
for bundle in load_captures("tilling.prices.price"):
    assert bundle.call() == bundle.result
    bundle.check()
from tilling import state
print("times", state.TIMES)
"""
    done = pytester.run(sys.executable, pytester.makepyfile(script=script))

    assert done.outlines == ["times 1"]
