"""What one writes in forty lines before thinking about it: the yardstick of the store's benchmark.

`dill` to a new file under a `FileLock`, an index JSON that is rewritten at each call, the oldest files pruned by
globbing and sorting; a call is found by its hash in the index, or by reading files until one fits.
"""

from __future__ import annotations

import functools
import hashlib
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import dill
from filelock import FileLock


def capture(folder: Path, keep: int) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def wrapper(*args: object, **kwargs: object) -> object:
            result = function(*args, **kwargs)
            with FileLock(folder / "lock"):
                data = dill.dumps({"args": args, "kwargs": kwargs, "result": result})
                name = f"{time.time_ns()}.pkl"
                (folder / name).write_bytes(data)
                index = json.loads((folder / "index.json").read_text())
                index["calls"] += 1
                index["bundles"][name] = hashlib.sha256(data).hexdigest()
                for path in sorted(folder.glob("*.pkl"), key=lambda one: one.stat().st_mtime)[:-keep]:
                    path.unlink()
                    index["bundles"].pop(path.name, None)
                (folder / "index.json").write_text(json.dumps(index))
            return result

        return wrapper

    return decorate


def newest(folder: Path) -> Any:
    return dill.loads(max(folder.glob("*.pkl"), key=lambda path: path.stat().st_mtime).read_bytes())


def scan(folder: Path, args: tuple[object, ...]) -> Any:
    """The recording of a call with these arguments, by reading one after the other, as cassettes are searched."""
    for path in sorted(folder.glob("*.pkl")):
        recorded = dill.loads(path.read_bytes())
        if recorded["args"] == args:
            return recorded
    raise LookupError(args)


def by_hash(folder: Path, digest: str) -> Any:
    bundles = json.loads((folder / "index.json").read_text())["bundles"]
    name = next(name for name, known in bundles.items() if known.startswith(digest))
    return dill.loads((folder / name).read_bytes())
