"""Deploys of the example's shop: real gunicorns with two workers, each in an empty folder of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

EXAMPLE = Path(__file__).resolve().parents[2] / "sitecustomize_example"
sys.path.append(str(EXAMPLE))

from local_service import Service  # noqa: E402

TARGETS = """
version: 1
budget: 100%
defaults: {keep: 3, keep_outcomes: 1}
targets:
  - "shop.services:*"
  - shop.pricing:quote
  - shop.basket:merge_lines
  - shop.orders:OrderService.place
  - shop.delivery:estimate
"""


class Deploy:
    """A running shop. `folder` is its working directory, `captures` where its bundles go, `service` for the Service."""

    def __init__(self, folder: Path, environ: Mapping[str, str], **service: Any) -> None:
        self.folder = folder
        self.captures = Path(environ.get("SNAPAGENT_CAPTURE_DIR", folder / "captures"))
        database = {"SHOP_DATABASE": str(folder / "shop.sqlite3")}
        log = folder / "shop.log"
        self.service = Service("shop.wsgi:app", cwd=folder, log=log, environ={**database, **environ}, **service)
        self.service.wait_until_ready()

    @property
    def url(self) -> str:
        return self.service.url

    @property
    def log(self) -> str:
        return self.service.log.read_text()

    def stop(self) -> None:
        """End it gracefully; both workers have written all they had when this returns."""
        assert self.service.stop() == 0, self.log

    def index(self, name: str) -> dict[str, Any]:
        path = self.captures / name / "index.json"
        assert path.exists(), self.log
        index: dict[str, Any] = json.loads(path.read_text())
        return index

    def wait_for_index(self, name: str, seconds: float = 20.0) -> None:
        """Until the first calls have been written: on a busy machine the writer's imports alone can take seconds."""
        until = time.monotonic() + seconds
        while not (self.captures / name / "index.json").exists() and time.monotonic() < until:
            time.sleep(0.05)

    def bundles(self, name: str) -> list[Path]:
        """Oldest first."""
        return sorted((self.captures / name).glob("*.pkl"))

    def snapagent(self, *words: str) -> str:
        """What a command prints about this deploy's captures."""
        environ = {**os.environ, "SNAPAGENT_CAPTURE_DIR": str(self.captures), "COLUMNS": "200"}
        command = [sys.executable, "-m", "snapagent", *words]
        done = subprocess.run(command, cwd=self.folder, env=environ, capture_output=True, text=True, timeout=60)
        return done.stdout + done.stderr


DeployShop = Callable[..., Deploy]
