"""The workflow that the project exists for, end to end, and what the same test costs by hand.

A service calls a function that takes a dependency-injected object; each captured call is replayed in a syrupy snapshot
test, with an autospec mock that is fed by three side effects.
"""

from __future__ import annotations

import pickle
import subprocess
import sys
from pathlib import Path

import pytest

from snapagent import load_captures

pytest_plugins = ("pytester",)
pytest.importorskip("syrupy")
pytest.importorskip("pytest_mock")

SHOP = """
import os


class RealGateway:
    def __init__(self):
        if os.environ.get("NO_REAL"):
            raise RuntimeError("the real thing was built")

    def stock(self, item):
        if item == "sold out":
            raise LookupError(item)
        return len(item)

    def charge(self, order, amount):
        return {"order": order, "paid": amount}

    def mail(self, order, text=""):
        return f"mailed {order}"


def checkout(gateway, order, items):
    lines = [(item, gateway.stock(item)) for item in items]
    receipt = gateway.charge(order, amount=10 * len(lines))
    return {"lines": lines, **receipt, "mail": gateway.mail(order)}
"""
SERVICE = """
import workflow_shop

for order, items in ((1, ["apple"]), (2, ["pear", "plum"]), (3, ["sold out"])):
    try:
        workflow_shop.checkout(workflow_shop.RealGateway(), order, items)
    except LookupError:
        pass
"""
CONFIG = """
version: 1
budget: 100%
targets:
  - target: workflow_shop:checkout
    keep: .inf
    exclude: [gateway]
"""
WITH_SNAPAGENT = """
import pytest
from workflow_shop import RealGateway


@pytest.mark.captures("workflow_shop.checkout")
def test_checkout(bundle, side_effects, mocker, snapshot):
    gateway = mocker.create_autospec(RealGateway, instance=True)
    for name in ("stock", "charge", "mail"):
        wrapper = side_effects.wrap(f"workflow_shop:RealGateway.{name}", make=RealGateway)
        getattr(gateway, name).side_effect = wrapper
    assert bundle.using(gateway=gateway).replay() == snapshot
    side_effects.assert_calls(gateway.charge)
"""
BY_HAND = """
import hashlib
import os
import pickle
from pathlib import Path
from unittest.mock import create_autospec

import pytest
from workflow_shop import RealGateway, checkout

HERE = Path(__file__).parent
CALLS = sorted((HERE / "calls").glob("*.pkl"))
MAY_RECORD = os.environ.get("SIDE_EFFECT_CAPTURE") == "True"


def key_of(args, kwargs):
    return hashlib.sha256(repr((args, sorted(kwargs.items()))).encode()).hexdigest()[:16]


def recorded(folder, name, args, kwargs):
    path = folder / name / f"{key_of(args, kwargs)}.pkl"
    if path.exists():
        outcome, value = pickle.loads(path.read_bytes())
    elif MAY_RECORD:
        try:
            outcome, value = "returned", getattr(RealGateway(), name)(*args, **kwargs)
        except Exception as error:
            outcome, value = "raised", error
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(pickle.dumps((outcome, value)))
    else:
        raise AssertionError(f"{name}{args}{kwargs} is not recorded")
    if outcome == "raised":
        raise value
    return value


@pytest.mark.parametrize("call", CALLS, ids=lambda path: path.stem)
def test_checkout(call, snapshot):
    folder = HERE / "by_hand" / "test_checkout" / call.stem
    order, items = pickle.loads(call.read_bytes())
    gateway = create_autospec(RealGateway, instance=True)

    def stock_wrapper(*args, **kwargs):
        return recorded(folder, "stock", args, kwargs)

    def charge_wrapper(*args, **kwargs):
        return recorded(folder, "charge", args, kwargs)

    def mail_wrapper(*args, **kwargs):
        return recorded(folder, "mail", args, kwargs)

    gateway.stock.side_effect = stock_wrapper
    gateway.charge.side_effect = charge_wrapper
    gateway.mail.side_effect = mail_wrapper
    try:
        outcome = checkout(gateway, order, items)
    except Exception as error:
        outcome = f"raised {error!r}"
    assert outcome == snapshot
    stored = {path.stem for path in (folder / "charge").glob("*.pkl")}
    assert {key_of(call.args, call.kwargs) for call in gateway.charge.call_args_list} == stored
"""


def lines_of(source: str) -> int:
    return sum(bool(line.strip()) for line in source.splitlines())


@pytest.fixture
def served(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the project after its service ran with capture on."""
    for name in ("CI", "SIDE_EFFECT_CAPTURE", "NO_REAL"):
        monkeypatch.delenv(name, raising=False)
    pytester.makepyfile(workflow_shop=SHOP, service=SERVICE)
    (pytester.path / "snapagent.yaml").write_text(CONFIG)
    command = [sys.executable, "-m", "snapagent", "run", "--on", "--", sys.executable, "service.py"]
    subprocess.run(command, cwd=pytester.path, check=True, timeout=60)
    pytester.makeini("[pytest]\npythonpath = .\naddopts = -p no:randomly\n")
    return pytester.path


def test_capture_record_replay_and_a_change_that_cannot_be_missed(
    served: Path, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytester.makepyfile(test_shop=WITH_SNAPAGENT)
    monkeypatch.setenv("SIDE_EFFECT_CAPTURE", "True")
    pytester.runpytest_subprocess("--snapshot-update").assert_outcomes(passed=3)
    monkeypatch.delenv("SIDE_EFFECT_CAPTURE")
    monkeypatch.setenv("NO_REAL", "1")
    pytester.runpytest_subprocess().assert_outcomes(passed=3)
    (served / "workflow_shop.py").write_text(SHOP.replace("10 * len(lines)", "12 * len(lines)"))
    result = pytester.runpytest_subprocess()
    result.assert_outcomes(failed=2, passed=1)
    result.stdout.fnmatch_lines(["*nearest recording:*", "*amount: expected 10, got 12*"])


def test_by_hand_it_takes_three_times_as_much(
    served: Path, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    (served / "calls").mkdir()
    for bundle in load_captures("workflow_shop.checkout", base_path=served / "captures"):
        arguments = bundle.arguments
        call = pickle.dumps((arguments["order"], arguments["items"]))
        (served / "calls" / f"{bundle.hash[3:11]}.pkl").write_bytes(call)
    pytester.makepyfile(test_shop=BY_HAND)
    monkeypatch.setenv("SIDE_EFFECT_CAPTURE", "True")
    pytester.runpytest_subprocess("--snapshot-update").assert_outcomes(passed=3)
    monkeypatch.delenv("SIDE_EFFECT_CAPTURE")
    monkeypatch.setenv("NO_REAL", "1")
    pytester.runpytest_subprocess().assert_outcomes(passed=3)
    assert lines_of(WITH_SNAPAGENT) * 3 <= lines_of(BY_HAND)
