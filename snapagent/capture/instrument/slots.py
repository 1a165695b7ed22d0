"""Where a module keeps a function, and how another callable is put there without the module's code noticing.

Nothing here calls code of the program: module and class dictionaries are changed by the plain operations of `dict` and
`type`, and descriptors (properties, class methods, ...) stay the very same objects, with another function inside.
"""

from __future__ import annotations

from functools import singledispatchmethod
from typing import Any

from ...core.functions import inside
from ...core.type_facts import find, instance_dict, namespace


class DictPlace:
    """A name of a module."""

    __slots__ = ("name", "namespace")

    def __init__(self, namespace: dict[str, Any], name: str) -> None:
        self.namespace = namespace
        self.name = name

    @property
    def is_writable(self) -> bool:
        return True

    def read(self) -> Any:
        return self.namespace.get(self.name)

    def write(self, value: Any) -> None:
        self.namespace[self.name] = value


class ClassPlace:
    """A name of a class, written past the metaclass."""

    __slots__ = ("cls", "name")

    def __init__(self, cls: type, name: str) -> None:
        self.cls = cls
        self.name = name

    @property
    def is_writable(self) -> bool:
        """Whether setting the name changes this class: not where the metaclass has a data descriptor (`__name__`)."""
        _, found = find(type(self.cls), self.name)
        return not (hasattr(type(found), "__set__") or hasattr(type(found), "__delete__"))

    def read(self) -> Any:
        return namespace(self.cls).get(self.name)

    def write(self, value: Any) -> None:
        type.__setattr__(self.cls, self.name, value)


class DescriptorPlace:
    """The function inside a class method, static method or property that is itself a name of a class."""

    __slots__ = ("around", "descriptor")

    def __init__(self, descriptor: Any, around: ClassPlace | DictPlace) -> None:
        self.descriptor = descriptor
        self.around = around

    @property
    def is_writable(self) -> bool:
        return True

    def read(self) -> Any:
        return inside(self.descriptor)

    def write(self, value: Any) -> None:
        fill(self.descriptor, value)
        if self.around.is_writable and self.around.read() is self.descriptor:
            self.around.write(self.descriptor)  # the interpreter caches what was inside; this makes it look again


class DispatchPlace:
    """The dispatcher of a `singledispatchmethod`: each implementation that it chooses is called through the wrapper."""

    __slots__ = ("_held",)

    def __init__(self, descriptor: singledispatchmethod[Any]) -> None:
        self._held = instance_dict(descriptor) or {}

    @property
    def is_writable(self) -> bool:
        return True

    def read(self) -> Any:
        dispatcher = self._held["dispatcher"]
        return dispatcher.wrapper if type(dispatcher) is _Dispatcher else dispatcher

    def write(self, value: Any) -> None:
        is_wrapper = hasattr(type(value), "_self_wrapper")
        self._held["dispatcher"] = _Dispatcher(self.read(), value) if is_wrapper else value


class _Dispatcher:
    """Chooses as the program's dispatcher does, and wraps what was chosen."""

    def __init__(self, dispatcher: Any, wrapper: Any) -> None:
        self.dispatcher = dispatcher
        self.wrapper = wrapper

    def __getattr__(self, name: str) -> Any:
        return getattr(self.dispatcher, name)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.dispatcher(*args, **kwargs)

    def dispatch(self, cls: type) -> Any:
        chosen = self.dispatcher.dispatch(cls)
        if type(chosen) in (classmethod, staticmethod):
            # The descriptor stays outermost: it decides what the implementation is called with.
            return type(chosen)(self._wrapped(chosen.__func__))
        return self._wrapped(chosen)

    def _wrapped(self, function: Any) -> Any:
        """`function` itself where it cannot be bound or called: the program's call then fails as it does bare."""
        if not (callable(function) and hasattr(type(function), "__get__")):
            return function
        wrapper = self.wrapper
        return type(wrapper)(function, wrapper._self_wrapper, enabled=wrapper._self_enabled)


Place = DictPlace | ClassPlace | DescriptorPlace | DispatchPlace


def fill(descriptor: Any, function: Any) -> None:
    """Put another function into a descriptor that `inside` can read."""
    kind = type(descriptor)
    if issubclass(kind, property):
        name = _name_told(descriptor)
        getter_doc = getattr(inside(descriptor), "__doc__", None)
        own_doc = descriptor.__doc__ if descriptor.__doc__ != getter_doc else None
        property.__init__(descriptor, function, descriptor.fset, descriptor.fdel, own_doc)
        if name is not None:
            vars(property)["__set_name__"](descriptor, object, name)  # forgotten by `__init__`; error messages show it
    elif issubclass(kind, classmethod):
        classmethod.__init__(descriptor, function)
    elif issubclass(kind, staticmethod):
        staticmethod.__init__(descriptor, function)
    else:
        vars(descriptor)["func"] = function


def _name_told(descriptor: Any) -> str | None:
    """The name that the class told a property by `__set_name__`; None where it told none, or where nothing shows it.

    Before Python 3.13 nothing but the message of an assignment or deletion that is not possible shows the name.
    """
    values = vars(property)
    try:
        if "__name__" in values:  # Python 3.13
            return values["__name__"].__get__(descriptor)  # type: ignore[no-any-return]
        if values["fset"].__get__(descriptor) is None:
            property.__set__(descriptor, object(), None)
        elif values["fdel"].__get__(descriptor) is None:
            property.__delete__(descriptor, object())
    except AttributeError as error:
        shown = str(error).partition(" of ")[0].removeprefix("property ")
        return shown[1:-1] if shown[:1] in ("'", '"') else None
    return None
