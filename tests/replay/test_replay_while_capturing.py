"""Replaying in a process that captures records nothing of what the replay calls, and pushes no real capture out."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from snapagent import install, load_capture, load_captures, uninstall

SHOP = """
import asyncio
import threading


def tax(amount):
    return amount * 2


def quote(amount):
    return amount + tax(amount)


def threaded(amount):
    found = []
    thread = threading.Thread(target=lambda: found.append(tax(amount)))
    thread.start()
    thread.join()
    return found[0]


async def asked(amount):
    await asyncio.sleep(0)
    return tax(amount)


def pages(amount):
    for n in range(amount):
        yield tax(n)


def late(amount):
    import late_tilling

    return late_tilling.tax(amount)
"""
LATE = "def tax(amount):\n    return amount\n"
CONFIG = "version: 1\nsync: true\nbudget: 100%\ndefaults: {keep: 1}\ntargets: ['captured_shop:*', 'late_tilling:*']\n"


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    (tmp_path / "captured_shop.py").write_text(SHOP)
    (tmp_path / "late_tilling.py").write_text(LATE)
    (tmp_path / "snapagent.yaml").write_text(CONFIG)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    install(enabled=True, config=str(tmp_path / "snapagent.yaml"))
    import captured_shop  # type: ignore[import-not-found]

    yield captured_shop
    uninstall()
    for name in ("captured_shop", "late_tilling"):
        sys.modules.pop(name, None)


def bundles() -> list[str]:
    return sorted(str(path) for path in Path("captures").glob("*/*.pkl"))


@pytest.mark.parametrize("name", ["quote", "threaded", "asked", "pages", "late"])
def test_what_a_replay_calls_is_not_captured(shop: ModuleType, name: str) -> None:
    import asyncio

    if name == "asked":
        asyncio.run(shop.asked(3))
    elif name == "pages":
        list(shop.pages(3))
    else:
        getattr(shop, name)(3)
    if name == "late":
        sys.modules.pop("late_tilling")
    before = bundles()
    bundle = load_capture(f"captured_shop.{name}")

    bundle.call()
    bundle.check()
    bundle.replay()

    assert bundles() == before


def test_calls_after_a_replay_are_captured_as_before(shop: ModuleType) -> None:
    shop.quote(3)
    load_capture("captured_shop.quote").check()

    shop.quote(4)

    assert load_capture("captured_shop.quote").arguments == {"amount": 4}
    assert load_capture("captured_shop.tax").arguments == {"amount": 4}
    assert len(load_captures("captured_shop.tax")) == 1
    assert os.path.isdir("captures")


def test_a_replay_that_raises_leaves_capturing_on(shop: ModuleType) -> None:
    shop.quote(3)
    bundle = load_capture("captured_shop.quote")
    with pytest.raises(TypeError):
        bundle.using(amount=None).call()

    shop.quote(5)

    assert load_capture("captured_shop.tax").arguments == {"amount": 5}
