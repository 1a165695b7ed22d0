"""Calls an object's pickle hooks once, and checks the result before the C pickler sees it.

An exception of a hook becomes `Unstorable`, and so does a malformed result: inside the C pickler either would end the
whole dump. Exceptions that a signal handler of the program raises meanwhile pass through.
"""

from __future__ import annotations

import copyreg
import types
from collections.abc import Callable, Iterator
from contextlib import suppress

from ...core.functions import own_code
from ...core.signals import belongs_to_program
from ...core.type_facts import find, is_class, is_heap_type, mro, namespace, remembered, type_name
from ..naming import MainIsMet, function_behind, is_named
from .byte_limit import TooBig, TooSlow

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, NoReturn

    Reduced = tuple[Any, ...] | str  # a result of `reducer_override`

HOOKS = ("__reduce__", "__reduce_ex__", "__getstate__", "__getnewargs__", "__getnewargs_ex__")
_PROTOCOL = 5
_SAFE_ITERATORS: frozenset[type] = frozenset({type(iter([])), type(iter({}.items())), type(iter(()))})


class Unstorable(Exception):
    """An object cannot be stored; the argument is the reason, without any of its values."""


_PASSING = (RecursionError, Unstorable, MainIsMet, TooBig, TooSlow)  # they concern the whole dump, not one object


def ask(question: Callable[..., Any], *args: object) -> Any:
    """Call code that belongs to an object. Raises Unstorable, RecursionError, or exceptions meant for the program."""
    try:
        return question(*args)
    except BaseException as error:
        raise_unstorable(error)


def raise_unstorable(error: BaseException) -> NoReturn:
    """Raise Unstorable for an exception of an object's hooks; raise it unchanged where it must not be swallowed."""
    if isinstance(error, _PASSING) or belongs_to_program(error):
        try:
            raise error
        finally:
            del error  # else the exception and this frame, with all values, keep each other alive
    raise Unstorable(f"it cannot be pickled ({type_name(type(error))})") from None


def note_slots(kind: type) -> None:
    """Cache the slots on a class as `copyreg` does at its first object, without the `__setattr__` of a metaclass."""
    if find(type(kind), "__setattr__")[0] is not type and "__slotnames__" not in namespace(kind):
        names = copyreg._slotnames(types.SimpleNamespace(__mro__=mro(kind), __slots__=()))  # type: ignore[attr-defined]
        with suppress(TypeError):  # a metaclass in C has a `__setattr__` of its own
            type.__setattr__(kind, "__slotnames__", names)


def reduce(value: Any) -> Reduced:
    """The pickle form of `value` by its own hooks. Raises Unstorable."""
    registered = copyreg.dispatch_table.get(type(value))
    if registered is not None:
        return checked(value, ask(registered, value))
    try:
        answer = value.__reduce_ex__(_PROTOCOL)
    except BaseException as error:
        raise_unstorable(error)
    return checked(value, answer)


def checked(value: object, answer: Any) -> Reduced:
    """`answer` in a form that the C pickler takes without calling more of the program. Raises Unstorable."""
    if type(answer) is str:
        if not is_named(value, ask(getattr, value, "__module__", None), answer):
            raise Unstorable("it names itself, but is not found under that name")
        return answer
    if type(answer) is not tuple or not 2 <= len(answer) <= 6:
        raise Unstorable("its pickle form is malformed")
    made_by, args = answer[:2]
    if not callable(made_by) or type(args) is not tuple:
        raise Unstorable("its pickle form is malformed")
    if made_by is copyreg.__newobj__ or made_by is _newobj_ex:  # type: ignore[attr-defined]
        made_by, args = _checked_new(value, made_by, args)
    if len(answer) <= 3:
        return (made_by, args, *answer[2:])
    if len(answer) == 6 and answer[5] is not None and not callable(answer[5]):
        raise Unstorable("its pickle form is malformed")
    return (made_by, args, answer[2], *(_watched(items) for items in answer[3:5]), *answer[5:])


_newobj_ex: Any = copyreg.__newobj_ex__  # type: ignore[attr-defined]


def _checked_new(value: object, made_by: Any, args: tuple[Any, ...]) -> tuple[Any, tuple[Any, ...]]:
    """A form that loads, for an object made by `__newobj__`.

    The C pickler compares the class with the object's `__class__`, which a proxy computes. And a `__new__` with
    required arguments would fail at loading. Making the object as `object.__new__` does avoids both.
    """
    if not args or not is_class(args[0]):
        raise Unstorable("its pickle form is malformed")
    kind: Any = type(value)
    if args[0] is kind and is_honest(kind) and (len(args) > 1 or is_made_without_arguments(kind)):
        return made_by, args
    if made_by is copyreg.__newobj__ and len(args) == 1:  # type: ignore[attr-defined]
        return copyreg._reconstructor, (args[0], object, None)  # type: ignore[attr-defined]
    raise Unstorable("its pickle form names another class")


@remembered
def is_honest(kind: Any) -> bool:
    """Whether reading `__class__` of its objects runs no code of the program."""
    reader, _ = find(kind, "__getattribute__")
    return find(kind, "__class__")[0] is object and reader is not None and not is_heap_type(reader)


@remembered
def is_made_without_arguments(kind: Any) -> bool:
    """Whether the class's own `__new__`, if it is a Python function, can be called with the class alone."""
    function = function_behind(find(kind, "__new__")[1])
    if function is None:
        return True
    code = own_code(function.__code__)
    wanted = code.co_argcount - len(function.__defaults__ or ())
    return wanted <= 1 and code.co_kwonlyargcount <= len(function.__kwdefaults__ or ())


def _watched(items: Any) -> Any:
    """An iterator that ends where the program's own raises: in the C pickler its exception would end the dump."""
    if items is None or type(items) in _SAFE_ITERATORS:
        return items
    return _until_broken(ask(iter, items))


def _until_broken(items: Iterator[Any]) -> Iterator[Any]:
    while True:
        try:
            item = next(items)
        except StopIteration:
            return
        except BaseException as error:
            if belongs_to_program(error):
                raise
            return
        yield item
