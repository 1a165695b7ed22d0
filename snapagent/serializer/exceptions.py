"""Exceptions in a bundle: rebuilt without their `__init__`, with arguments, attributes, chain and notes.

A custom constructor may take other arguments than those in `args`; pickle calls it with `args`, which then fails at
loading. The stream has `rebuild_exception(class, args)` and a state: attributes by name, with `__cause__` and
`__context__`, and for the exception that a call raised `__traceback_text__` (only for readers of the stream).
"""

from __future__ import annotations

import types
from contextlib import suppress
from functools import cache

from ..core.type_facts import find, instance_dict, is_class, is_heap_type, module_name, mro, namespace, qualname, slots
from .freezing.reduce import Unstorable, ask

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

STAND_IN_TEXT = "__snapagent_text__"  # attribute of an exception that stands for one that cannot be made
TRACEBACK_TEXT = "__traceback_text__"
_CHAIN = ("__cause__", "__context__")
_SUPPRESS = "__suppress_context__"
MAX_CHAIN = 20  # links of causes and contexts that are stored
_MAX_FRAMES = 50
_cause_of = BaseException.__dict__["__cause__"].__get__
_context_of = BaseException.__dict__["__context__"].__get__
_suppress_of = BaseException.__dict__["__suppress_context__"].__get__
_traceback_of = BaseException.__dict__["__traceback__"].__get__
_set_args = BaseException.__dict__["args"].__set__
_get_args = BaseException.__dict__["args"].__get__


def reduce_exception(
    error: Any, depth: int = 0, with_traceback: bool = False, as_first: bool = False
) -> tuple[Any, ...]:
    """The pickle form of an exception; no Python hook of its class is called. The chain ends after MAX_CHAIN links.

    `as_first` gives one of a compiled class the form of version 0.1.0.
    """
    base = _built_in_base(type(error))
    made = ask(base.__reduce__, error)
    args = made[1] if type(made) is tuple and len(made) > 1 and type(made[1]) is tuple else _get_args(error)
    state: dict[str, Any] = dict(made[2]) if len(made) > 2 and type(made[2]) is dict else {}
    state.update(instance_dict(error) or {})
    for name, descriptor in slots(type(error)).items():
        try:
            state[name] = descriptor.__get__(error)
        except AttributeError:
            continue
    if depth < MAX_CHAIN:
        state.update(_chain(error))
    if with_traceback:
        state[TRACEBACK_TEXT] = _traceback_text(error)
    if is_compiled(type(error)) and not as_first:
        state.update(_syntax_facts(error))
        return rebuild_compiled_exception, (type(error), args, *_compiled_form(error)), state
    return rebuild_exception, (type(error), args), state


def is_compiled(kind: type) -> bool:
    """Whether an extension module defines how exceptions of this class are made: Python's own maker refuses them."""
    owner, new = find(kind, "__new__")
    if type(new) is not types.BuiltinFunctionType or owner is None:
        return False
    return is_heap_type(owner) or module_name(owner) != "builtins"


def _compiled_form(error: Any) -> tuple[str, Any, tuple[Any, ...]]:
    """The text, the maker and its arguments, by hooks that are written in C: a class in Python may derive from it."""
    _, to_text = find(type(error), "__str__")
    text = ask(to_text, error) if type(to_text) is types.WrapperDescriptorType else ""
    _, reduce = find(type(error), "__reduce__")
    if type(reduce) is types.MethodDescriptorType and reduce is not BaseException.__dict__["__reduce__"]:
        with suppress(Unstorable):
            made = ask(reduce, error)
            if type(made) is tuple and len(made) > 1 and callable(made[0]) and type(made[1]) is tuple:
                return text, made[0], made[1]
    return text, None, ()


def _syntax_facts(error: Any) -> dict[str, Any]:
    """The place in a text that a SyntaxError tells, where it is not among its arguments."""
    if not isinstance(error, SyntaxError):
        return {}
    names = ("msg", "filename", "lineno", "offset", "text", "end_lineno", "end_offset")
    return {name: vars(SyntaxError)[name].__get__(error) for name in names}


def text_of(error: Any) -> str:
    """The text of an exception; of a stand-in the text of the exception that it stands for."""
    stored: str | None = (instance_dict(error) or {}).get(STAND_IN_TEXT)
    return str(error) if stored is None else stored


def chained(error: Any) -> dict[str, BaseException]:
    """The cause and the context of an exception, those that it has, by attribute name."""
    links = {"__cause__": _cause_of(error), "__context__": _context_of(error)}
    return {name: link for name, link in links.items() if link is not None}


def _chain(error: Any) -> dict[str, Any]:
    found: dict[str, Any] = dict(chained(error))
    if _suppress_of(error):
        found[_SUPPRESS] = True
    return found


def _traceback_text(error: Any) -> str:
    """File, line and function of each frame; source lines would have to be read from files."""
    lines: list[str] = []
    frame = _traceback_of(error)
    while frame is not None and len(lines) < _MAX_FRAMES:
        code = frame.tb_frame.f_code
        lines.append(f'File "{code.co_filename}", line {frame.tb_lineno}, in {code.co_qualname}')
        frame = frame.tb_next
    return "\n".join(lines)


def _built_in_base(kind: type) -> Any:
    """The nearest base that is written in C: its constructor fills the fields that are not in `__dict__`."""
    return next((base for base in mro(kind) if not is_heap_type(base)), BaseException)


def rebuild_exception(cls: type[BaseException], args: tuple[Any, ...]) -> BaseException:
    """An exception of class `cls` with these `args`; its `__init__` is not called. Its state is set afterwards."""
    base = _built_in_base(cls)
    error = _new(base, cls, args)
    with suppress(Exception):  # the built-in base may take other arguments: then only `args` are set
        base.__init__(error, *args)
    return _prepare_state(error, args)


def rebuild_compiled_exception(cls: Any, args: tuple[Any, ...], text: str, made_by: Any, made_args: Any) -> Any:
    """An exception of a class that is written in C: by its own maker, by the nearest safe `__new__`, or a stand-in.

    The stand-in has the name of the class, the nearest built-in exception as its base, and the same text. Streams of
    bundles name this function, so its name must stay.
    """
    error = None
    if made_by is not None:
        with suppress(Exception):
            error = made_by(*made_args)
    if not isinstance(error, BaseException) and is_class(cls):
        error = new_exception(cls, args)
    return _prepare_state(stand_in_exception(cls, args, text) if error is None else error, args)


def _prepare_state(error: BaseException, args: tuple[Any, ...]) -> BaseException:
    """The exception with its `args`, ready for the unpickler to set its state."""
    if not isinstance(error, OSError):  # its constructor takes the file names, which do not belong to `args`
        _set_args(error, args)
    instance = instance_dict(error)
    if instance is not None:
        # The unpickler finds `__setstate__` on the object first: none of the class runs, nor its `__setattr__`.
        instance["__setstate__"] = _Restorer(error)
    return error


def _new(base: Any, cls: type[BaseException], args: tuple[Any, ...]) -> BaseException:
    try:
        made: BaseException = base.__new__(cls, *args)
    except (TypeError, ValueError):
        found = new_exception(cls, args)
        if found is not None:
            return found
        if not issubclass(cls, BaseExceptionGroup):
            return stand_in_exception(cls, args, "")
        # a group with a placeholder in it, or with none of its exceptions left
        members = args[1] if len(args) > 1 and isinstance(args[1], (list, tuple)) else ()
        left = [member for member in members if isinstance(member, BaseException)]
        made = base.__new__(cls, str(args[0]) if args else "", left or [Exception("not in the bundle")])
    return made


def new_exception(cls: type[BaseException], args: tuple[Any, ...]) -> BaseException | None:
    """An exception made by the first of the class's makers in C that takes it; None where all of them refuse."""
    for base in mro(cls):
        if type(namespace(base).get("__new__")) is types.BuiltinFunctionType and base is not object:
            with suppress(Exception):
                made: Any = base.__new__(cls, *args)
                if isinstance(made, BaseException):
                    return made
    return None


def stand_in_exception(cls: Any, args: tuple[Any, ...], text: str) -> BaseException:
    """An exception in place of one that cannot be made: the name of its class, its nearest built-in base, its text."""
    base = next(each for each in mro(cls) if each.__module__ == "builtins") if is_class(cls) else Exception
    error: BaseException = _stand_in_type(module_name(cls), qualname(cls), base)(*args)
    vars(error)[STAND_IN_TEXT] = text
    return error


@cache
def _stand_in_type(module: str, name: str, base: type[BaseException]) -> Any:
    def __str__(self: Any) -> str:
        return text_of(self) or str(base.__str__(self))

    return type(name.rpartition(".")[2], (base,), {"__module__": module, "__qualname__": name, "__str__": __str__})


class _Restorer:
    """The `__setstate__` of one exception while it is loaded."""

    __slots__ = ("error",)

    def __init__(self, error: BaseException) -> None:
        self.error = error

    def __call__(self, state: dict[str, Any]) -> None:
        restore_state(self.error, state)


def restore_state(error: BaseException, state: dict[str, Any]) -> None:
    """Set attributes as they were, past any hook of the class."""
    instance = instance_dict(error)
    if instance is not None:
        instance.pop("__setstate__", None)  # a stand-in keeps its text
    for name, value in state.items():
        if name in (TRACEBACK_TEXT, _SUPPRESS):
            continue
        if name in _CHAIN:
            if isinstance(value, BaseException):
                BaseException.__setattr__(error, name, value)
        else:
            _set(error, instance, name, value)
    BaseException.__setattr__(error, _SUPPRESS, bool(state.get(_SUPPRESS, False)))


def _set(error: BaseException, instance: dict[str, Any] | None, name: str, value: object) -> None:
    owner, descriptor = find(type(error), name)
    if owner is not None and type(descriptor).__name__ in ("member_descriptor", "getset_descriptor"):
        try:
            descriptor.__set__(error, value)
        except (AttributeError, TypeError):
            return
    elif instance is not None:
        instance[name] = value
