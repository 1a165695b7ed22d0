"""A bundle says what a replay needs to know of the process that made it: settings, importers, folder."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
import types
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from snapagent import install, load_capture, uninstall
from snapagent.config.environment import revision

SETTINGS = "DJANGO_SETTINGS_MODULE"


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A package with an import order of its own, below a folder `src` of the working directory."""
    package = tmp_path / "src" / "ordershop"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "web.py").write_text("import ordershop.models\n\ndef late():\n    import ordershop.reports\n")
    (package / "models.py").write_text("import ordershop.prices\n")
    (package / "prices.py").write_text("def quote(n):\n    return n\n")
    (package / "reports.py").write_text("def total(n):\n    return n\n")
    config = 'version: 1\nsync: true\nbudget: 100%\ntargets: ["ordershop.**:**"]\n'
    (tmp_path / "snapagent.yaml").write_text(config)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(package.parent))
    monkeypatch.delenv(SETTINGS, raising=False)
    install(enabled=True)
    yield tmp_path
    uninstall()
    for name in [name for name in sys.modules if name.startswith("ordershop")]:
        del sys.modules[name]


def test_a_bundle_names_the_modules_that_were_importing_its_own_outermost_first(shop: Path) -> None:
    import ordershop.web

    sys.modules["ordershop.prices"].quote(3)
    ordershop.web.late()
    sys.modules["ordershop.reports"].total(3)

    quote = load_capture("ordershop.prices.quote").header
    assert str(quote.origin["imported_by"]).split()[-2:] == ["ordershop.web", "ordershop.models"]
    assert "ordershop.web" in str(load_capture("ordershop.reports.total").header.origin["imported_by"]).split()


def test_a_bundle_has_the_settings_module_of_its_own_call(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from ordershop.prices import quote

    quote(1)
    monkeypatch.setenv(SETTINGS, "proj.settings")
    quote(2)

    assert SETTINGS not in load_capture("ordershop.prices.quote", args=(1,)).header.origin
    assert load_capture("ordershop.prices.quote", args=(2,)).header.origin[SETTINGS] == "proj.settings"


def test_a_bundle_names_the_folder_of_its_package_below_the_working_directory(shop: Path) -> None:
    from ordershop.prices import quote

    quote(1)

    assert load_capture("ordershop.prices.quote").header.origin["folder"] == "src"


def test_a_folder_elsewhere_is_named_in_full(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    inside = shop / "elsewhere"
    inside.mkdir()
    uninstall()
    config = shop / "snapagent.yaml"
    monkeypatch.chdir(inside)
    install(enabled=True, config=str(config))
    from ordershop.prices import quote

    quote(1)

    assert load_capture("ordershop.prices.quote").header.origin["folder"] == os.path.join(shop, "src")


def _age() -> float:
    """Seconds since this process began, as `ps` tells."""
    told = subprocess.run(["ps", "-o", "etimes=", "-p", str(os.getpid())], capture_output=True, text=True, check=True)
    return float(told.stdout)


@pytest.mark.skipif(shutil.which("ps") is None, reason="there is no ps")
def test_a_bundle_names_the_host_the_start_of_the_process_and_the_revision(shop, monkeypatch) -> None:
    monkeypatch.setenv("SNAPAGENT_REVISION", "3f2a91c")
    from ordershop.prices import quote

    quote(1)

    origin = load_capture("ordershop.prices.quote").header.origin
    assert origin["revision"] == "3f2a91c"
    assert origin["host"] == os.uname().nodename
    began = datetime.fromisoformat(str(origin["process_start"])).timestamp()
    assert abs(time.time() - began - _age()) < 3


def test_a_forked_child_names_its_own_start(shop: Path) -> None:
    from ordershop.prices import quote

    quote(1)
    time.sleep(2.1)
    child = os.fork()
    if child == 0:
        quote(2)
        os._exit(0)
    os.waitpid(child, 0)

    first, second = (load_capture("ordershop.prices.quote", args=(n,)).header.origin["process_start"] for n in (1, 2))
    assert str(first) < str(second)


@pytest.mark.parametrize(
    ("environ", "found"),
    [
        ({}, ""),
        ({"GITHUB_SHA": "abc"}, "abc"),
        ({"GITHUB_SHA": "abc", "GIT_COMMIT": "def"}, "def"),
        ({"GIT_COMMIT": "def", "SNAPAGENT_REVISION": " 1.2.3\n"}, "1.2.3"),
        ({"SNAPAGENT_REVISION": "", "K_REVISION": "shop-00007-abc"}, "shop-00007-abc"),
        ({"SNAPAGENT_REVISION": "x" * 5000}, "x" * 200),
    ],
)
def test_the_revision_is_that_of_the_deploy(environ: dict[str, str], found: str) -> None:
    assert revision(environ) == found


def test_a_call_within_a_span_names_its_trace_and_another_does_not(shop: Path) -> None:
    trace = pytest.importorskip("opentelemetry.trace")
    from ordershop.prices import quote

    context = trace.SpanContext(0x4BF92F3577B34DA6A3CE929D0E0E4736, 0x00F067AA0BA902B7, is_remote=False)
    with trace.use_span(trace.NonRecordingSpan(context)):
        quote(1)
    quote(2)

    inside = load_capture("ordershop.prices.quote", args=(1,)).header.origin
    outside = load_capture("ordershop.prices.quote", args=(2,)).header.origin
    assert (inside["trace_id"], inside["span_id"]) == ("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7")
    assert "trace_id" not in outside and "span_id" not in outside


def test_a_span_that_fails_costs_its_call_only_the_trace(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = types.SimpleNamespace(get_current_span=lambda: 1 / 0)
    monkeypatch.setitem(sys.modules, "opentelemetry.trace", broken)
    from ordershop.prices import quote

    assert quote(1) == 1
    assert "trace_id" not in load_capture("ordershop.prices.quote").header.origin


def test_the_library_of_traces_is_never_imported(tmp_path: Path) -> None:
    (tmp_path / "lib.py").write_text("def f(n):\n    return n\n")
    (tmp_path / "snapagent.yaml").write_text("version: 1\ntargets: [lib:f]\n")
    program = "import sys, lib; lib.f(1); assert not [n for n in sys.modules if n.startswith('opentelemetry')]"
    command = [sys.executable, "-m", "snapagent", "run", "--on", "--", sys.executable, "-c", program]

    ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)

    assert (ran.returncode, ran.stderr) == (0, "")
    assert (tmp_path / "captures" / "lib.f").is_dir()
