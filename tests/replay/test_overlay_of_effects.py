"""Calls beyond the tape in a test: made for real and kept while side effects are recorded, served afterwards."""

from __future__ import annotations

import pytest
from effects_support import captured

pytest_plugins = ["pytester"]
SOURCE = """
    import pathlib

    LOG = pathlib.Path(__file__).with_name("real_calls.txt")

    def rate(currency):
        with open(LOG, "a") as log:
            log.write(f"rate {currency}\\n")
        return {"USD": 2, "GBP": 3}[currency]

    async def tax(country):
        with open(LOG, "a") as log:
            log.write(f"tax {country}\\n")
        return 5

    def price(amount, currency):
        return amount * rate(currency)
"""
YAML = "dependencies: ['overlay_world:rate', 'overlay_world:tax']\ntargets: ['overlay_world:price']\n"
TEST = """
import asyncio
import overlay_world
import pytest
from snapagent import load_capture

@pytest.mark.captures("overlay_world:price")
def test_price(bundle):
    def today(amount, currency):
        asyncio.run(overlay_world.tax("de"))
        return overlay_world.price(amount, currency) + overlay_world.rate("GBP") - 3
    verdict = bundle.check(today)
    assert verdict.notes == ("effects: 2 from the overlay, 1 served",)
"""


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    with captured(pytester.path, SOURCE, YAML, "overlay_world") as world:
        world.module.price(2, "USD")
    (pytester.path / "real_calls.txt").unlink()
    (pytester.path / "snapagent.yaml").write_text("version: 1\n" + YAML)
    pytester.makepyfile(test_world=TEST)
    pytester.makeini("[pytest]\npythonpath = .\naddopts = -p no:randomly\n")
    for name in ("CI", "SIDE_EFFECT_CAPTURE", "SNAPAGENT_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    return pytester


def real_calls(project: pytest.Pytester) -> list[str]:
    log = project.path / "real_calls.txt"
    return log.read_text().splitlines() if log.exists() else []


def recordings(project: pytest.Pytester) -> list[str]:
    root = project.path / "captures" / "side_effects"
    return sorted({path.parent.parent.relative_to(root).as_posix() for path in root.rglob("*.pkl")})


def test_a_miss_is_made_live_kept_and_served_afterwards(
    project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused = project.runpytest_inprocess()
    refused.assert_outcomes(failed=1)
    refused.stdout.fnmatch_lines(["*overlay_world:tax(country='de')*was never recorded in this bundle*"])
    assert real_calls(project) == []

    monkeypatch.setenv("SIDE_EFFECT_CAPTURE", "True")
    project.runpytest_inprocess().assert_outcomes(passed=1)
    assert real_calls(project) == ["tax de", "rate GBP"]
    assert recordings(project) == ["test_world/test_price/rate", "test_world/test_price/tax"]

    monkeypatch.delenv("SIDE_EFFECT_CAPTURE")
    project.runpytest_inprocess().assert_outcomes(passed=1)
    assert real_calls(project) == ["tax de", "rate GBP"]


def test_in_ci_a_miss_is_refused(project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIDE_EFFECT_CAPTURE", "True")
    monkeypatch.setenv("CI", "true")
    project.runpytest_inprocess().assert_outcomes(failed=1)
    assert real_calls(project) == []
    assert recordings(project) == []


def test_a_test_that_fails_keeps_nothing(project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIDE_EFFECT_CAPTURE", "True")
    project.makepyfile(test_world=TEST + "    assert False\n")
    project.runpytest_inprocess().assert_outcomes(failed=1)
    assert recordings(project) == []
