"""Pickle streams read without running code of the program: into graphs of plain containers and inert stand-ins.

`decode` runs the C unpickler with a `find_class` that imports nothing: each global becomes a *stand-in class*, made
once per name. The unpickler then "calls" it or makes "instances" of it, and that only records arguments, state and
items. Built-in atoms and containers are decoded as themselves, with sharing and cycles. A pickle inside the pickle
(`load_by_value`) is decoded too.

`encode.encode` writes such a graph as a stream that builds the same objects as the first stream.
"""

from __future__ import annotations

import copyreg
import io
import pickle
import re
from _pickle import loads  # the program may have put a function of its own into `pickle`

from ...core.signals import belongs_to_program
from ...placeholder import BY_VALUE, IDENTITY
from .stand_ins import (
    SETTERS,
    Inert,
    InertError,
    MadeClass,
    StandIn,
    calls,
    is_inert,
    kinds,
    made_class,
    maker,
    new_stand_in,
    stand_in,
    stand_ins,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, ClassVar

_STACK_GLOBAL, _LINE_END = pickle.STACK_GLOBAL, b"\n"  # each opcode with the name of a global is, or has, one of them
_FILLS_DICT = "dill._dill:_setitems"  # (dict, items): how dill fills the globals of a function that refers to itself
_SHIMS = frozenset({"_setattr", "_delattr"})  # of dill, which gets them by `getattr` in case that it loses them
# REDUCE and POP ("R0") after an opcode that leaves a tuple on the stack: a tuple opcode, or a GET of a memoized tuple.
# The literal comes first and the look-behinds after it, because a search for a literal prefix runs at memory speed.
_DROPPED_RESULT = re.compile(rb"(?s)R0(?:(?<=[\x85\x86\x87\x94t)]R0)|(?<=[hq].R0)|(?<=[jr].{4}R0)|(?<=[0-9]\nR0))")


class _Opener(StandIn):
    """The type of the stand-in for `load_by_value`: opens the stream within the stream."""

    def __call__(cls, *args: object) -> Any:
        if len(args) != 1 or type(args[0]) is not bytes:
            raise InertError("by-value code without its bytes")
        listed, opened = calls.listed, calls.opened
        if opened is not None:
            opened.append(args[0])
        calls.listed = calls.opened = None
        try:
            inside = decode(args[0])
        finally:
            calls.listed, calls.opened = listed, opened
        node = StandIn.__call__(cls, inside)
        node.raw = args[0]
        return made_class(node, inside.module, inside.qualname) if isinstance(inside, StandIn) else node


kinds[BY_VALUE] = _Opener


class _Decoder(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        return stand_ins.get((module, name)) or new_stand_in(stand_ins, module, name)

    def persistent_load(self, node: Any) -> Any:
        return _identity(node)


def _identity(node: Any) -> Any:
    """The call that gives the identity of an object, as `freezing.identities` writes it. Raises InertError."""
    call = node.origin if isinstance(node, StandIn) else node
    if not isinstance(call, Inert) or type(call).name != IDENTITY:
        raise InertError("a persistent id")
    return call


# The C unpickler has no hook for POP and none for extension codes. Python's own unpickler has
# both and is much slower, so it reads only the streams that need it.
class _PythonDecoder(pickle._Unpickler):
    """For streams that need more than `find_class`: dropped results, extension codes, results used as classes."""

    make_all_classes = False

    def __init__(self, data: bytes) -> None:
        self._stream = io.BytesIO(data)
        super().__init__(self._stream, fix_imports=False)

    def find_class(self, module: str, name: str) -> Any:
        return (maker if self.make_all_classes else stand_in)(module, name)

    def persistent_load(self, node: Any) -> Any:
        return _identity(node)

    def get_extension(self, code: int) -> None:
        """The standard library would hand out the program's own object from a cache."""
        name = copyreg._inverted_registry.get(code)  # type: ignore[attr-defined]
        if name is None:
            raise InertError(f"unregistered extension code {code}")
        self.append(self.find_class(*name))  # type: ignore[attr-defined]

    def load_pop(self) -> None:
        stack = self.stack  # type: ignore[attr-defined]
        if stack and is_inert(stack[-1]) and not _record_effect(stack[-1]) and not self._is_memo_next():
            raise InertError(f"{type(stack[-1]).name} is called for its effect, and none of its arguments is an object")
        pickle._Unpickler.load_pop(self)  # type: ignore[attr-defined]

    def _is_memo_next(self) -> bool:
        """Whether an object from the memo takes the place of the dropped one, alone or with others.

        A pickler that meets an object again while it still writes the arguments of that object's own `__reduce__`
        writes it twice: it then drops the second one and takes the first. It does so with the members of a tuple, too.
        """
        frame = self._unframer.current_frame  # type: ignore[attr-defined]
        for stream in (frame, self._stream):
            if stream is not None:
                place = stream.tell()
                following = stream.read(16).lstrip(pickle.POP)
                stream.seek(place)
                if following[:1] == pickle.FRAME:
                    following = following[9:]
                if following:
                    return following[:1] in (pickle.GET, pickle.BINGET, pickle.LONG_BINGET)
        return False

    dispatch: ClassVar[dict[int, Any]] = {**pickle._Unpickler.dispatch, pickle.POP[0]: load_pop}


class _ClassDecoder(_PythonDecoder):
    make_all_classes = True


def _record_effect(call: Any) -> bool:
    """Record a call whose result is dropped at the object that it is for; False when there is none."""
    call = call.origin if isinstance(call, MadeClass) else call
    if not isinstance(call, Inert) or not call.called or type(call).name == IDENTITY:
        return True
    if type(call).name == _FILLS_DICT and len(call.args) == 2 and {dict} == set(map(type, call.args)):
        call.args[0].update(call.args[1])
        return True
    for arg in call.args:
        owner = arg.origin if isinstance(arg, MadeClass) else arg
        if isinstance(owner, Inert):
            owner.effects = [*(owner.effects or ()), call]
            return True
    return False


def drops_results(data: bytes) -> bool:
    """Whether the stream may call something for its effect alone: REDUCE, after some way to get a tuple, then POP."""
    return b"R0" in data and _DROPPED_RESULT.search(data) is not None


def decode(data: bytes) -> Any:
    """The graph of a pickle; no code of the program is imported or run.

    Raises:
        InertError: the stream is broken, or needs what only its own reader has.
    """
    try:
        if copyreg._inverted_registry:  # type: ignore[attr-defined]
            return _decode_in_python(data)
        if _STACK_GLOBAL not in data and _LINE_END not in data:
            # Nothing in it can refer to a global, so there is nothing to keep the unpickler from: half the time.
            try:
                return loads(data)
            except (pickle.UnpicklingError, TypeError):
                return _decode_in_python(data)
        if b"R0" in data and drops_results(data):
            return _decode_with_dropped_results(data)
        try:
            return _Decoder(io.BytesIO(data)).load()
        # The C unpickler refuses NEWOBJ on anything but a class: then the result of an unknown call serves as one.
        except (pickle.UnpicklingError, TypeError):
            return _decode_in_python(data)
    except InertError:
        raise
    except Exception as error:  # the unpickler raises nearly anything on a broken stream
        if belongs_to_program(error):
            raise
        raise InertError(f"not a pickle that can be read inertly: {type(error).__name__}") from None


def _decode_with_dropped_results(data: bytes) -> Any:
    """Read it in C where all results that it drops are those of calls that are known to be made for their effect.

    By-value streams within it are read by themselves.
    """
    listed: list[Inert] = []
    opened: list[bytes] = []
    calls.listed, calls.opened = listed, opened
    try:
        graph = _Decoder(io.BytesIO(data), fix_imports=False).load()
    except (pickle.UnpicklingError, TypeError):
        return _decode_in_python(data)
    finally:
        calls.listed = calls.opened = None
    rest = data
    for inner in opened:
        rest = rest.replace(inner, b" ")
    effects = [call for call in listed if _sets_attribute(call)]
    if len(effects) != len(_DROPPED_RESULT.findall(rest)) or not all(map(_record_effect, effects)):
        return _decode_in_python(data)
    return graph


def _sets_attribute(call: Inert) -> bool:
    """Whether it is a call of a function that sets attributes, dill's own included."""
    if type(call).name in SETTERS:
        return True
    callee: tuple[Any, ...] = call.callee.args if type(call.callee).name == "builtins:getattr" else ()
    return len(callee) == 3 and type(callee[1]) is str and callee[1] in _SHIMS


def _decode_in_python(data: bytes) -> Any:
    try:
        return _PythonDecoder(data).load()
    except (pickle.UnpicklingError, TypeError, AttributeError):
        return _ClassDecoder(data).load()
