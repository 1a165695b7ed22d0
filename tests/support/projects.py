"""A small project whose tests use the fixture `side_effects`, run by pytest in here."""

from __future__ import annotations

import sys

import pytest

GATEWAY = """
import os

LOG = os.path.join(os.path.dirname(__file__), "real_calls.txt")


def real(what):
    if os.environ.get("NO_REAL"):
        raise RuntimeError("the real thing was used: " + what)
    with open(LOG, "a") as log:
        log.write(what + "\\n")


class Declined(Exception):
    def __init__(self, order, why):
        super().__init__(f"{order}: {why}")
        self.order, self.why = order, why


class RealGateway:
    def __init__(self):
        real("connect")
        self.count = 0

    def charge(self, order, amount=1, *, currency="USD"):
        real(f"charge {order} {amount}")
        self.count += 1
        if amount < 0:
            raise Declined(order, "negative")
        return {"order": order, "amount": amount, "nth": self.count}

    async def fetch(self, order):
        real(f"fetch {order}")
        return [order]

    def pages(self, start, fail_at=None):
        real(f"pages {start}")
        for number in range(start, start + 3):
            if number == fail_at:
                raise Declined(start, "page")
            yield number

    @classmethod
    def rates(cls, name):
        real(f"rates {name}")
        return cls.__name__ + name

    @staticmethod
    def clock():
        real("clock")
        return 42


def send(address, text="hi"):
    real(f"send {address} {text}")
    return len(text)
"""
CHECKOUT = """
import gateway


def checkout(gateway, orders):
    return [gateway.charge(order, amount=order * 2) for order in orders]


def notify(address):
    return gateway.send(address, text="done")


def careless(gateway, order):
    try:
        return gateway.charge(order)
    except Exception:
        return None
"""
RECORD = {"SIDE_EFFECT_CAPTURE": "True"}


class Project:
    """A small project whose tests use a gateway."""

    def __init__(self, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
        self.pytester = pytester
        self.folder = pytester.path
        self._monkeypatch = monkeypatch
        monkeypatch.setattr(sys, "dont_write_bytecode", True)  # files change within a second
        pytester.makepyfile(gateway=GATEWAY, checkout=CHECKOUT)
        pytester.makeini("[pytest]\npythonpath = .\naddopts = -p no:randomly\n")

    def write(self, text: str, name: str = "test_shop") -> None:
        head = "import pytest\nfrom gateway import *\nfrom checkout import *\n"
        self.pytester.makepyfile(**{name: head + "\n".join(line[8:] for line in text.splitlines())})

    def run(self, *options: str, **environment: str) -> pytest.RunResult:
        for name in ("SIDE_EFFECT_CAPTURE", "CI", "NO_REAL"):
            self._monkeypatch.delenv(name, raising=False)
        for name, value in environment.items():
            self._monkeypatch.setenv(name, value)
        return self.pytester.runpytest_inprocess(*options)

    def real_calls(self) -> list[str]:
        log = self.folder / "real_calls.txt"
        return log.read_text().splitlines() if log.exists() else []

    def recordings(self) -> list[str]:
        root = self.folder / "captures" / "side_effects"
        return sorted(path.relative_to(root).as_posix() for path in root.rglob("*.pkl"))


NOTIFY = """
        def test_it(side_effects):
            side_effects.patch("gateway:send")
            assert notify("a") == 4
"""
WITH_MOCK = """
        @pytest.fixture
        def gateway(mocker, side_effects):
            gateway = mocker.create_autospec(RealGateway, instance=True)
            gateway.charge.side_effect = side_effects.wrap("gateway:RealGateway.charge", make=RealGateway)
            return gateway
"""
