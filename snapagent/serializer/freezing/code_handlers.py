"""Handlers of classes, functions and modules: by name where one leads to them, else by value."""

from __future__ import annotations

import sys
import types

from ...core.type_facts import is_class, module_name, namespace, qualname
from ..by_value import load_by_value
from ..held import name_of_class, name_of_function
from ..held_items import place_of
from ..naming import MAIN_NAMES, is_named, lookup, real_main_name, unwrapped
from ..rebuild import load_item, load_named, load_parametrized
from .handler import SINGLETONS
from .orm_forms import model_form
from .reduce import Unstorable
from .request_forms import start_response_form

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from .handler import Dump


_NAMELESS_BUT_PLAIN = (type(None), *SINGLETONS)


def freeze_class(dump: Dump, cls: Any) -> Any:
    package = dump.decisions.named.get(cls) if type(cls) is type else None
    if package is None:
        module, name = module_name(cls), qualname(cls)
        if any(cls is known for known in _NAMELESS_BUT_PLAIN):
            return NotImplemented
        if not dump.is_found(cls, module, name):
            return _by_value(dump, cls)
        package = dump.package_of(module)
        if type(cls) is type and module not in MAIN_NAMES:
            dump.decisions.remember(cls, package)
        else:
            dump.packages.add(package)
            return name  # a metaclass may have a reducer of its own; only the name must be stored
    dump.packages.add(package)
    return NotImplemented


def freeze_function(dump: Dump, function: Any) -> Any:
    package = dump.decisions.named.get(function)
    if package is None:
        module, name = function.__module__, function.__qualname__
        if not dump.is_found(function, module, name):
            if _is_named_by_wrapper(function, module, name):
                dump.packages.add(module.partition(".")[0])
                return _resolver(), (f"{module}:{name}",)
            return _by_value(dump, function)
        package = dump.package_of(module)
        if module not in MAIN_NAMES:
            dump.decisions.remember(function, package)
    dump.packages.add(package)
    return NotImplemented


def _is_named_by_wrapper(function: object, module: object, name: str) -> bool:
    """Whether a module has snapagent's wrapper of this function under the function's name."""
    return type(module) is str and module not in MAIN_NAMES and unwrapped(lookup(module, name)) is function


def _resolver() -> Callable[[str], Any]:
    from pkgutil import resolve_name  # seldom needed, and it imports much

    return resolve_name


def _by_value(dump: Dump, code: Any) -> Any:
    return named_form(dump, code) or (load_by_value, (dump.code_of(code),))


def named_form(dump: Dump, code: Any) -> tuple[Any, ...] | None:
    """The form of a function or class that a module holds otherwise than under its own name; None for others."""
    if dump.decisions.as_first:
        return None
    name = name_of_class(code) if is_class(code) else name_of_function(code)
    form: tuple[Any, ...] | None = (load_named, (name,)) if name is not None else None
    if form is None and is_class(code):
        form = _parametrized(code) or model_form(code)
    place = place_of(code) if form is None else None
    if place is not None:
        name, form = place.name, (load_item, (place.name, place.steps, place.text))
    if name is not None:
        dump.packages.add(name.partition(":")[0].partition(".")[0])
    return form if form is not None or is_class(code) else start_response_form(code, dump.note)


def _parametrized(cls: type) -> tuple[Any, ...] | None:
    """The form of a generic model of pydantic with its arguments, such as `Page[int]`, which no module names."""
    facts = namespace(cls).get("__pydantic_generic_metadata__")
    origin, args = (facts.get("origin"), facts.get("args")) if type(facts) is dict else (None, None)
    if origin is None or type(args) is not tuple:
        return None
    name = f"{module_name(cls)}:{qualname(cls)}"
    return load_parametrized, (origin, args if len(args) != 1 else args[0], name)


def must_be_named(dump: Dump, cls: type) -> None:
    """Raises Unstorable for a class that no module names and that cannot be stored otherwise."""
    if not is_named(cls, module_name(cls), qualname(cls)):
        must_be_storable(dump, cls)


def must_be_storable(dump: Dump, cls: type) -> None:
    """Raises Unstorable for a class that can be stored neither by name nor by value."""
    if named_form(dump, cls) is None:
        dump.code_of(cls)


def freeze_module(dump: Dump, module: Any) -> Any:
    """A module that can be imported goes by its name; what it holds is never stored."""
    names = _names_in(module)
    name = names.get("__name__")
    if dump.decisions.as_first or type(name) is not str or sys.modules.get(name) is not module:
        raise Unstorable("a module")
    real = real_main_name() if name in MAIN_NAMES else name
    if real is None or (name not in MAIN_NAMES and names.get("__spec__") is None):
        raise Unstorable("a module that cannot be imported")
    dump.packages.add(real.partition(".")[0])
    return load_named, (f"{real}:",)


_names_in: Any = vars(types.ModuleType)["__dict__"].__get__
