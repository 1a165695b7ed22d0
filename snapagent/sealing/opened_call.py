"""A frozen call decoded: its values as inert graphs by name and path, to be redacted, hashed and shown."""

from __future__ import annotations

from functools import lru_cache

from ..bundle import CALL, OUTCOME
from ..core.paths import EXCEPTION, RESULT
from ..core.signature import POSITIONAL, VAR_KEYWORD, VAR_POSITIONAL, Parameters
from ..serializer.freezing.parts import arguments_of
from ..serializer.inert.decode import decode
from ..serializer.inert.nodes import ATOM_TYPES
from ..serializer.inert.stand_ins import InertError
from ..serializer.inert.walk import Roots
from .redaction.earlier import EarlierSecrets
from .redaction.redact import Redaction
from .redaction.rules import Redactor

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Any

    Call = tuple[Any, tuple[Any, ...], dict[str, Any]]  # instance or None, args, kwargs
    Graphs = tuple[Call, Any]  # of a call and of its outcome

_ANY_NUMBER = (VAR_POSITIONAL, VAR_KEYWORD)
_FIXED = ATOM_TYPES - {bytearray}
DEFAULTS = "defaults"  # a part that is not stored: it enters the hash and the previews


class OpenedCall:
    """The graphs of one call. `call` is the pickle of (instance or None, args, kwargs), `defaults` of a dict.

    `graphs` are those of `call` and `outcome`, if they have been read already. Raises InertError when a stream cannot
    be read.
    """

    def __init__(
        self,
        parameters: Parameters,
        has_instance: bool,
        call: bytes,
        defaults: bytes | None = None,
        outcome: bytes | None = None,
        raised: bool = False,
        graphs: Graphs | None = None,
    ) -> None:
        self._parameters = parameters
        self._has_instance = has_instance
        self._streams = b"\n".join([call, outcome or b"", defaults or b""])
        instance, args, self._keywords = call_of(call) if graphs is None else graphs[0]
        self._positional: Sequence[Any] = (instance, *args) if has_instance else args
        self._defaults = defaults_of_call(defaults) if defaults is not None else {}
        self._raised = raised
        self._outcome: tuple[Any, ...] = ()
        if outcome is not None:
            self._outcome = (decode(outcome) if graphs is None else graphs[1],)
        self._roots: dict[str, Roots] | None = None

    @property
    def roots(self) -> dict[str, Roots]:
        """The values by part, as walks begin with them. Redaction puts others in their places."""
        if self._roots is None:
            call = Roots()
            if self._keywords:
                for path, name, value in arguments_of(self._parameters, self._positional, self._keywords):
                    call.add(path, name, value)
            else:
                paths, labels, _ = _places(self._parameters.items, len(self._positional))
                call = Roots(paths, labels, self._positional)
            outcome = Roots()
            for value in self._outcome:
                outcome.add((EXCEPTION if self._raised else RESULT,), None, value)
            self._roots = {CALL: call, OUTCOME: outcome, DEFAULTS: Roots.of(self._defaults)}
        return self._roots

    @property
    def instance_name(self) -> str | None:
        """The parameter that the bound instance goes by."""
        return self._parameters.items[0][0] if self._has_instance and self._parameters.items else None

    def redact(
        self,
        redactor: Redactor,
        earlier: EarlierSecrets | None = None,
        more: Mapping[str, Roots] | None = None,
        streams: Iterable[bytes] = (),
    ) -> Redaction | None:
        """Redact in place; None when there is nothing to redact. `earlier` knows the secrets of the calls before.

        `more` are further graphs that belong to the call, and `streams` their pickles: a secret in one of them is
        redacted in all.
        """
        pickles = b"\n".join([self._streams, *streams]) if more else self._streams
        known = earlier.found_in(pickles) if earlier is not None else ()
        if not known and redactor.are_clean(pickles):
            parts = [*self.roots.values(), *more.values()] if more else self.roots.values()
            if not redactor.have_names(parts):
                return None
        redaction = Redaction(redactor, pickles, known)
        for name, roots in (*self.roots.items(), *(more or {}).items()):
            redaction.redact_part(name, roots)
        redaction.finish()
        if earlier is not None:
            earlier.remember(redaction.learned())
        return redaction

    def call(self) -> tuple[Any, tuple[Any, ...], dict[str, Any]]:
        """(instance or None, args, kwargs), as they are now."""
        positional, keywords = self._arguments()
        if self._has_instance:
            return positional[0], tuple(positional[1:]), keywords
        return None, tuple(positional), keywords

    def _arguments(self) -> tuple[Sequence[Any], dict[str, Any]]:
        """The positional arguments, the instance first among them, and those by keyword."""
        if self._roots is None:
            return self._positional, self._keywords
        values, number = self._roots[CALL].values, len(self._positional)
        return values[:number], dict(zip(self._keywords, values[number:], strict=True))

    def outcome(self) -> Any:
        return self._outcome[0] if self._roots is None else self._roots[OUTCOME].values[0]

    def bound(self) -> dict[str, Any]:
        """Values by parameter name, defaults applied."""
        positional, keywords = self._arguments()
        defaults = self._defaults
        if defaults and self._roots is not None:
            defaults = dict(zip(defaults, self._roots[DEFAULTS].values, strict=True))
        names = _places(self._parameters.items, len(positional))[2] if not keywords else None
        if names is None:
            return self._parameters.bind(positional, keywords, defaults)
        passed, rest = names
        bound = dict(zip(passed, positional, strict=True))
        for name in rest:
            if name in defaults:
                bound[name] = defaults[name]
        return bound


@lru_cache(maxsize=2000)
def _places(
    items: tuple[tuple[str, str], ...], count: int
) -> tuple[list[tuple[object, ...]], list[str], tuple[list[str], list[str]] | None]:
    """The paths and names of so many positional arguments, and the names of the parameters that take them and of the
    others; None for these where the function takes any number of arguments, or fewer than there are."""
    places = arguments_of(Parameters(items), [None] * count, {})
    paths, labels = [keys for keys, _, _ in places], [label for _, label, _ in places]
    names = [name for name, _ in items]
    takes = [kind for _, kind in items if kind in POSITIONAL]
    is_simple = count <= len(takes) and not any(kind in _ANY_NUMBER for _, kind in items)
    return paths, labels, (names[:count], names[count:]) if is_simple else None


def defaults_of_call(data: bytes) -> dict[str, Any]:
    atoms = _atoms_of(data)
    values: dict[str, Any] = decode(data) if atoms is None else atoms
    return values


@lru_cache(maxsize=1000)
def _atoms_of(data: bytes) -> dict[str, Any] | None:
    """Default values, decoded once for a function, whose recorder keeps these bytes; None where one may be changed.

    It saves a function with defaults a twentieth of the time that sealing a small call takes.
    """
    values: dict[str, Any] = decode(data)
    return values if _FIXED.issuperset(map(type, values.values())) else None


def call_of(data: bytes) -> Call:
    """(instance or None, args, kwargs). Raises InertError."""
    graph = decode(data)
    if type(graph) is not tuple or len(graph) != 3 or type(graph[1]) is not tuple or type(graph[2]) is not dict:
        raise InertError("the call is not (instance, args, kwargs)")
    return graph
