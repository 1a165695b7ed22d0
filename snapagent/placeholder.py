"""Stands in a loaded bundle for a missing value: excluded, redacted, or impossible to store.

A placeholder can be stored, passed on and printed. Any other use raises `PlaceholderError` with its path. Its facts are
read with `note_of`, not as attributes: the value that it stands for may have had a `path` or a `reason` of its own.

A replay needs to know whether a placeholder had a part in what happened, also when the program swallows the error:
while a `PlaceholderUses` is entered, each use is recorded in it, and so are the uses that raise nothing: to print it,
to ask for its type, to take it as a key, to pickle it.
"""

from __future__ import annotations

from .bundle import Note
from .errors import ChangedClassError, PlaceholderError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, NoReturn, SupportsIndex

# Names that pickle streams hold: those written by 0.1.0 must stay readable, so none of them may ever change.
PLACEHOLDER = "snapagent.placeholder:restore_placeholder"  # called with path, kind, type, reason, detail
BY_VALUE = "snapagent.serializer.by_value:load_by_value"  # called with the stream of a function or class
REBUILDS_EXCEPTION = "snapagent.serializer.exceptions:rebuild_exception"  # called with class, args
# Newer than 0.1.0: calls that hold a form of this module, or the last one, are hashed in the second version.
REBUILDS = "snapagent.serializer.rebuild"
NAMED = REBUILDS + ":load_named"  # called with "module:path"
ITEM = REBUILDS + ":load_item"  # called with "module:path", steps, "module:path" with the steps
GO_BY_NAME = frozenset({NAMED, ITEM})
PARAMETRIZED = REBUILDS + ":load_parametrized"  # called with origin, args, "module:path"
SINGLETON = REBUILDS + ":load_singleton"  # called with "module:path", class, base, state
FINDS_MODEL = REBUILDS + ":find_model"  # called with app label, model name, "module:path"
MAKES_OBJECT = REBUILDS + ":make_object"  # called with the class
IDENTITY = REBUILDS + ":identity_of"  # called with the object
MAKES_NEW = REBUILDS + ":new_of"  # called with the class
MAKES_QUERY = REBUILDS + ":make_query_set"  # called with class, path
SETS_ATTRIBUTES = REBUILDS + ":set_attributes"  # called with the object, {name: value}
STARTS_ANEW = REBUILDS + ":start_anew"  # name of the type, function, named, other and keyword arguments
ITERATES = REBUILDS + ":iterate_again"  # called with maker, args
COMPILED_EXCEPTION = "snapagent.serializer.exceptions:rebuild_compiled_exception"  # class, args, text, maker, its args

EXCLUDED, REDACTED, UNSTORABLE = "excluded", "redacted", "unstorable"
TOO_BIG, TOO_DEEP, LAZY, FRESH = "too_big", "too_deep", "lazy", "fresh"
MAY_BE_TORN = "may_be_torn"
CHANGED = "changed"  # in no header: the class has changed since, so that loading failed
PRESENT = frozenset({FRESH, MAY_BE_TORN})  # notes of these kinds are about values that are there


_watching: list[PlaceholderUses] = []


class PlaceholderUses:
    """Records the paths of the placeholders that are used in this process between `__enter__` and `__exit__`."""

    def __init__(self) -> None:
        self.paths: dict[str, None] = {}

    def __enter__(self) -> PlaceholderUses:
        _watching.append(self)
        return self

    def __exit__(self, *error: object) -> None:
        _watching.remove(self)


class Placeholder:
    """Stands for a value that is not in the bundle; see the module for what may be done with it."""

    __slots__ = ("__weakref__", "_snapagent_note")

    def __init__(self, note: Note) -> None:
        object.__setattr__(self, "_snapagent_note", note)

    def __repr__(self) -> str:
        note = _used(self)
        detail = f", {note.detail}" if note.detail else ""
        return f"<{note.kind} {note.path or 'value'}: {note.type}{detail}: {note.reason}>"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return format(repr(self), spec)

    def __reduce_ex__(self, protocol: SupportsIndex) -> tuple[Any, ...]:
        note = _used(self)
        return restore_placeholder, (note.path, note.kind, note.type, note.reason, note.detail)

    def __copy__(self) -> Placeholder:
        return self

    def __deepcopy__(self, memo: object) -> Placeholder:
        return self

    @property  # type: ignore[misc]
    def __class__(self) -> type:
        """The type, as `isinstance` asks for it."""
        _used(self)
        return Placeholder

    def __hash__(self) -> int:
        """To be held in a set or as a key."""
        _used(self)
        return object.__hash__(self)

    def __eq__(self, other: object) -> bool:
        if other is self:
            return True
        _refuse(self)

    def __ne__(self, other: object) -> bool:
        if other is self:
            return False
        _refuse(self)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") and name.endswith("__"):
            _used(self)
            raise AttributeError(name)  # a protocol asks whether it applies: it does not
        _refuse(self)

    def __setattr__(self, name: str, value: object) -> None:
        _refuse(self)

    def __delattr__(self, name: str) -> None:
        _refuse(self)


def _refuse(self: Placeholder, *args: object, **kwargs: object) -> NoReturn:
    note = _used(self)
    error = ChangedClassError if note.kind == CHANGED else PlaceholderError
    raise error(note.path, note.type, note.reason)


def _used(self: Placeholder) -> Note:
    note = note_of(self)
    for uses in _watching:
        uses.paths[note.path] = None
    return note


_USES = """
    bool call len length_hint iter next reversed contains getitem setitem delitem missing enter exit aenter aexit await
    aiter anext lt le gt ge add sub mul matmul truediv floordiv mod divmod pow lshift rshift and xor or radd rsub rmul
    rmatmul rtruediv rfloordiv rmod rdivmod rpow rlshift rrshift rand rxor ror iadd isub imul imatmul itruediv
    ifloordiv imod ipow ilshift irshift iand ixor ior neg pos abs invert complex int float index round trunc floor
    ceil bytes fspath
"""
for _use in _USES.split():
    setattr(Placeholder, f"__{_use}__", _refuse)


def note_of(placeholder: Placeholder) -> Note:
    """Path, kind, type, reason and detail of what the placeholder stands for."""
    note: Note = object.__getattribute__(placeholder, "_snapagent_note")
    return note


def set_path(placeholder: Placeholder, path: str) -> None:
    """Say where the missing value belongs, once that is known."""
    object.__setattr__(placeholder, "_snapagent_note", note_of(placeholder).replace(path=path))


def restore_placeholder(path: str, kind: str, type_name: str, reason: str, detail: str = "") -> Placeholder:
    """Builds the placeholder when a bundle is loaded. Pickle streams name this function."""
    return Placeholder(Note(path, kind, type_name, reason, detail))
