"""Presets: how calls of one library are recorded and rebuilt, a file each.

A preset is a module, or any object, with the attribute `operations`: a tuple of `Operation`. It is found by its word:
as a module of this folder, or by an entry point of the group `snapagent.presets`. It never imports its library itself
when it is loaded: operations name modules, and `rebuild` runs where the program has imported the library.
"""

from __future__ import annotations

from ...core.records import Record
from ..tape import STORED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

GROUP = "snapagent.presets"


class Described(Record):
    """One call in the words of its preset.

    `arguments` are plain values by name: they are stored as the keyword arguments of the call, redacted, and matched.
    `shape` is the text that stays when values change, such as the SQL or `POST https://host/path`.
    """

    role: str
    shape: str
    arguments: dict[str, Any]


class Deferred:
    """A result whose stored value is made when the target has ended, such as a body that the program reads later."""

    __slots__ = ("build", "source")

    def __init__(self, build: Callable[[], Any], source: object = None) -> None:
        self.build = build
        self.source = source


class Operation(Record):
    """One callable of a library, and how its calls are recorded.

    `describe(args, kwargs)` gets the live arguments, the bound instance first, and must not consume or change them.
    `pack(result, described)` gives the value to store for a result, or a `Deferred`; `rebuild(stored,
    args, kwargs)` the result from it, where `args` and `kwargs` are those of the replayed call. None: as it is.
    """

    module: str  # where the callable is defined
    qualname: str
    describe: Callable[[tuple[Any, ...], dict[str, Any]], Described]
    pack: Callable[[Any, Described], Any] | None = None
    rebuild: Callable[[Any, tuple[Any, ...], dict[str, Any]], Any] | None = None
    result: str = STORED  # stored | handle | skipped
    repeat: str = "steady"
    has_instance: bool = True  # the first argument is the bound instance
    # For what is not a Python function: `install(namespace of the module, recorder)` puts wrappers in place and returns
    # the way back. `recorder(flavor, function)` gives an object with `admit`, `begin`, `returned` and `raised`.
    install: Callable[[dict[str, Any], Callable[..., Any]], Callable[[], None] | None] | None = None

    @property
    def dependency(self) -> str:
        return f"{self.module}:{self.qualname}"


def load_preset(word: str) -> tuple[Operation, ...]:
    """The operations of a preset; empty for one that wraps nothing. Raises LookupError for an unknown word."""
    from importlib import import_module

    from ...config.dependencies import BUILT_IN, entry_points_of

    if word in BUILT_IN:
        name = word.replace("-", "_")
        preset: Any = import_module(f"{__name__}.{name}")
    else:
        found = entry_points_of(word)
        if not found:
            raise LookupError(f"unknown preset {word!r}")
        preset = found[0].load()
    operations: tuple[Operation, ...] = tuple(preset.operations)
    return operations
