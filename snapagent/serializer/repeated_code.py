"""Remembers how code was stored, for the next function with the same code.

A web framework makes the same lambda for each application object, and a test suite makes a thousand of these, each of
which is stored with every call of its methods.
"""

from __future__ import annotations

import sys

from .naming import MAIN_NAMES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import CodeType, FunctionType
    from typing import Any

_MOST = 1024  # of each: what a program makes without end must not be kept alive
_CONSTANTS = frozenset({type(None), bool, int})  # nothing can change them, and they hold no secret

_forms: dict[int, tuple[CodeType, tuple[Any, ...]]] = {}  # by id of the code object
_streams: dict[tuple[object, ...], tuple[CodeType, bytes]] = {}


class _FormCatcher:
    """Stands for a pickler where a function of dill saves a code object, and keeps the form that it chose."""

    form: tuple[Any, ...]

    def save_reduce(self, *form: Any, obj: object) -> None:
        self.form = form


def form_of_code(code: CodeType, save: Callable[[Any, CodeType], None]) -> tuple[Any, ...]:
    """The arguments for `save_reduce`, by dill's function for code objects, which is called once for each.

    It changes the filters of `warnings` for a moment: each time, the program might print warnings again that it has
    printed, and it takes longer than the rest.
    """
    known = _forms.get(id(code))
    if known is None or known[0] is not code:
        catcher = _FormCatcher()
        save(catcher, code)
        _make_room(_forms)
        known = _forms[id(code)] = code, catcher.form
    return known[1]


def key_of(function: FunctionType, module: str | None) -> tuple[object, ...] | None:
    """What alone the stream of a function depends on; None where it may depend on more, which may change.

    `module` is the name of the module whose globals it has.
    """
    if module is None or module in MAIN_NAMES:
        return None
    named, qualname = function.__module__, function.__qualname__
    if "<locals>." not in qualname or type(named) is not str or named not in sys.modules or function.__dict__:
        return None
    # From Python 3.14 on, annotations are made by code of the program when they are read.
    if function.__kwdefaults__ or getattr(function, "__annotate__", None) is not None or function.__annotations__:
        return None
    try:
        values = (*(cell.cell_contents for cell in function.__closure__ or ()), *(function.__defaults__ or ()))
    except ValueError:  # an empty cell
        return None
    kinds = tuple(map(type, values))
    if not _CONSTANTS.issuperset(kinds) or type(function.__doc__) not in (str, type(None)):
        return None
    shape = function.__defaults__ is None, len(function.__closure__ or ())
    return id(function.__code__), module, named, function.__name__, qualname, function.__doc__, kinds, values, shape


def stream_of(key: tuple[object, ...], code: CodeType) -> bytes | None:
    """The stream of an earlier function with this key and code."""
    known = _streams.get(key)
    return known[1] if known is not None and known[0] is code else None


def remember(key: tuple[object, ...], code: CodeType, stream: bytes) -> None:
    _make_room(_streams)
    _streams[key] = code, stream


def _make_room(known: dict[Any, Any]) -> None:
    if len(known) >= _MOST:
        known.clear()
