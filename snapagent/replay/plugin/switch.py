"""Decides whether this run may record side effects: SIDE_EFFECT_CAPTURE, `.env`, CI, `--snapshot-update`."""

from __future__ import annotations

import os
import warnings
from pathlib import Path

import pytest

from ...config.environment import SIDE_EFFECTS, is_true
from ..side_effects.mode import Mode

FORCE = "force"
_UPDATES = ("update_snapshots", "snapshot_update")  # where syrupy and pytest-snapshot keep --snapshot-update
_OFF = ("", "0", "false", "no", "off")


def mode_of(config: pytest.Config) -> Mode:
    """The mode of this run. `.env` decides only when the variable is not in the environment."""
    value = os.environ.get(SIDE_EFFECTS)
    if value is None:
        value = _from_dotenv((config.rootpath, Path.cwd()))
    forced = (value or "").strip().lower() == FORCE
    in_ci = os.environ.get("CI", "").strip().lower() not in _OFF
    updates = any(config.getoption(name, False) for name in _UPDATES)
    return Mode.of(is_true(value), forced, in_ci, updates)


def _from_dotenv(folders: tuple[Path, ...]) -> str | None:
    for folder in folders:
        path = folder / ".env"
        if not path.is_file():
            continue
        try:
            from dotenv import dotenv_values
        except ImportError:
            if SIDE_EFFECTS in path.read_text("utf-8", "replace"):
                warnings.warn(f"{path} is not read: pip install python-dotenv", stacklevel=2)
            return None
        value = dotenv_values(path).get(SIDE_EFFECTS)
        if value is not None:
            return value
    return None
