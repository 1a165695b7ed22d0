"""Child processes that import the program or unpickle a bundle, so that this one never does."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

from ...config.environment import ENABLED, ENABLED_ALIAS


def environment() -> dict[str, str]:
    """The environment without the switch: what runs in a child is not captured."""
    return {name: value for name, value in os.environ.items() if name not in (ENABLED, ENABLED_ALIAS)}


def ask(module: str, request: dict[str, Any]) -> tuple[Any, int]:
    """Run a module of this package with a JSON request; its JSON answer, None when there is none, and its exit code."""
    done = subprocess.run(
        [sys.executable, "-m", f"{__package__}.{module}"],
        input=json.dumps(request),
        stdout=subprocess.PIPE,
        text=True,
        env=environment(),
        check=False,
    )
    try:
        return json.loads(done.stdout), done.returncode
    except ValueError:
        return None, done.returncode
