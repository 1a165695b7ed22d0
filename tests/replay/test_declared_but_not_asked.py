"""Bundles of a target that declares dependencies and asked for nothing: at replay nothing may be asked either."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest
from effects_support import captured

import snapagent.bundle as bundle_format
from snapagent import Bundle, EffectNotRecorded, UndeclaredEffect, load_capture
from snapagent.errors import UnsupportedFormatError

SOURCE = """
    import sqlite3

    def rate(currency):
        return 2

    def price(amount, currency):
        return amount if currency == "EUR" else amount * rate(currency)
"""
YAML = "dependencies: ['declared_world:rate']\ntargets: ['declared_world:price']\n"


def bundle_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, yaml: str, *args: Any) -> Bundle:
    """Capture `price(*args)`, and have this YAML in force at the replay too."""
    with captured(tmp_path, SOURCE, yaml, "declared_world") as world:
        world.module.price(*args)
    config = tmp_path / "snapagent.yaml"
    config.write_text("version: 1\n" + yaml)
    monkeypatch.setenv("SNAPAGENT_CONFIG", str(config))
    monkeypatch.syspath_prepend(str(tmp_path))
    return load_capture("declared_world:price", base_path=tmp_path / "captures")


def test_a_dependency_that_the_call_did_not_need_is_a_miss(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bundle = bundle_of(tmp_path, monkeypatch, YAML, 5, "EUR")
    assert bundle.effects == []
    assert bundle.check().notes == ()

    import declared_world  # type: ignore[import-not-found]

    with pytest.raises(EffectNotRecorded, match="was never recorded in this bundle"):
        bundle.check(lambda amount, currency: amount * declared_world.rate(currency) // 2)


def test_a_database_that_nothing_declares_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bundle = bundle_of(tmp_path, monkeypatch, YAML, 5, "EUR")

    def price(amount: int, currency: str) -> int:
        sqlite3.connect(tmp_path / "shop.db").close()
        return amount

    with pytest.raises(UndeclaredEffect, match="sqlite3"):
        bundle.check(price)
    assert not (tmp_path / "shop.db").exists()
    assert bundle.check(price, effects=False)


@pytest.mark.parametrize(
    "yaml", ["targets: ['declared_world:price']\n", "dependencies: [clock]\n" + YAML.partition("\n")[2]]
)
def test_72_without_dependencies_nothing_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, yaml: str) -> None:
    bundle = bundle_of(tmp_path, monkeypatch, yaml, 5, "EUR")

    def price(amount: int, currency: str) -> int:
        sqlite3.connect(tmp_path / "shop.db").close()
        return amount

    assert bundle.check(price)


def test_71_a_version_that_knows_no_effects_refuses_the_bundle_by_its_format(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle = bundle_of(tmp_path, monkeypatch, YAML, 5, "USD")
    assert bundle.path.read_bytes().split()[1] == b"2"
    monkeypatch.setattr(bundle_format, "FORMATS", (bundle_format.FORMAT,))
    monkeypatch.setattr(bundle_format, "_FORMAT_WORDS", frozenset([b"1"]))
    with pytest.raises(UnsupportedFormatError, match="it is of format 2, this version reads 1"):
        load_capture("declared_world:price", base_path=tmp_path / "captures").check()
