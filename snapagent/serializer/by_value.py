"""Functions and classes that no module can name, stored by value: dill's home.

dill stores lambdas, closures, functions and classes defined inside functions, and those of a script's `__main__`. It
gets the function or class alone. For every other object inside, the rules of `freezing` hold, so that no open file,
lock, module content or unnamed global is stored with it. dill is imported at its first use.
"""

from __future__ import annotations

import importlib
import io
import pickle
import sys
import types
from _thread import _count as count_other_threads
from functools import cache

from ..core.clock import perf_counter, thread_time
from ..core.type_facts import is_class, module_name, qualname
from .enums import is_enum_class, reduce_enum
from .freezing.byte_limit import Sink
from .freezing.reduce import Unstorable, ask
from .naming import MAIN_NAMES, is_named, main_aliases, real_main_name, unwrapped
from .repeated_code import form_of_code, key_of, remember, stream_of
from .thawing.object_state import restore_state

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, ClassVar, Protocol

    from .freezing.time_limit import TimeLimit

    class Leaves(Protocol):
        """The pickler of the whole value: it decides over every object inside the code that is not code itself."""

        by_value: dict[str, None]
        max_bytes: int
        time_limit: TimeLimit

        @property
        def leaves_out(self) -> bool: ...

        def reducer_override(self, value: Any) -> Any: ...

        def left_out_form(self, value: Any) -> Any: ...

        def named_form(self, code: Any) -> tuple[Any, ...] | None: ...

        def note_slow_dump(self, code: Any) -> None: ...


MOST_GLOBALS = 64  # names in a namespace that belongs to no module, above which a function would drag in too much
FORBIDDEN = frozenset({("dill._dill", "_create_filehandle")})  # loading it opens, and may truncate, a file
_CODE_TYPES = frozenset(
    {
        type(None), bool, int, float, complex, str, bytes, bytearray, list, tuple, dict, set, frozenset,
        types.CodeType, types.CellType, property, staticmethod, classmethod, types.MethodType,
        types.MappingProxyType, types.GetSetDescriptorType, types.MemberDescriptorType, types.WrapperDescriptorType,
        types.MethodDescriptorType, types.ClassMethodDescriptorType, types.MethodWrapperType,
        type(Ellipsis), type(NotImplemented), pickle.PickleBuffer,
    }
)  # fmt: skip


def load_by_value(data: bytes) -> Any:
    """Load code from its dill stream. Streams of bundles name this function, so its name must stay."""
    return load_dill(data, lambda module, name: None)


def load_dill(data: bytes, find: Callable[[str, str], Any]) -> Any:
    """Load a dill stream. `find` is tried first for each global; None leaves it to dill."""
    unpickler = _unpickler()(io.BytesIO(data), find)
    try:
        return unpickler.load()
    except Exception as error:
        # It may have run a hook of an object that had none of its attributes yet: see `restore_state`.
        try:
            return _PatientUnpickler(io.BytesIO(data), unpickler.find_class).load()
        except Exception:
            raise error from None


def dump_by_value(value: Any, leaves: Leaves) -> bytes:
    """The dill stream of one function or class.

    Raises:
        Unstorable: dill cannot carry it, or it would drag a whole namespace along.
        TooBig: with what it closes over, it is more than the whole bundle may be.
    """
    if leaves.leaves_out or type(value) is not types.FunctionType:
        return ask(_dump, value, leaves)  # type: ignore[no-any-return]
    key = key_of(value, _module_of(value.__globals__))
    if key is None:
        return ask(_dump, value, leaves)  # type: ignore[no-any-return]
    stream = stream_of(key, value.__code__)
    if stream is None or len(stream) > leaves.max_bytes:
        stream = ask(_dump, value, leaves)
        remember(key, value.__code__, stream)
    return stream


def _dump(value: object, leaves: Leaves) -> bytes:
    sink = Sink(leaves.max_bytes)
    used = thread_time()
    pickler_class = _pickler()
    leaves.time_limit.forgive(thread_time() - used)  # dill is loaded once in a process
    pickler = pickler_class(sink, leaves)
    began = perf_counter()
    pickler.dump(value)
    # dill is written in Python, so another thread may run in the middle of a dump once the switch interval has passed,
    # and may change the arguments: the bundle would then mix two states.
    if perf_counter() - began > sys.getswitchinterval() and count_other_threads():
        leaves.note_slow_dump(value)
    return sink.take()


def import_dill() -> Any:
    """dill, without the types that it registers in the standard library's pickler: the program uses that pickler."""
    if "dill" in sys.modules:
        return sys.modules["dill"]
    dill = importlib.import_module("dill")
    dill.extend(False)
    return dill


def name_of_code(value: Any) -> str:
    """`module.qualname` of a function or class, for the header."""
    if is_class(value):
        return f"{module_name(value)}.{qualname(value)}"
    return f"{value.__module__}.{value.__qualname__}" if value.__module__ else str(value.__qualname__)


@cache
def _pickler() -> Any:
    dill = import_dill()

    class ByValuePickler(dill.Pickler):  # type: ignore[misc, name-defined]
        """dill for code, the rules of `freezing` for everything else."""

        dispatch = type(dill.Pickler.dispatch)(dill.Pickler.dispatch)

        def __init__(self, file: Any, leaves: Leaves) -> None:
            super().__init__(file, protocol=5, byref=False, recurse=False)
            self._leaves = leaves
            self._time_limit = leaves.time_limit
            prelude, names = main_aliases()
            file.write(prelude)
            self._savers = {} if leaves.leaves_out else atoms
            self.memo = {id(name): (index, name) for index, name in enumerate(names)}

        def save(self, value: Any, save_persistent_id: bool = True) -> None:
            """Store the program's function, not snapagent's wrapper around it. Raises TooSlow."""
            if perf_counter() > self._time_limit.deadline:
                self._time_limit.look()
            kind = type(value)
            if kind in self._savers:
                # What pickle's own method does, less what concerns other objects: most of a code object is text.
                self.framer.commit_frame()
                known = self.memo.get(id(value))
                if known is None:
                    self._savers[kind](self, value)
                else:
                    self.write(self.get(known[0]))
            elif kind in _CODE_TYPES:
                pickle._Pickler.save(self, value, save_persistent_id)  # type: ignore[attr-defined]
            else:
                function = unwrapped(value)
                is_inside = function is not None and not is_named(value, function.__module__, function.__qualname__)
                super().save(function if is_inside else value, save_persistent_id)

        def reducer_override(self, value: Any) -> Any:
            kind = type(value)
            if kind in _CODE_TYPES:
                form = self._leaves.left_out_form(value)
                return NotImplemented if form is None else form
            if kind is types.FunctionType:
                return self._function(value)
            if is_class(value):
                return self._class(value)
            if kind is types.ModuleType:
                return importlib.import_module, (_module_name(value),)
            return self._leaves.reducer_override(value)

        def _function(self, function: Any) -> Any:
            if is_named(function, function.__module__, function.__qualname__):
                return function.__qualname__
            form = self._leaves.named_form(function)
            if form is not None:
                return form
            _refuse_dragging(function)
            self._leaves.by_value[name_of_code(function)] = None
            return NotImplemented

        def _class(self, cls: Any) -> Any:
            if is_named(cls, module_name(cls), qualname(cls)):
                return qualname(cls)
            form = self._leaves.named_form(cls)
            if form is not None:
                return form
            if id(cls) in self._postproc:
                raise Unstorable("its class refers to itself")  # dill would warn on stderr, then fail
            if module_name(cls) != "builtins":
                self._leaves.by_value[name_of_code(cls)] = None
            return reduce_enum(cls) if is_enum_class(cls) else NotImplemented

        def save_namespace(self, namespace: dict[Any, Any]) -> None:
            """A module's namespace goes by name. dill would compare each dict with that of `__main__`: by `__eq__`."""
            module = _module_of(namespace)
            if module is None:
                pickle._Pickler.save_dict(self, namespace)  # type: ignore[attr-defined]
            elif module in MAIN_NAMES and real_main_name() is None:
                self.write(b"c__builtin__\n__main__\n")
            else:
                name = real_main_name() if module in MAIN_NAMES else module
                self.write(f"c{name}\n__dict__\n".encode())

        dispatch[dict] = save_namespace

        def save_function(self, function: Any) -> None:
            """A function whose globals are a module's, which dill would dump where `__module__` names another one.

            `functools.wraps` gives a closure the `__module__` of the function that it wraps.
            """
            if _module_of(function.__globals__) is None:
                dill._dill.save_function(self, function)
                return
            dill._dill._save_with_postproc(
                self,
                (
                    dill._dill._create_function,
                    (
                        function.__code__,
                        function.__globals__,
                        function.__name__,
                        function.__defaults__,
                        function.__closure__,
                    ),
                    _state_of(function),
                ),
                obj=function,
                postproc_list=[],
            )
            self._fill_cells(function)

        # A cell that leads back to its function is filled once the function is there. dill lists that as work of the
        # outermost object; when an inner function was just stored, its own cell is filled at once.
        def _fill_cells(self, function: Any) -> None:
            outermost: list[Any] = next(iter(self._postproc.values()), [])
            own = {id(cell) for cell in function.__closure__ or ()}
            for step in [each for each in outermost if id(each[1][0]) in own and each[1][-1] is function]:
                outermost[:] = [each for each in outermost if each is not step]
                self.save_reduce(*step)
                self.write(pickle.POP)

        dispatch[types.FunctionType] = save_function

        def save_code(self, code: types.CodeType) -> None:
            self.save_reduce(*form_of_code(code, dill._dill.save_code), obj=code)

        dispatch[types.CodeType] = save_code

    atoms = {kind: ByValuePickler.dispatch[kind] for kind in (type(None), bool, int, float, str, bytes)}
    return ByValuePickler


class _PatientUnpickler(pickle._Unpickler):
    """Python's own unpickler, which looks `__setstate__` up on the type."""

    def __init__(self, file: Any, find_class: Callable[[str, str], Any]) -> None:
        super().__init__(file)
        self._find_class = find_class

    def find_class(self, module: str, name: str) -> Any:
        return self._find_class(module, name)

    def load_build(self) -> None:
        state = self.stack.pop()  # type: ignore[attr-defined]
        restore_state(self.stack[-1], state)  # type: ignore[attr-defined]

    dispatch: ClassVar[dict[int, Any]] = {**pickle._Unpickler.dispatch, pickle.BUILD[0]: load_build}


@cache
def _unpickler() -> Any:
    dill = import_dill()

    class ByValueUnpickler(dill.Unpickler):  # type: ignore[misc, name-defined]
        def __init__(self, file: Any, find: Callable[[str, str], Any]) -> None:
            super().__init__(file, ignore=True)
            self._find = find

        def find_class(self, module: str, name: str) -> Any:
            if (module, name) in FORBIDDEN:
                raise pickle.UnpicklingError(f"{module}.{name} would open a file")
            found = self._find(module, name)
            return found if found is not None else super().find_class(module, name)

    return ByValueUnpickler


def _state_of(function: Any) -> Any:
    """The attributes of a function, as dill stores them: its `__dict__` and those that it keeps elsewhere."""
    own: dict[str, Any] = {}
    for name in ("__doc__", "__kwdefaults__", "__annotations__"):
        found = getattr(function, name, None)
        if found is not None:
            own[name] = found
    if function.__qualname__ != function.__name__:
        own["__qualname__"] = function.__qualname__
    if function.__module__ != function.__globals__.get("__name__"):
        own["__module__"] = function.__module__
    return (function.__dict__, own) if own else function.__dict__


def _refuse_dragging(function: Any) -> None:
    namespace = function.__globals__
    if _module_of(namespace) is None and (len(namespace) > MOST_GLOBALS or "__spec__" in namespace):
        raise Unstorable("its globals belong to no module")
    if function.__module__ is None and "__name__" not in namespace:
        return  # made from code that was compiled at run time, with globals of its own
    if type(function.__module__) is not str or function.__module__ not in sys.modules:
        raise Unstorable("its module is not loaded")


def _module_of(namespace: dict[Any, Any]) -> str | None:
    """The name of the loaded module whose `__dict__` this very dictionary is."""
    name = namespace.get("__name__")
    if type(name) is not str:
        return None
    try:
        return name if vars(sys.modules[name]) is namespace else None
    except (KeyError, TypeError):
        return None


def _module_name(module: Any) -> str:
    name = vars(module).get("__name__")
    if type(name) is not str or sys.modules.get(name) is not module:
        raise Unstorable("it holds a module that cannot be imported")
    return (real_main_name() or name) if name in MAIN_NAMES else name
