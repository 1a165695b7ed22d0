"""Remembers how code was stored: the form of each code object, and the streams of functions by their content.

A web framework makes the same lambda for each application object, and a test suite makes a thousand of these, each of
which is stored with every call of its methods.
"""

from __future__ import annotations

import pickle
from types import CodeType

from .freezing.byte_limit import Sink

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

_MOST_CODE = 1024  # objects: what a program makes without end must not be kept alive
_MOST_BYTES = 4 * 1024 * 1024  # of contents and streams together

# By id of the code object:
_forms: dict[int, tuple[CodeType, tuple[Any, ...]]] = {}
_contents: dict[int, tuple[CodeType, bytes]] = {}


class _FormCatcher:
    """Stands for a pickler where a function of dill saves a code object, and keeps the form that it chose."""

    form: tuple[Any, ...]

    def save_reduce(self, *form: Any, obj: object) -> None:
        self.form = form


def form_of_code(code: CodeType, save: Callable[[Any, CodeType], None]) -> tuple[Any, ...]:
    """The arguments for `save_reduce`, by dill's function for code objects, which is called once for each.

    It changes the filters of `warnings` for a moment: each time, the program might print warnings again that it has
    printed, and it takes longer than the rest.
    """
    known = _forms.get(id(code))
    if known is None or known[0] is not code:
        catcher = _FormCatcher()
        save(catcher, code)
        _make_room(_forms)
        known = _forms[id(code)] = code, catcher.form
    return known[1]


class _CodePickler(pickle.Pickler):
    def __init__(self, sink: Sink, save: Callable[[Any, CodeType], None]) -> None:
        super().__init__(sink, 5)
        self._save = save

    def reducer_override(self, value: Any) -> Any:
        return form_of_code(value, self._save) if type(value) is CodeType else NotImplemented


def content_of_code(code: CodeType, save: Callable[[Any, CodeType], None]) -> bytes:
    """All that a code object is, as bytes."""
    known = _contents.get(id(code))
    if known is None or known[0] is not code:
        sink = Sink(_MOST_BYTES)
        _CodePickler(sink, save).dump(code)
        _make_room(_contents)
        known = _contents[id(code)] = code, sink.take()
    return known[1]


def _make_room(known: dict[int, Any]) -> None:
    if len(known) >= _MOST_CODE:
        known.clear()


class Streams(dict[bytes, bytes]):
    """The streams of functions by their content. Only bytes are kept, no object of the program."""

    def __init__(self) -> None:
        super().__init__()
        self._bytes = 0

    def remember(self, content: bytes, stream: bytes) -> None:
        size = len(content) + len(stream)
        if self._bytes + size > _MOST_BYTES:
            self.clear()
            self._bytes = 0
        if size <= _MOST_BYTES:
            self[content] = stream
            self._bytes += size
