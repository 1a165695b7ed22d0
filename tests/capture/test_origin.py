"""A bundle says what a replay needs to know of the process that made it: settings, importers, folder."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from snapagent import install, load_capture, uninstall

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
