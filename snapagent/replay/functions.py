"""From a target's name to the function that its module defines, without our wrapper around it."""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Callable, Iterator
from types import FunctionType
from typing import Any

from ..core.functions import function_of, held_by, is_own, may_hold
from ..errors import NotReplayableError
from ..serializer.thawing.renames import renamed
from .application import import_in_order, setup_problem
from .captures_dir import config_in_force

_INSTRUMENTS = "snapagent.capture."  # where the types come from that the runtime half puts around or into functions


def find_function(target: str) -> Callable[..., Any]:
    """The plain function behind `module:qualname`, to be called with the bound instance first.

    A function that has moved is found by the config's `renames`.

    Raises:
        NotReplayableError: the module cannot be imported, or has no such name (any more).
    """
    target = current_name(target)
    raw = find_raw(target)
    if isinstance(raw, functools.singledispatchmethod):
        return _dispatching(raw)
    found = unwrap(raw)
    return _held_by(found, target) or found


def _dispatching(method: functools.singledispatchmethod[Any]) -> Callable[..., Any]:
    """Calls the implementation for the type of the first argument, as the method itself does.

    That argument comes after the object or class, unless the implementation is a static method.
    """
    choose = method.dispatcher.dispatch

    @functools.wraps(function_of(method.func))
    def dispatching(*args: Any, **kwargs: Any) -> Any:
        chosen = choose(args[1 if len(args) > 1 else 0].__class__)
        if len(args) > 1 and isinstance(chosen, staticmethod):
            chosen = choose(args[0].__class__)
        return unwrap(chosen)(*args, **kwargs)

    return dispatching


def current_name(target: str) -> str:
    """The target by its name of today, as the config's `renames` have it."""
    module, _, qualname = target.partition(":")
    module, qualname = renamed(module, qualname, dict(config_in_force().renames))
    return f"{module}:{qualname}"


def _held_by(value: object, target: str) -> Callable[..., Any] | None:
    """The function inside an object that a framework made of it: a click command, a Celery task.

    It was captured, and so it is called: a Celery task with `bind=True` would pass itself once more. A lazy proxy is
    searched before anything evaluates it; of one that was evaluated, `__wrapped__` is asked for.
    """
    if not may_hold(value):
        return None
    module, _, qualname = target.partition(":")
    names = getattr(sys.modules.get(module), "__dict__", {})
    found = held_by(value, qualname, module, names, _below)
    if found is None:
        inner = getattr(value, "__wrapped__", None)
        inner = _below(getattr(inner, "__func__", inner))
        is_it = isinstance(inner, FunctionType) and inner.__qualname__ == qualname
        found = inner if is_it and is_own(inner, module, names) else None
    return None if found is None else unwrap(found)


def find_raw(target: str) -> object:
    """What stands under that name in its module or class: wrapper, class method object and all."""
    module_name, _, qualname = target.partition(":")
    if "<" in qualname:
        raise NotReplayableError(target, "it is defined inside another function", "pass one: bundle.call(function)")
    owner: object = import_module(module_name, target)
    for name in qualname.split("."):
        owner = _member(owner, name, target)
    return owner


def import_module(name: str, target: str) -> Any:
    """Import the module of a target; whatever goes wrong becomes a NotReplayableError that says what."""
    try:
        return import_in_order(name)
    except ModuleNotFoundError as error:
        raise NotReplayableError(target, f"there is no module {error.name!r} here", _FOLDER_REMEDY) from error
    except Exception as error:
        reason = f"importing {name!r} raises {type(error).__name__}: {error}"
        raise NotReplayableError(target, reason, set_up_remedy(error)) from error


_FOLDER_REMEDY = "put its folder on sys.path (snapagent replay: -p DIR; pytest: the ini option pythonpath)"
_UNREADY_DJANGO = ("AppRegistryNotReady", "ImproperlyConfigured")


def set_up_remedy(error: BaseException) -> str:
    """Advice for an error of code that may need an application which is set up."""
    problem = setup_problem()
    if problem:
        return f"{problem}; make its settings usable here"
    if type(error).__name__ in _UNREADY_DJANGO:
        return "set up Django first: 'setup: django' in the YAML or --setup django, with DJANGO_SETTINGS_MODULE set"
    return "if the application must be set up first, name the function that does it: setup: in the YAML, or --setup"


def _member(owner: object, name: str, target: str) -> object:
    """As it was defined, without calling any descriptor; a module's own `__getattr__` is asked last."""
    try:
        return inspect.getattr_static(owner, name)
    except AttributeError:
        pass
    try:
        return getattr(owner, name)
    except AttributeError:
        from difflib import get_close_matches

        where = getattr(owner, "__qualname__", None) or getattr(owner, "__name__", "it")
        near = get_close_matches(name, [known for known in dir(owner) if not known.startswith("__")], n=3)
        hint = f" (near: {', '.join(near)})" if near else ""
        reason = f"{where!r} has no {name!r}{hint}"
        raise NotReplayableError(target, reason, "pass its successor: bundle.call(function)") from None


def unwrap(value: object) -> Callable[..., Any]:
    """The function below our wrapper and below `classmethod`, `property` and the like; other decorators stay.

    A bundle that `@capture()` took under other decorators holds the arguments that reached it, so its function is
    looked for below them too.
    """
    found = _without_ours(value)
    for inner in _wrapped_by(found):
        if _below(inner) is not inner:
            return _without_ours(inner)
    return found


def _without_ours(value: Any) -> Callable[..., Any]:
    while True:
        inner = _below(function_of(value))
        if inner is value:
            return inner  # type: ignore[no-any-return]
        value = inner


def _below(value: Any) -> Any:
    """What our instrument wraps, or the function whose code it swapped; `value` itself when it did neither.

    Told by the home of the types, so that the halves stay strangers.
    """
    if _is_of_instruments(value):
        return value.__wrapped__
    if isinstance(value, FunctionType):
        swapped = next((const for const in value.__code__.co_consts if _is_of_instruments(const)), None)
        if swapped is not None:
            return swapped.function
    return value


def _is_of_instruments(value: object) -> bool:
    return type(value).__module__.startswith(_INSTRUMENTS)


def _wrapped_by(value: Any) -> Iterator[Any]:
    """What stands below the decorators of the program, as `functools.wraps` leaves it."""
    seen = {id(value)}
    while True:
        value = inspect.getattr_static(value, "__wrapped__", None)
        if value is None or id(value) in seen:
            return
        seen.add(id(value))
        yield value
