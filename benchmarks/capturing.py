"""A program that is captured, for benchmarks: a module in a temporary folder, a config, and the engine."""

from __future__ import annotations

import importlib
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import snapagent
from snapagent.capture.activation import current
from snapagent.config.reading import parse_config

SMALL = {"id": 17, "name": "Ada", "items": [1, 2, 3], "price": 9.99, "open": True}


def nested(elements: int = 10_000) -> dict[str, Any]:
    """A value of about so many elements."""
    rows = [{"id": n, "name": f"item {n}", "price": n * 1.5, "tags": ["a", n]} for n in range(elements // 7)]
    return {"rows": rows}


@contextmanager
def captured(source: str, config: str) -> Iterator[SimpleNamespace]:
    """`module` with `source` as its text, captured as `config` says; `engine`, `folder` and `flush()` too."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        name = f"bench_{Path(folder).name.replace('-', '_')}"
        (Path(folder) / f"{name}.py").write_text(source)
        sys.path.insert(0, folder)
        text = f"version: 1\ncapture_dir: {folder}/captures\n" + config.replace("MODULE", name)
        snapagent.install(enabled=True, config=parse_config(text, f"{folder}/snapagent.yaml"))
        try:
            module: ModuleType = importlib.import_module(name)
            engine = current.engine()
            yield SimpleNamespace(module=module, engine=engine, folder=folder, flush=lambda: engine.flush(60.0))
        finally:
            snapagent.uninstall()
            sys.path.remove(folder)
            del sys.modules[name]
