"""Presets: how calls of one library are recorded and rebuilt, a file each.

A preset is a module, or any object, with the attribute `operations`: a tuple of `Operation`, and perhaps `replacements`
(a tuple, or a function that gives one when a replay begins) and `objects`, for replay alone. It is found by its word:
as a module of this folder, or by an entry point of the group `snapagent.presets`. It never imports its library itself
when it is loaded: operations name modules, and `rebuild` runs where the program has imported the library.
"""

from __future__ import annotations

from ...core.records import Record
from ..tape import STORED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    Wrap = Callable[["Operation", Callable[..., Any]], Callable[..., Any]]
    Calls = Sequence[tuple[dict[str, Any], Any]]


UNRECORDED = "{} is not recorded; declare the function that uses it under `dependencies:`"


class Described(Record):
    """One call in the words of its preset.

    `arguments` are plain values by name: they are stored as the keyword arguments of the call, redacted, and matched.
    `shape` is the text that stays when values change, such as the SQL or `POST https://host/path`. `subject` is a live
    object that `pack` needs; it is not stored.
    """

    role: str
    shape: str
    arguments: dict[str, Any]
    subject: object = None


class Deferred:
    """A result whose stored value is made when the target has ended, such as a body that the program reads later."""

    __slots__ = ("build",)

    def __init__(self, build: Callable[[], Any]) -> None:
        self.build = build


class Operation(Record):
    """One callable of a library, and how its calls are recorded.

    `describe(args, kwargs)` gets the live arguments, the bound instance first, and must not consume or change them.
    `pack(result, described)` gives the value to store for a result, or a `Deferred`; `rebuild(stored,
    args, kwargs)` the result from it, where `args` and `kwargs` are those of the replayed call; `rebuild_error` does
    the same for an exception. None: as it is.
    """

    module: str  # where the callable is defined
    qualname: str
    describe: Callable[[tuple[Any, ...], dict[str, Any]], Described]
    pack: Callable[[Any, Described], Any] | None = None
    rebuild: Callable[[Any, tuple[Any, ...], dict[str, Any]], Any] | None = None
    rebuild_error: Callable[[BaseException, tuple[Any, ...], dict[str, Any]], BaseException] | None = None
    result: str = STORED  # stored | handle | skipped
    repeat: str = "steady"
    # For what is not a Python function: `install(namespace of the module, wrap)` puts wrappers in place and returns the
    # way back. `wrap(operation, function)` gives a callable that records the calls of `function`, or serves them.
    install: Callable[[dict[str, Any], Wrap], Callable[[], None] | None] | None = None
    at_start: bool = False  # not wrapped: called when a tape is opened, and its result is an effect
    unrecorded: str = ""  # why no call can be recorded: one makes the tape incomplete, and replay refuses it

    @property
    def dependency(self) -> str:
        return f"{self.module}:{self.qualname}"


def unrecorded(module: str, qualname: str, what: str) -> Operation:
    """A callable whose calls reach the outside, but cannot be recorded and served; `what` they are."""
    return Operation(module, qualname, _undescribed, unrecorded=UNRECORDED.format(what))


def is_unrecorded(reason: str) -> bool:
    """Whether a tape is incomplete because of such a call."""
    return UNRECORDED.partition("{}")[2] in reason


def _undescribed(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Described:
    raise NotImplementedError


class Replacement(Record):
    """A callable that replay puts in the place of one of the library, such as the opening of a connection."""

    module: str
    qualname: str
    function: Callable[..., Any]


class LibraryObject(Record):
    """An object of the library that a target may hold, such as a session: replay puts a working one in its place.

    `names` are dotted names of classes, as placeholders have them; subclasses are meant too, and `package.*` is every
    class below `package`. `make(kind, name, calls)` builds an object that reaches nothing by itself, or
    returns None. `kind` is the class, None where the name cannot be imported; `calls` has the stored arguments and the
    stored result of each recorded call of the preset.
    """

    names: tuple[str, ...]
    make: Callable[[type | None, str, Calls], Any]


def load_preset(word: str) -> tuple[Operation, ...]:
    """The operations of a preset; empty for one that wraps nothing. Raises LookupError for an unknown word."""
    operations: tuple[Operation, ...] = tuple(_preset(word).operations)
    return operations


def load_replacements(word: str) -> tuple[Replacement, ...]:
    """What replay replaces besides the operations. Raises LookupError for an unknown word."""
    found = getattr(_preset(word), "replacements", ())
    replacements: tuple[Replacement, ...] = tuple(found() if callable(found) else found)
    return replacements


def load_objects(word: str) -> tuple[LibraryObject, ...]:
    """The objects of the library that replay can make. Raises LookupError for an unknown word."""
    objects: tuple[LibraryObject, ...] = tuple(getattr(_preset(word), "objects", ()))
    return objects


def _preset(word: str) -> Any:
    from importlib import import_module

    from ...config.dependencies import BUILT_IN, entry_points_of

    if word in BUILT_IN:
        name = word.replace("-", "_")
        return import_module(f"{__name__}.{name}")
    found = entry_points_of(word)
    if not found:
        raise LookupError(f"unknown preset {word!r}")
    return found[0].load()
