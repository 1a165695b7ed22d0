"""The tests run where neither service exists: whoever opens a connection fails."""

from __future__ import annotations

import socket
from typing import Any, NoReturn

import pytest


def _refuse(self: socket.socket, address: Any) -> NoReturn:
    raise AssertionError(f"a replayed call tried to reach {address}")


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket.socket, "connect", _refuse)
