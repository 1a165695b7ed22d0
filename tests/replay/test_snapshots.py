"""Captured calls, syrupy and pytest-mock together: the workflow that people come for."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from bundles import Shop

pytest_plugins = ("pytester",)
try:
    import numpy  # here, since what a run inside of a test imports first is forgotten when it ends
except ImportError:
    numpy = None  # type: ignore[assignment]
pytest.importorskip("syrupy")
pytest.importorskip("pytest_mock")

SHOP = """
import os


class RealGateway:
    def __init__(self):
        if os.environ.get("NO_REAL"):
            raise RuntimeError("the real thing was built")

    def charge(self, order, amount):
        return {"order": order, "paid": amount, "receipt": f"r-{order}-{os.environ.get('ROUND', '1')}"}

    def stock(self, item):
        if item == "sold out":
            raise LookupError(item)
        return 3

    def mail(self, order):
        return None


def checkout(gateway, order, items):
    lines = [(item, gateway.stock(item)) for item in items]
    receipt = gateway.charge(order, amount=10 * len(lines))
    gateway.mail(order)
    return {"lines": lines, **receipt}
"""
TEST = """
import pytest
from snap_shop import RealGateway


@pytest.fixture
def gateway(mocker, side_effects):
    fake = mocker.create_autospec(RealGateway, instance=True)
    for name in ("charge", "stock", "mail"):
        getattr(fake, name).side_effect = side_effects.wrap(f"snap_shop:RealGateway.{name}", make=RealGateway)
    return fake


@pytest.mark.captures("snap_shop.checkout")
def test_checkout(bundle, gateway, side_effects, snapshot):
    order, items = bundle.arguments["order"], bundle.arguments["items"]
    assert bundle.replay(lambda *_, **__: checkout(gateway, order, items)) == snapshot
    side_effects.assert_calls(gateway.stock)
    side_effects.assert_calls(gateway.charge)


def checkout(*args):
    import snap_shop
    return snap_shop.checkout(*args)
"""


class Project:
    def __init__(self, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sys, "dont_write_bytecode", True)
        self._pytester = pytester
        self._monkeypatch = monkeypatch
        self.folder = pytester.path
        self.shop = Shop(pytester.path / "captures")
        pytester.makepyfile(snap_shop=SHOP)
        pytester.makeini("[pytest]\npythonpath = .\naddopts = -p no:randomly\n")
        monkeypatch.syspath_prepend(str(pytester.path))
        sys.modules.pop("snap_shop", None)
        import snap_shop  # type: ignore[import-not-found]

        for order, items in ((1, ["apple"]), (2, ["pear", "plum"]), (3, ["sold out"])):
            self.shop.capture("snap_shop:checkout", snap_shop.checkout, snap_shop.RealGateway(), order, items)
        sys.modules.pop("snap_shop")  # the runs import it anew

    def run(self, *options: str, **environment: str) -> pytest.RunResult:
        for name in ("SIDE_EFFECT_CAPTURE", "CI", "NO_REAL", "ROUND"):
            self._monkeypatch.delenv(name, raising=False)
        for name, value in environment.items():
            self._monkeypatch.setenv(name, value)
        return self._pytester.runpytest_inprocess(*options)

    def recordings(self) -> dict[str, bytes]:
        root = self.folder / "captures" / "side_effects"
        return {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*.pkl")}

    def change(self, old: str, new: str, file: str = "snap_shop.py") -> None:
        path = self.folder / file
        assert old in path.read_text()
        path.write_text(path.read_text().replace(old, new))


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Project:
    found = Project(pytester, monkeypatch)
    pytester.makepyfile(test_shop=TEST)
    return found


def test_record_once_then_replay_without_the_real_thing_then_see_a_change(project: Project) -> None:
    project.run().assert_outcomes(failed=3)
    project.run("--snapshot-update", SIDE_EFFECT_CAPTURE="True").assert_outcomes(passed=3)
    first = project.recordings()
    bundles = {Path(path).parent.name for path in first}
    assert bundles == {Path(entry.path).stem for entry in project.shop.store.entries("snap_shop:checkout")}
    project.run(NO_REAL="1").assert_outcomes(passed=3)
    snapshots = next(project.folder.rglob("*.ambr")).read_text()
    assert "r-2-1" in snapshots
    assert "Raised(LookupError('sold out'))" in snapshots
    project.change("amount=10 * len(lines)", "amount=11 * len(lines)")
    result = project.run(NO_REAL="1")
    result.assert_outcomes(failed=2, passed=1)
    result.stdout.fnmatch_lines(["*SideEffectNotRecorded*", "*nearest recording:*", "*amount: expected 10, got 11*"])
    assert project.recordings() == first


def test_snapshot_update_records_anew_what_ran_and_passed(project: Project) -> None:
    project.run("--snapshot-update", SIDE_EFFECT_CAPTURE="True").assert_outcomes(passed=3)
    first = project.recordings()
    project.run("--snapshot-update", SIDE_EFFECT_CAPTURE="True", ROUND="2", NO_REAL="1").assert_outcomes(failed=3)
    assert project.recordings() == first
    newest = project.shop.store.entries("snap_shop:checkout")[1].short_hash
    result = project.run("--snapshot-update", "-k", newest, SIDE_EFFECT_CAPTURE="True", ROUND="2")
    result.assert_outcomes(passed=1, deselected=2)
    second = project.recordings()
    assert set(second) == set(first)
    changed = {path for path in first if first[path] != second[path]}
    assert {Path(path).parent.name.rpartition("-")[2] for path in changed} == {newest}
    project.run("-k", newest, NO_REAL="1").assert_outcomes(passed=1, deselected=2)


def test_recording_anew_leaves_nothing_of_calls_that_are_not_made_any_more(project: Project) -> None:
    project.run("--snapshot-update", SIDE_EFFECT_CAPTURE="True").assert_outcomes(passed=3)
    before = len(project.recordings())
    project.change("    gateway.mail(order)\n", "")
    result = project.run()
    result.stdout.fnmatch_lines(["2 recordings were not used by their tests*"])
    assert len(project.recordings()) == before
    project.run("--snapshot-update", SIDE_EFFECT_CAPTURE="True").assert_outcomes(passed=3)
    assert len(project.recordings()) == before - 2
    project.run("--captures-strict", NO_REAL="1").assert_outcomes(passed=3)


def test_without_permission_snapshot_update_records_nothing(project: Project) -> None:
    project.run("--snapshot-update").assert_outcomes(failed=3)
    assert project.recordings() == {}
    result = project.run("--snapshot-update", SIDE_EFFECT_CAPTURE="True", CI="1")
    result.assert_outcomes(failed=3)
    result.stdout.fnmatch_lines(["*CI is set*"])
    assert project.recordings() == {}


def test_results_with_arrays_can_be_snapshots(project: Project, pytester: pytest.Pytester) -> None:
    if numpy is None:
        pytest.skip("numpy is not installed")

    def doubled(values: object) -> object:
        return values * 2  # type: ignore[operator]

    pytester.makepyfile(doubling="def doubled(values):\n    return values * 2\n")
    project.shop.capture("doubling:doubled", doubled, numpy.arange(2000))
    pytester.makepyfile(
        test_shop="""
        import pytest

        @pytest.mark.captures("doubling.doubled")
        def test_doubled(bundle, snapshot):
            assert bundle.replay() == snapshot
            assert bundle.call() == bundle.expected
            assert bundle.expected == bundle.call()
        """
    )
    project.run("--snapshot-update").assert_outcomes(passed=1)
    project.run().assert_outcomes(passed=1)
    assert "3998" in next(project.folder.rglob("*.ambr")).read_text()
    pytester.makepyfile(doubling="def doubled(values):\n    return values * 2 + (values == 1000)\n")
    project.run().assert_outcomes(failed=1)
