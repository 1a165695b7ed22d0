"""Everything that the stream of a function stored by value is made of, as bytes: to find the stream of an earlier one.

dill is written in Python, and takes ten times as long as this: a web application is stored with its lambdas in every
call of its methods. Nothing is remembered about the function itself, so all of it may change between two calls.
"""

from __future__ import annotations

import pickle
import types
from sys import modules

from ..core.type_facts import is_class
from .code_forms import (
    CODE_TYPES,
    Circular,
    behind_wrapper,
    form_inside,
    module_of,
    name_of_code,
    refuse_dragging,
    state_of,
)
from .freezing.byte_limit import Sink, TooBig
from .naming import MAIN_NAMES, is_named

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Protocol

    from .code_forms import Leaves

    Forms = dict[int, tuple[object, Any]]  # by id of a value: the value, and its form with lists in place of iterators

    class ByDill(Protocol):
        """The types that dill stores otherwise than by their pickle hooks, and what it stores of code objects."""

        stored_otherwise: frozenset[type]

        @staticmethod
        def content_of_code(code: types.CodeType) -> bytes: ...


_ITERATORS: tuple[type, ...] = (type(iter([])), type(iter({}.items())), type(iter(())))
_CONSTANTS = frozenset({type(Ellipsis), type(NotImplemented)})


class _Indescribable(Exception):
    """The content cannot tell two streams apart."""


def content_of(function: types.FunctionType, leaves: Leaves, forms: Forms, by_dill: ByDill) -> bytes | None:
    """Bytes that differ for two functions whose streams differ; None where such bytes are not known.

    Each value inside is asked for its form once, which is put into `forms`: the hooks of the program run once.
    Raises as storing the function does.
    """
    sink = Sink(2 * leaves.max_bytes)
    try:
        _ContentPickler(sink, function, leaves, forms, by_dill).dump(function)
        return sink.take()
    except (_Indescribable, TooBig, RecursionError):
        return None


def usable(form: Any) -> Any:
    """A form out of `forms`, for a pickler."""
    if type(form) is not tuple or len(form) <= 3:
        return form
    return (*form[:3], *(iter(items) if type(items) is list else items for items in form[3:5]), *form[5:])


def _reusable(form: Any) -> Any:
    if type(form) is not tuple or len(form) <= 3:
        return form
    return (*form[:3], *(list(items) if type(items) in _ITERATORS else items for items in form[3:5]), *form[5:])


def _part(*parts: object) -> None:
    """Stands in a content before the parts of a function or method, or what is inside a wrapper."""


def _is_at_top(code: Any) -> bool:
    """Whether a module holds a function or class under its name: `is_named` for most, in a third of the time."""
    name = code.__module__
    module = modules.get(name) if type(name) is str else None
    if type(module) is not types.ModuleType or name in MAIN_NAMES:
        return False
    qualname = code.__qualname__
    return module.__dict__.get(qualname) is code and "." not in qualname


class _Waiting:
    """What is stored once the outermost function is there."""

    __slots__ = ("values",)

    def __init__(self) -> None:
        self.values: list[object] = []


class _ContentPickler(pickle.Pickler):
    """The C pickler for what dill's would store, in the same order: so notes come in the same order too."""

    __slots__ = ("_by_dill", "_cells", "_forms", "_functions", "_leaves", "_outermost", "_waiting")

    def __init__(
        self, sink: Sink, outermost: types.FunctionType, leaves: Leaves, forms: Forms, by_dill: ByDill
    ) -> None:
        super().__init__(sink, 5)
        self._outermost = outermost
        self._leaves = leaves
        self._forms = forms
        self._by_dill = by_dill
        self._cells: dict[int, int] = {}  # by id of a cell: its number, so that shared cells are seen
        self._functions: set[int] = set()  # by id: those that were met
        self._waiting: _Waiting | None = None

    def persistent_id(self, value: Any) -> str | None:
        """A module's namespace goes by name."""
        return module_of(value) if type(value) is dict and "__name__" in value else None

    def reducer_override(self, value: Any) -> Any:
        kind = type(value)
        if (kind is types.FunctionType or kind is type) and _is_at_top(value):
            return value.__qualname__
        if value is self._outermost and not is_named(value, value.__module__, value.__qualname__):
            refuse_dragging(value)
            self._leaves.by_value[name_of_code(value)] = None
            return self._function(value)
        known = self._forms.get(id(value))
        if known is not None:
            return usable(known[1])
        if kind is types.CodeType:
            return _part, (self._by_dill.content_of_code(value),)
        if kind is _Waiting:
            self._waiting = None
            return _part, tuple(value.values[::-1])
        if kind is not types.FunctionType:
            inside = behind_wrapper(value)
            if inside is not value:
                return _part, (inside,)
        form = form_inside(self._leaves, value)
        if form is NotImplemented:
            return self._described(value, kind)
        form = _reusable(form)
        self._forms[id(value)] = value, form
        if type(form) is tuple and any(type(items) not in (list, type(None)) for items in form[3:5]):
            raise _Indescribable  # an iterator of the program: it may have no end
        return usable(form)

    def _described(self, value: Any, kind: type) -> Any:
        if kind is types.FunctionType:
            return self._function(value)
        if kind is types.MethodType:
            return _part, (value.__func__, value.__self__)
        if kind in _CONSTANTS:
            return NotImplemented
        if kind in CODE_TYPES or kind in self._by_dill.stored_otherwise or is_class(value):
            raise _Indescribable
        return NotImplemented

    # dill makes the function of its code, globals, name, defaults and cells, sets its attributes, and then fills the
    # cells, from the last to the first: those of functions inside as well, once the outermost function is there.
    def _function(self, function: types.FunctionType) -> Any:
        if id(function) in self._functions:
            raise Circular(function)
        is_outermost = self._waiting is None
        waiting = self._waiting = self._waiting or _Waiting()
        module = module_of(function.__globals__)
        own_globals = dict(function.__globals__) if module is None else None
        if own_globals and not is_outermost and self._functions.intersection(map(id, own_globals.values())):
            waiting.values.append(own_globals)
            own_globals = None
        self._functions.add(id(function))
        names = module, function.__module__, function.__name__
        cells = tuple(self._number_of(cell, waiting.values) for cell in function.__closure__ or ())
        parts = self._by_dill.content_of_code(function.__code__), names, function.__defaults__, cells
        return _part, parts, (state_of(function), own_globals, waiting if is_outermost else None)

    def _number_of(self, cell: types.CellType, waiting: list[object]) -> int:
        """The number of a cell, below zero when it is empty; its content waits when it is met first."""
        number = self._cells.get(id(cell))
        is_new = number is None
        if number is None:
            number = self._cells[id(cell)] = len(self._cells)
        try:
            content = cell.cell_contents
        except ValueError:
            return -1 - number
        if is_new:
            waiting.append(content)
        return number
