"""A small program with dependencies, captured in this process, and the tapes of its bundles."""

from __future__ import annotations

import importlib
import sys
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from pickle import loads
from typing import Any

from snapagent.bundle import EFFECTS, BundleFile
from snapagent.capture.activation import Activation
from snapagent.config.reading import parse_config
from snapagent.dependencies.tape import StoredEffect, Summary, decode_effects
from snapagent.store import Store


class Recorded:
    """A bundle with effects."""

    def __init__(self, file: BundleFile) -> None:
        self.file = file
        self.header = file.header
        data = file.payload.get(EFFECTS)
        self.effects: list[StoredEffect] = [] if data is None else list(decode_effects(data))  # type: ignore[arg-type]
        self.summary = Summary.of_header(file.header.effects) or Summary()

    def names(self) -> list[str]:
        return [effect.dependency.partition(":")[2] for effect in self.effects]

    def arguments(self, index: int = 0) -> tuple[Any, ...]:
        data = self.effects[index].call
        assert data is not None
        _, args, kwargs = loads(data)
        return (*args, kwargs) if kwargs else args

    def result(self, index: int = 0) -> Any:
        data = self.effects[index].result
        assert data is not None
        return loads(data)


class World:
    """`module` is the program; `tapes(name)` waits for its bundles, oldest first."""

    def __init__(self, activation: Activation, folder: Path, name: str) -> None:
        self.activation = activation
        self.folder = folder
        self.name = name

    @property
    def module(self) -> Any:
        return sys.modules[self.name]

    def tapes(self, function: str) -> list[Recorded]:
        assert self.activation.engine().flush(10)
        store = Store(str(self.folder / "captures"))
        entries = sorted(store.entries(f"{self.name}:{function}"), key=lambda entry: entry.when)
        return [Recorded(store.read(entry)) for entry in entries]

    def tape(self, function: str) -> Recorded:
        (found,) = self.tapes(function)
        return found


@contextmanager
def captured(folder: Path, source: str, config: str, name: str = "world", *, sync: bool = True) -> Iterator[World]:
    """Write a module, capture with this config, import it. `config` is the YAML without version and capture_dir."""
    (folder / f"{name}.py").write_text(textwrap.dedent(source))
    text = f"version: 1\nbudget: 100%\nsync: {str(sync).lower()}\n"
    text += f"capture_dir: {folder / 'captures'}\n" + textwrap.dedent(config)
    sys.path.insert(0, str(folder))
    importlib.invalidate_caches()
    activation = Activation()
    activation.install(parse_config(text))
    try:
        importlib.import_module(name)
        yield World(activation, folder, name)
    finally:
        activation.uninstall()
        sys.modules.pop(name, None)
        sys.path.remove(str(folder))
