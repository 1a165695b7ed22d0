"""Forms of iterators, generators and coroutines: what is still to come from them, without taking any of it.

Iterators of the standard library say what they iterate over. A generator or coroutine that has not started is its
function, called with its arguments; its frame holds both. What has started cannot be read, and has no form.
"""

from __future__ import annotations

import gc
import itertools
import types

from ...core.type_facts import type_name
from ..rebuild import CALLS_LATER, chain_again, iterate_again, start_anew
from .reduce import Unstorable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    Form = tuple[Any, ...]

_DRIVEN = "snapagent.capture.instrument.drivers.UnstartedCall"
_DRIVEN_AFTER_CALL = "snapagent.capture.instrument.drivers.BegunCall"
_VARARGS, _VARKEYWORDS = 0x04, 0x08  # inspect.CO_VARARGS, inspect.CO_VARKEYWORDS
_PREFIXES: dict[type, str] = {
    types.GeneratorType: "gi",
    types.CoroutineType: "cr",
    types.AsyncGeneratorType: "ag",
}


class UnstartedCall:
    """What makes a generator or coroutine: a function, its positional parameters by name, and the other arguments."""

    __slots__ = ("function", "keywords", "named", "rest")

    def __init__(self, function: Any, named: dict[str, Any], rest: tuple[Any, ...], keywords: dict[str, Any]) -> None:
        self.function = function
        self.named = named
        self.rest = rest
        self.keywords = keywords

    def parts(self) -> list[tuple[str, Any]]:
        """(name, value) of the function and of its arguments."""
        found = [(name, value) for name, value in (*self.named.items(), *self.keywords.items())]
        return [("__func__", self.function), *found, ("args", self.rest)]


def unstarted_call(value: Any) -> UnstartedCall | None:
    """The call that makes this generator or coroutine; None when it has started, or its call cannot be read."""
    prefix = _PREFIXES[type(value)]
    code = getattr(value, f"{prefix}_code")
    is_rebuilt = code is CALLS_LATER.__code__ and getattr(value, f"{prefix}_await") is None
    frame = getattr(value, f"{prefix}_frame")
    if frame is None or getattr(value, f"{prefix}_running"):
        return None
    if _is_suspended(value, prefix, code, frame) and not is_rebuilt:
        return None
    held = _locals_of(frame)
    if is_rebuilt:
        return UnstartedCall(held["function"], held["named"], held["rest"], held["keywords"])
    driven: Any = held.get("unstarted")
    if type_name(type(driven)) == _DRIVEN:
        return _of_arguments(driven.function, driven.args, driven.kwargs)
    if type_name(type(driven)) == _DRIVEN_AFTER_CALL:
        return unstarted_call(driven.inner) if type(driven.inner) in _PREFIXES else None
    return _of_locals(value, code, held)


def _is_suspended(value: Any, prefix: str, code: Any, frame: Any) -> bool:
    """Whether it has started. Python 3.11 does not tell that of asynchronous generators; their last opcode does."""
    known = getattr(value, f"{prefix}_suspended", None)
    if known is None:
        import opcode  # seldom needed

        return bool(code.co_code[frame.f_lasti] != opcode.opmap["RETURN_GENERATOR"])
    return bool(known)


def _locals_of(frame: Any) -> dict[str, Any]:
    """The local variables, of which Python before 3.13 would keep a copy in the frame, and so keep the values alive."""
    found = frame.f_locals
    held = dict(found)
    if type(found) is dict:
        found.clear()
    return held


def _of_locals(value: Any, code: Any, held: dict[str, Any]) -> UnstartedCall | None:
    function = next((found for found in gc.get_referents(value) if _has_code(found, code)), None)
    if function is None:
        return None
    names, count = code.co_varnames, code.co_argcount
    last = count + code.co_kwonlyargcount
    keywords = {name: held[name] for name in names[count:last]}
    rest: tuple[Any, ...] = ()
    if code.co_flags & _VARARGS:
        rest = held[names[last]]
        last += 1
    if code.co_flags & _VARKEYWORDS:
        keywords |= held[names[last]]
    return UnstartedCall(function, {name: held[name] for name in names[:count]}, rest, keywords)


def _has_code(found: object, code: Any) -> bool:
    return type(found) is types.FunctionType and found.__code__ is code


def _of_arguments(function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> UnstartedCall:
    """From the arguments as they were passed: those that are passed by position get the names of their parameters."""
    plain = function.__func__ if type(function) is types.MethodType else function
    code = getattr(plain, "__code__", None)
    names = code.co_varnames[: code.co_argcount] if type(code) is types.CodeType else ()
    names = names[1:] if plain is not function else names
    return UnstartedCall(function, dict(zip(names, args, strict=False)), args[len(names) :], kwargs)


def generator_form(value: Any) -> Form:
    """The form of a generator or coroutine that has not started. Raises Unstorable for others."""
    call = unstarted_call(value)
    if call is None:
        raise Unstorable("it has started, and what is still to come from it cannot be read")
    return start_anew, (type(value).__name__, call.function, call.named, call.rest, call.keywords)


# -- iterators ---------------------------------------------------------------------------------------------------------


def _reduced(iterator: Any) -> Form | None:
    """By the `__reduce__` in C, which gives the class, the iterators below, and perhaps one fact more."""
    maker, args, *state = iterator.__reduce__()
    return iterate_again, (maker, args, *state)


def _reversed(iterator: Any) -> Form | None:
    """Only over a sequence in C: to reverse another one calls its methods."""
    _, args, *_ = iterator.__reduce__()
    return _reduced(iterator) if type(args[0]) in (str, bytes, bytearray, tuple, range) else None


# The iterators of `itertools` have no `__reduce__` since Python 3.14, and before that it warns. The collector tells
# what they refer to; of a class that is made on the heap its type comes first.
def _referents(iterator: Any) -> list[Any]:
    found = gc.get_referents(iterator)
    return found[1:] if found and found[0] is type(iterator) else found


def _chain(iterator: Any) -> Form | None:
    rest, *begun = _referents(iterator) or [()]
    return chain_again, (rest, tuple(begun))


def _count(iterator: Any) -> Form | None:
    *value, step = _referents(iterator)
    return iterate_again, (itertools.count, (value[0] if value else int(repr(iterator)[len("count(") : -1]), step))


def _repeat(iterator: Any) -> Form | None:
    (element,) = _referents(iterator)
    try:
        times = (iterator.__length_hint__(),)
    except TypeError:  # without an end
        return iterate_again, (itertools.repeat, (element,))
    return iterate_again, (itertools.repeat, (element, *times))


def _of_pair(maker: Any, turned: bool) -> Callable[[Any], Form | None]:
    def form(iterator: Any) -> Form | None:
        parts = _referents(iterator)
        return iterate_again, (maker, tuple(parts[::-1] if turned else parts))

    return form


_FORMS: dict[type, Callable[[Any], Form | None]] = {
    **dict.fromkeys((map, zip, filter, enumerate, type(iter(int, 1))), _reduced),
    reversed: _reversed,
    itertools.chain: _chain,
    itertools.count: _count,
    itertools.repeat: _repeat,
    itertools.starmap: _of_pair(itertools.starmap, turned=True),
    itertools.filterfalse: _of_pair(itertools.filterfalse, turned=True),
    itertools.compress: _of_pair(itertools.compress, turned=False),
}

ONE_WAY = frozenset({*_PREFIXES, *_FORMS})  # what comes from them is gone


def iterator_form(iterator: Any) -> Form | None:
    """The form of an iterator of the standard library."""
    return _FORMS[type(iterator)](iterator)


def form_of_one_way(value: Any) -> Form | None:
    """The form of a value whose type is in `ONE_WAY`."""
    return generator_form(value) if type(value) in _PREFIXES else iterator_form(value)


def parts_of_one_way(value: Any) -> list[tuple[object, Any]]:
    """(key, part) of all that the form of such a value holds."""
    if type(value) in _PREFIXES:
        call = unstarted_call(value)
        return [] if call is None else [*call.parts()]
    form = iterator_form(value)
    return [] if form is None else list(enumerate(form[1]))
