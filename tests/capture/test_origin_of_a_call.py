"""A bundle says where its call came from: host, process, revision, and the trace that it was part of."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import types
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from snapagent import install, load_capture, uninstall
from snapagent.capture.writing import process_facts
from snapagent.capture.writing.process_facts import DEPLOY_VARIABLES, revision

TRACE, SPAN = 0x4BF92F3577B34DA6A3CE929D0E0E4736, 0x00F067AA0BA902B7


@pytest.fixture(autouse=True)
def no_deploy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SNAPAGENT_REVISION", *DEPLOY_VARIABLES):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def quotes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    (tmp_path / "originshop.py").write_text(
        "import os\n\ndef quote(n):\n    return n\n\ndef gateway(n):\n    return n\n\n"
        "def charge(n):\n    return gateway(n)\n"
    )
    (tmp_path / "snapagent.yaml").write_text(
        'version: 1\nbudget: 100%\ndefaults: {keep: .inf}\ntargets: ["originshop:quote", "originshop:charge"]\n'
        'dependencies: ["originshop:gateway"]\n'
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield tmp_path
    uninstall()
    sys.modules.pop("originshop", None)


def captured(number: int = 1, function: str = "quote") -> dict[str, object]:
    import importlib

    install(enabled=True)
    getattr(importlib.import_module("originshop"), function)(number)
    uninstall()
    return dict(load_capture(f"originshop.{function}", args=(number,)).header.origin)


def test_host_and_start_of_the_process(quotes: Path) -> None:
    origin = captured()
    assert origin["host"] == socket.gethostname()
    started = datetime.fromisoformat(str(origin["process_start"]))
    assert started.tzinfo is not None
    assert datetime.now(UTC) - timedelta(hours=6) < started <= datetime.now(UTC) + timedelta(seconds=2)
    assert "revision" not in origin
    assert "trace_id" not in origin


def test_the_start_is_that_of_the_process_and_of_a_forked_child_its_own() -> None:
    code = (
        "import os, time\nfrom snapagent.capture.writing.process_facts import ProcessFacts\n"
        "facts = ProcessFacts(); mine = facts.get()['process_start']\ntime.sleep(1.2)\n"
        "assert ProcessFacts().get()['process_start'] == mine\n"
        "if os.fork() == 0:\n    os._exit(facts.get()['process_start'] <= mine)\n"
        "raise SystemExit(os.waitstatus_to_exitcode(os.wait()[1]))\n"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_revision_is_the_variable_or_what_the_deploy_sets(monkeypatch: pytest.MonkeyPatch) -> None:
    assert revision() == ""
    monkeypatch.setenv("K_REVISION", "shop-00042")
    assert revision() == "shop-00042"
    monkeypatch.setenv("GIT_COMMIT", " 77c0ffee\n")
    assert revision() == "77c0ffee"
    monkeypatch.setenv("SNAPAGENT_REVISION", "2026.11.3")
    assert revision() == "2026.11.3"
    monkeypatch.setenv("SNAPAGENT_REVISION", "")
    assert revision() == ""


@pytest.mark.parametrize("name", DEPLOY_VARIABLES)
def test_each_deploy_variable_counts(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, "$LATEST")
    assert revision() == ""
    monkeypatch.setenv(name, "x" * 500)
    assert revision() == "x" * 200


def test_a_bundle_has_the_revision(quotes: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SNAPAGENT_REVISION", "77c0ffee")
    assert captured()["revision"] == "77c0ffee"


def test_a_system_that_does_not_tell_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process_facts, "_TICKS_AT", 10_000)
    assert "process_start" not in process_facts.ProcessFacts().get()


class Span:
    def __init__(self, trace: object, span: object) -> None:
        self.trace_id, self.span_id = trace, span

    def get_span_context(self) -> Span:
        return self


def loaded(monkeypatch: pytest.MonkeyPatch, current: object) -> None:
    """OpenTelemetry as a module with the one function that is used."""
    module = types.ModuleType("opentelemetry.trace")
    module.get_current_span = current  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "opentelemetry.trace", module)


@pytest.mark.parametrize("function", ["quote", "charge"])
def test_the_trace_of_the_caller(quotes: Path, monkeypatch: pytest.MonkeyPatch, function: str) -> None:
    loaded(monkeypatch, lambda: Span(TRACE, SPAN))
    origin = captured(3, function)
    assert origin["trace_id"] == "4bf92f3577b34da6a3ce929d0e0e4736"
    assert origin["span_id"] == "00f067aa0ba902b7"


@pytest.mark.parametrize("problem", ["none", "raises", "texts", "importing"])
def test_no_span_and_odd_ones_lose_nothing(
    quotes: Path, monkeypatch: pytest.MonkeyPatch, problem: str, caplog: pytest.LogCaptureFixture
) -> None:
    def current() -> object:
        if problem == "raises":
            raise RuntimeError("no context")
        return Span(0, 0) if problem == "none" else Span("4bf9", None)

    loaded(monkeypatch, current)
    if problem == "importing":
        monkeypatch.setitem(sys.modules, "opentelemetry.trace", types.ModuleType("opentelemetry.trace"))
    assert "trace_id" not in captured()
    assert not caplog.records


def test_the_library_itself(quotes: Path) -> None:
    trace = pytest.importorskip("opentelemetry.trace")
    context = trace.SpanContext(TRACE, SPAN, is_remote=False)
    with trace.use_span(trace.NonRecordingSpan(context)):
        origin = captured()
    assert (origin["trace_id"], origin["span_id"]) == (f"{TRACE:032x}", f"{SPAN:016x}")
    assert "trace_id" not in captured(2)


def test_the_library_is_never_imported(tmp_path: Path) -> None:
    (tmp_path / "plainshop.py").write_text("def quote(n):\n    return n\n")
    code = (
        "import sys, snapagent; snapagent.install(enabled=True); import plainshop; plainshop.quote(1)\n"
        "snapagent.uninstall(); sys.exit(any(name.startswith('opentelemetry') for name in sys.modules))\n"
    )
    (tmp_path / "snapagent.yaml").write_text('version: 1\nsync: true\nbudget: 100%\ntargets: ["plainshop:quote"]\n')
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env={**os.environ}, check=False)
    assert done.returncode == 0
