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
from ..core.type_facts import is_class
from .code_content import content_of, usable
from .code_forms import CODE_TYPES, Circular, behind_wrapper, form_inside, module_of, state_of
from .freezing.byte_limit import Sink
from .freezing.c_stack import may_overflow
from .freezing.reduce import Unstorable, ask
from .naming import MAIN_NAMES, main_aliases, real_main_name
from .repeated_code import Streams, content_of_code, form_of_code
from .thawing.object_state import restore_state

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, ClassVar

    from .code_content import Forms
    from .code_forms import Leaves

FORBIDDEN = frozenset({("dill._dill", "_create_filehandle")})  # loading it opens, and may truncate, a file


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
    is_plain = type(value) is types.FunctionType and not leaves.leaves_out and not may_overflow()
    return ask(_stream_of, value, leaves) if is_plain else ask(_dump, value, leaves, {})  # type: ignore[no-any-return]


def _stream_of(function: types.FunctionType, leaves: Leaves) -> bytes:
    """The stream of an earlier function with the same content, or a new one."""
    forms: Forms = {}
    content = _content_of(function, leaves, forms)
    stream = _streams.get(content) if content is not None else None
    if stream is None or len(stream) > leaves.max_bytes:
        stream = _dump(function, leaves, forms)
        if content is not None and content == _content_of(function, leaves, forms):  # it has not changed meanwhile
            _streams.remember(content, stream)
    return stream


_streams = Streams()


def _content_of(function: types.FunctionType, leaves: Leaves, forms: Forms) -> bytes | None:
    content = content_of(function, leaves, forms, _loaded_pickler(leaves))
    return content and main_aliases()[0] + content


def _loaded_pickler(leaves: Leaves) -> Any:
    if not _pickler.cache_info().currsize:
        used = thread_time()
        _pickler()
        leaves.time_limit.forgive(thread_time() - used)  # dill is loaded once in a process
    return _pickler()


def _dump(value: object, leaves: Leaves, forms: Forms) -> bytes:
    """A new stream. `forms` are those of values that were asked for them already."""
    sink = Sink(leaves.max_bytes)
    pickler = _loaded_pickler(leaves)(sink, leaves, forms)
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


@cache
def _pickler() -> Any:
    dill = import_dill()

    class ByValuePickler(dill.Pickler):  # type: ignore[misc, name-defined]
        """dill for code, the rules of `freezing` for everything else."""

        dispatch = type(dill.Pickler.dispatch)(dill.Pickler.dispatch)
        stored_otherwise: ClassVar[frozenset[type]]  # the types in `dispatch`

        def __init__(self, file: Any, leaves: Leaves, forms: Forms) -> None:
            super().__init__(file, protocol=5, byref=False, recurse=False)
            self._leaves = leaves
            self._forms = forms
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
            elif kind in CODE_TYPES:
                pickle._Pickler.save(self, value, save_persistent_id)  # type: ignore[attr-defined]
            else:
                super().save(behind_wrapper(value), save_persistent_id)

        def reducer_override(self, value: Any) -> Any:
            known = self._forms.get(id(value))
            if known is not None:
                return usable(known[1])
            if id(value) in self._postproc:
                # A part that is needed to make it leads back to it: dill would warn in the program, then fail.
                raise Unstorable("its class refers to itself") if is_class(value) else Circular(value)
            return form_inside(self._leaves, value)

        def save_namespace(self, namespace: dict[Any, Any]) -> None:
            """A module's namespace goes by name. dill would compare each dict with that of `__main__`: by `__eq__`."""
            module = module_of(namespace)
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
            if module_of(function.__globals__) is None:
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
                    state_of(function),
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

        @staticmethod
        def content_of_code(code: types.CodeType) -> bytes:
            return content_of_code(code, dill._dill.save_code)

    ByValuePickler.stored_otherwise = frozenset(ByValuePickler.dispatch)
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
