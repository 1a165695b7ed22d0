"""Chooses the functions of a module that are targets, wraps each or swaps its code, and undoes that."""

from __future__ import annotations

import functools
import gc
import sys
import weakref
from collections.abc import Callable
from types import FunctionType, ModuleType
from typing import TYPE_CHECKING, Any, cast

from ...config.targets import Target
from ...core.functions import flavor_of, function_of, kind_of
from ...core.type_facts import mro
from ...core.type_facts import namespace as class_names
from ..host_guard import describe, log_once
from . import inplace
from .discovery import Discovery, Found, owners
from .slots import DictPlace, DispatchPlace, Place, fill
from .wrapper import SnapWrapper, inner_of, wrap

if TYPE_CHECKING:
    from ...config.settings import Settings
    from ...config.targets import TargetSet
    from ..recording.recorder import Recorder

    Make = Callable[[Target, FunctionType, str, str, Settings], Recorder]
    Report = Callable[[Target, str], None]

_ONLY_BY_NAME = "references taken earlier are not reached: only calls through its name are captured"
_READS_ITS_CALLER = "it reads its caller's local variables, which it would not see through the frame of a wrapper"
_FRAME_NAMES = frozenset({"_getframe", "_getframemodulename", "currentframe", "f_back", "extract_stack", "print_stack"})


class Instrumenter:
    """Instruments the targets of modules as they load; `restore` undoes it.

    `make` is the engine's `recorder_for`; `report(target, reason)` is called for each function that cannot be reached.
    """

    def __init__(self, targets: TargetSet, make: Make, report: Report) -> None:
        self._targets = targets
        self._make = make
        self._report = report
        self._wrapped: list[weakref.ref[Any]] = []
        self._swapped: list[weakref.ref[FunctionType]] = []

    def instrument(self, name: str, module: ModuleType) -> None:
        """Instrument a module that has been executed under `name`. Never raises an Exception."""
        try:
            namespace = object.__getattribute__(module, "__dict__")
            found = Discovery(name, namespace).functions()
            self._explain_missing(name, namespace, found)
            chosen = [pair for function in found if (pair := self._chosen(name, function)) is not None]
        except Exception as error:
            log_once(f"could not look into module {name}", describe(error))
            return
        del found
        # Popped, because `means` counts references: a list that still held the function would be one more.
        while chosen:
            one, settings = chosen.pop()
            self._instrument_safely(Target(name, one.qualname), one, settings)

    def _chosen(self, module: str, found: Found) -> tuple[Found, Settings] | None:
        """The function with its settings if it is a target. One that the module imports must be named exactly."""
        names = found.names
        for name in names if found.qualname == names[0] else (found.qualname, *names):
            settings = self._targets.settings_of(module, name)
            if settings is None:
                continue
            if found.own or (name in self._targets.exact_names(module) and _made_elsewhere(found.function)):
                return found, settings
        return None

    def _instrument_safely(self, target: Target, found: Found, settings: Settings) -> None:
        try:
            if already_instrumented(found.function):
                return
            swaps, reason = means(found, settings.mode)  # before a recorder refers to the function as well
            if reason is not None:
                self._report(target, reason)
            if swaps is None:
                return
            inner = signature_giver(found.function)
            recorder = self._make(target, inner, found.kind, flavor_of(found.function), settings)
            if swaps:
                self._swap(found.function, recorder)
            else:
                self._wrap(found, recorder)
        except Exception as error:
            log_once(f"could not instrument {target}", describe(error))
            self._report(target, f"it could not be wrapped ({type(error).__name__})")

    def _swap(self, function: FunctionType, recorder: Recorder) -> None:
        inplace.swap(function, recorder)
        self._swapped.append(weakref.ref(function))

    def _wrap(self, found: Found, recorder: Recorder) -> None:
        wrapper = wrap(found.function, recorder, found.places)
        for place in found.places:
            place.write(wrapper)
        self._wrapped.append(weakref.ref(wrapper))

    def restore(self) -> None:
        """Restore every module's own function objects."""
        restore_each(self._wrapped, restore_places)
        restore_each(self._swapped, inplace.restore)

    def _explain_missing(self, module: str, namespace: dict[str, Any], found: list[Found]) -> None:
        names = {name for function in found for name in (function.qualname, *function.names)}
        for qualname in self._targets.exact_names(module):
            if qualname not in names:
                self._explain(Target(module, qualname), namespace, sorted(names), self._report)
        for function in found:
            if not function.own and not _made_elsewhere(function.function):
                self._explain_import(module, function)

    def explain(self, target: Target, module: ModuleType, report: Report) -> None:
        """Report why a target that was written as a dotted name is not captured, unless the module has it."""
        namespace = object.__getattribute__(module, "__dict__")
        found = Discovery(target.module, namespace).functions()
        for function in found:
            if target.qualname in (function.qualname, *function.names):
                if not function.own:
                    report(target, _defined_elsewhere(function.function))
                return
        self._explain(target, namespace, sorted(name for function in found for name in function.names), report)

    def _explain(self, target: Target, namespace: dict[str, Any], known: list[str], report: Report) -> None:
        from ...core.near_names import near_matches

        attribute = target.qualname.rpartition(".")[2]
        for number, cls in enumerate(owners(namespace, target.qualname)):
            if attribute in class_names(cls):
                if number == 0 and already_instrumented(function_of(class_names(cls)[attribute])):
                    return  # by the decorator, for instance
                where = f"{cls.__module__}:{cls.__qualname__}.{attribute}"
                report(target, f"it is inherited; name it where it is defined: {where}")
                return
        if target.qualname in namespace:
            value = namespace[target.qualname]
            if already_instrumented(value):
                if value.__module__ != target.module:
                    report(target, _defined_elsewhere(value))
                return
            report(target, _no_function(target.qualname, value))
            return
        near = ", ".join(near_matches(target.qualname, known))
        report(target, "the module has no such function" + (f"; the nearest names are {near}" if near else ""))

    def _explain_import(self, module: str, found: Found) -> None:
        for name in found.names:
            if name in self._targets.exact_names(module):
                self._report(Target(module, name), _defined_elsewhere(found.function))


def _defined_elsewhere(function: Any) -> str:
    return f"it is defined in another module; name it there: {function.__module__}:{function.__qualname__}"


def _no_function(name: str, value: Any) -> str:
    """Why a value cannot be a target, and the name to use instead. Reads only its type."""
    kind = type(value)
    if issubclass(kind, type):
        return f"it is a class; name its methods: {name}.__init__, or {name}.* for all"
    call = next((cls for cls in mro(kind) if "__call__" in class_names(cls)), None)
    if call is not None and type(class_names(call)["__call__"]) in (FunctionType, SnapWrapper):
        return f"it is an object that can be called; name its method: {call.__module__}:{call.__qualname__}.__call__"
    return f"it is not a Python function (its type is {kind.__qualname__})"


def instrument_value(value: Any, make: Make, settings: Settings) -> Any:
    """For the decorator: the replacement of a function, or of a descriptor around one."""
    function = function_of(value)
    if already_instrumented(function):
        return value
    qualname = getattr(function, "__qualname__", type(function).__qualname__)
    kind = kind_of(type(value), _likely_kind(function, qualname))
    target = Target(function.__module__, qualname)
    recorder = make(target, signature_giver(function), kind, flavor_of(function), settings)
    if settings.mode == "inplace" and type(function) is FunctionType:
        inplace.swap(function, recorder)
        return value
    wrapper = wrap(function, recorder)
    if function is value:
        return wrapper
    fill(value, wrapper)
    return value


def _likely_kind(function: Any, qualname: str) -> str:
    """The kind of a decorated function, whose class does not exist yet, by the name of its first parameter."""
    if qualname.rpartition(".")[0].rpartition(".")[2] in ("", "<locals>"):
        return "function"
    code = signature_giver(function).__code__
    first = code.co_varnames[0] if code.co_argcount else ""
    if first in ("cls", "klass", "mcs") and not qualname.endswith(".__new__"):
        return "classmethod"
    return "method" if first == "self" else "staticmethod"


def already_instrumented(function: object) -> bool:
    return type(function) is SnapWrapper or inplace.is_swapped(function)


def signature_giver(function: Any) -> FunctionType:
    """The function whose parameters name the arguments: the decorated one behind decorators that take `*args`."""
    seen: set[int] = set()
    while id(function) not in seen:
        seen.add(id(function))
        if type(function) is FunctionType and not _takes_anything(function):
            return function
        if type(function) is functools.partial:
            return _anything
        inner = function.__dict__.get("__wrapped__")
        if inner is None:
            break
        function = inner
    return function if type(function) is FunctionType else _anything


def _takes_anything(function: FunctionType) -> bool:
    code = function.__code__
    return code.co_argcount + code.co_kwonlyargcount == 0 and code.co_flags & 0x0C == 0x0C


def _takes_any(*args: Any, **kwargs: Any) -> None:
    """Its parameters stand for those of a callable that has no readable ones."""


_anything = cast(FunctionType, _takes_any)


def _made_elsewhere(function: Any) -> bool:
    """Whether it is a closure, partial or cache that another module made, as a decorator without `wraps` does."""
    return type(function) is not FunctionType or "<locals>" in function.__qualname__


def means(found: Found, mode: str) -> tuple[bool | None, str | None]:
    """How calls of a function are reached: by swapping its code (True), a wrapper (False) or not at all (None).

    The second value is what must be reported about it.
    """
    elsewhere = references_elsewhere(found)  # before `function` is one of them
    function = found.function
    if type(function) is FunctionType and reads_its_callers_variables(function):
        return None, _READS_ITS_CALLER
    reachable = bool(found.places) and all(place.is_writable for place in found.places)
    # The function of a `singledispatchmethod` only dispatches; it is not called itself.
    if type(function) is FunctionType and not any(type(place) is DispatchPlace for place in found.places):
        if mode == "inplace" or not reachable or (elsewhere and not looks_at_its_caller(function)):
            return True, None
    elif not reachable:
        return None, f"it cannot be replaced where the module keeps it (its type is {type(function).__qualname__})"
    return False, _ONLY_BY_NAME if elsewhere else None


def looks_at_its_caller(function: FunctionType) -> bool:
    """Whether the code reads its caller's frame: with swapped code that would be the added frame."""
    return not _FRAME_NAMES.isdisjoint(function.__code__.co_names)


def reads_its_callers_variables(function: FunctionType) -> bool:
    """Whether it would find other ones in the added frame, which can have the caller's globals and not its locals."""
    return "f_locals" in function.__code__.co_names and looks_at_its_caller(function)


def references_elsewhere(found: Found) -> bool:
    """Whether anything besides the places found and the function itself refers to the function.

    By its reference count: a search for the references would have to visit all objects of the process.
    """
    extra = sys.getrefcount(found.function) - len(found.places)
    return extra > _BARE and extra - _to_itself(found) > _BARE


def _to_itself(found: Found) -> int:
    """References to a function from objects that only it holds: its closure, or the namespace `exec` made it in."""
    function = found.function
    if type(function) is not FunctionType:
        return 0
    cells = sum(1 for cell in function.__closure__ or () for held in gc.get_referents(cell) if held is function)
    namespace = function.__globals__
    module = sys.modules.get(str(namespace.get("__name__")))
    is_modules = module is not None and object.__getattribute__(module, "__dict__") is namespace
    counted = any(type(place) is DictPlace and place.namespace is namespace for place in found.places)
    named = namespace.get(function.__name__) is function and not (is_modules or counted)
    return cells + named


def restore_each(references: list[weakref.ref[Any]], restore: Callable[[Any], None]) -> None:
    """Restore what these references lead to, where it still lives; none is left in the list."""
    for reference in references:
        found = reference()
        if found is not None:
            restore(found)
    references.clear()


def restore_places(wrapper: SnapWrapper) -> None:
    held = wrapper._self_places
    places: tuple[Place, ...] = held if isinstance(held, tuple) else (held,)
    for place in places:
        if place.read() is wrapper:
            place.write(inner_of(wrapper))


def _bare() -> int:
    """References to a function that nothing else refers to, in this version of Python: see `references_elsewhere`."""
    found = Found(eval("lambda: None"), "f", "function", True)
    return sys.getrefcount(found.function) - len(found.places)


_BARE = _bare()
