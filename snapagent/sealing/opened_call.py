"""A frozen call decoded: its values as inert graphs by name and path, to be redacted, hashed and shown."""

from __future__ import annotations

from functools import lru_cache

from ..bundle import CALL, OUTCOME
from ..core.paths import EXCEPTION, RESULT
from ..core.signature import POSITIONAL_ONLY, POSITIONAL_OR_KEYWORD, Parameters
from ..serializer.freezing.parts import arguments_of
from ..serializer.inert.decode import InertError, decode
from ..serializer.inert.walk import Roots
from .redaction.earlier import EarlierSecrets
from .redaction.redact import Redaction
from .redaction.rules import Redactor

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

_POSITIONAL = (POSITIONAL_ONLY, POSITIONAL_OR_KEYWORD)
_RESULT, _EXCEPTION = ((RESULT,),), ((EXCEPTION,),)  # the paths of the one value of an outcome
DEFAULTS = "defaults"  # a part that is not stored: it enters the hash and the previews


class OpenedCall:
    """The graphs of one call. `call` is the pickle of (instance or None, args, kwargs), `defaults` of a dict.

    Raises InertError when a stream cannot be read.
    """

    def __init__(
        self,
        parameters: Parameters,
        has_instance: bool,
        call: bytes,
        defaults: bytes | None = None,
        outcome: bytes | None = None,
        raised: bool = False,
    ) -> None:
        self._parameters = parameters
        self._has_instance = has_instance
        self._streams = b"\n".join([call, outcome or b"", defaults or b""])
        instance, args, kwargs = _call_of(call)
        positional = (instance, *args) if has_instance else args
        self._count = len(positional)
        self._keywords = list(kwargs)
        self._call = Roots()
        self._names: list[str] | None = None  # of the parameters, where the arguments are just these
        if kwargs:
            for path, name, value in arguments_of(parameters, positional, kwargs):
                self._call.add(path, name, value)
        else:
            paths, labels, self._names = _places(parameters.items, self._count)
            self._call = Roots(paths, labels, positional)
        self._defaults = Roots.of(decode(defaults)) if defaults is not None else Roots()
        self._outcome = Roots()
        if outcome is not None:
            self._outcome = Roots(_EXCEPTION if raised else _RESULT, (None,), (decode(outcome),))
        self.roots = {CALL: self._call, OUTCOME: self._outcome, DEFAULTS: self._defaults}

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
        parts = {**self.roots, **more} if more else self.roots
        pickles = b"\n".join([self._streams, *streams]) if more else self._streams
        known = earlier.found_in(pickles) if earlier is not None else ()
        if not known and redactor.is_clean(parts.values(), pickles):
            return None
        redaction = Redaction(redactor, pickles, known)
        for name, roots in parts.items():
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

    def _arguments(self) -> tuple[list[Any], dict[str, Any]]:
        """The positional arguments, the instance first among them, and those by keyword."""
        values = self._call.values
        return values[: self._count], dict(zip(self._keywords, values[self._count :], strict=True))

    def outcome(self) -> Any:
        return self._outcome.values[0]

    def bound(self) -> dict[str, Any]:
        """Values by parameter name, defaults applied."""
        if self._names is not None:
            return dict(zip(self._names, self._call.values, strict=True))
        defaults = {str(name): value for name, value in zip(self._defaults.labels, self._defaults.values, strict=True)}
        return self._parameters.bind(*self._arguments(), defaults)


@lru_cache(maxsize=2000)
def _places(
    items: tuple[tuple[str, str], ...], count: int
) -> tuple[list[tuple[object, ...]], list[str], list[str] | None]:
    """The paths and names of so many positional arguments, and the parameters' names where they are just these."""
    places = arguments_of(Parameters(items), [None] * count, {})
    labels = [label for _, label, _ in places]
    is_simple = len(items) == count and all(kind in _POSITIONAL for _, kind in items)
    return [keys for keys, _, _ in places], labels, labels if is_simple else None


def _call_of(data: bytes) -> tuple[Any, tuple[Any, ...], dict[str, Any]]:
    graph = decode(data)
    if type(graph) is not tuple or len(graph) != 3 or type(graph[1]) is not tuple or type(graph[2]) is not dict:
        raise InertError("the call is not (instance, args, kwargs)")
    return graph
