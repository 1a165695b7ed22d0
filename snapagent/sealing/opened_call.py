"""A frozen call decoded: its values as inert graphs by name and path, to be redacted, hashed and shown."""

from __future__ import annotations

from ..bundle import CALL, OUTCOME
from ..core.paths import EXCEPTION, RESULT
from ..core.signature import Parameters
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
        self._positional = (instance, *args) if has_instance else args
        self._keywords = list(kwargs)
        self._call = Roots()
        for keys, name, value in arguments_of(parameters, self._positional, kwargs):
            self._call.add(keys, name, value)
        self._defaults = Roots.of(decode(defaults)) if defaults is not None else Roots()
        self._outcome = Roots()
        if outcome is not None:
            self._outcome.add((EXCEPTION if raised else RESULT,), None, decode(outcome))
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
        values = self._call.values
        count = len(self._positional)
        positional, keywords = values[:count], dict(zip(self._keywords, values[count:], strict=True))
        if self._has_instance:
            return positional[0], tuple(positional[1:]), keywords
        return None, tuple(positional), keywords

    def outcome(self) -> Any:
        return self._outcome.values[0]

    def bound(self) -> dict[str, Any]:
        """Values by parameter name, defaults applied."""
        instance, args, kwargs = self.call()
        positional = (instance, *args) if self._has_instance else args
        defaults = {str(name): value for name, value in zip(self._defaults.labels, self._defaults.values, strict=True)}
        return self._parameters.bind(positional, kwargs, defaults)


def _call_of(data: bytes) -> tuple[Any, tuple[Any, ...], dict[str, Any]]:
    graph = decode(data)
    if type(graph) is not tuple or [type(item) for item in graph[1:]] != [tuple, dict]:
        raise InertError("the call is not (instance, args, kwargs)")
    return graph
