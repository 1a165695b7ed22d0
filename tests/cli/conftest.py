"""A store with bundles as a capturing process leaves them, for the commands to read."""

from __future__ import annotations

import hashlib
import inspect
import pickle
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from snapagent.bundle import Header, Note, Part
from snapagent.cli import main
from snapagent.config.settings import DEFAULT_SETTINGS
from snapagent.store.index import Counts
from snapagent.store.layout import BundleEntry, stamp
from snapagent.store.writer import Store


def runner() -> CliRunner:
    """Stdout and stderr apart, as click does by itself from 8.2 on."""
    apart = {"mix_stderr": False} if "mix_stderr" in inspect.signature(CliRunner).parameters else {}
    return CliRunner(**apart)


NOON = 1_795_000_000.0  # seconds: the time of the first bundle


def node(text: str, kind: str = "int", children: tuple = (), more: int = 0) -> dict:
    """A node of a preview tree; `children` are (step, node) pairs."""
    below = [{"step": step, **child} for step, child in children]
    return {"type": kind, "text": text, "children": below, "more": more}


class Shop:
    """Writes bundles of `shop.pricing:quote(rows, currency)` and others, one second after another."""

    def __init__(self, base_path: Path) -> None:
        self.base_path = base_path
        self.store = Store(str(base_path))
        self._second = 0

    def add(
        self,
        target: str = "shop.pricing:quote",
        rows: str = "[1, 2]",
        result: str = "3",
        *,
        exception: str | None = None,
        digits: str | None = None,
        payload: bytes | None = None,
        notes: tuple[Note, ...] = (),
        tree: dict | None = None,
        shape: str = "",
    ) -> BundleEntry:
        self._second += 1
        when = NOON + self._second
        ended = "exception" if exception else "result"
        data = payload if payload is not None else pickle.dumps(rows)
        digest = digits or hashlib.sha256(f"{target}({rows})".encode("utf-8", "backslashreplace")).hexdigest()[:32]
        header = Header(
            target=target,
            kind="function",
            flavor="plain",
            timestamp=_iso(when),
            duration=0.0012,
            outcome="raised" if exception else "returned",
            exception=exception,
            hash=f"h1:{digest}",
            call_hash=f"h1:{digest}",
            parts=(Part("call", "pickle", "none", len(data), len(data)),
                   Part("outcome", "pickle", "none", len(data), len(data))),
            parameters=(("rows", "positional_or_keyword"), ("currency", "positional_or_keyword")),
            shape=shape,
            previews={"rows": rows, "currency": "'EUR'", ended: result},
            tree=tree or {"rows": node(rows, "list"), "currency": node("'EUR'", "str"), ended: node(result)},
            notes=notes,
            python="3.11.7",
            implementation="CPython",
            platform="linux",
            snapagent="0.1.0",
        )  # fmt: skip
        return self.store.publish(target, header, {"call": data, "outcome": data}, when=when)

    def count(self, target: str = "shop.pricing:quote", **counts) -> None:
        keep_all = DEFAULT_SETTINGS.replace(keep=float("inf"))
        self.store.update(target, Counts(**counts), keep_all, last=True)


def _iso(when: float) -> str:
    text = stamp(when)
    return f"{text[:4]}-{text[4:6]}-{text[6:8]}T{text[9:11]}:{text[11:13]}:{text[13:-1]}+00:00"


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shop:
    """An empty store under `captures` of the working directory, which is a temporary folder."""
    monkeypatch.chdir(tmp_path)
    return Shop(tmp_path / "captures")


@pytest.fixture
def run() -> Callable[..., Result]:
    """The command line in this process: `run("list", "--json")`."""
    return lambda *args, **kwargs: runner().invoke(main, list(args), **kwargs)
