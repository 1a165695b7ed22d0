"""Seals calls of a known form: the header of each is filled into one template of its function and that of its form.

None of the objects is made that other calls have on their way, which take half of the time that sealing a small call
takes. Only calls that returned are sealed here, and nothing is redacted in them.
"""

from __future__ import annotations

from ..bundle import CALL, COMPLETE, OUTCOME, Part, WrittenHeader
from ..core.header_json import duration_text, header_template
from ..core.json_text import JsonMapping, quoted
from ..core.signature import POSITIONAL, VAR_KEYWORD, VAR_POSITIONAL
from ..serializer.inert.decode import decode
from ..serializer.inert.stand_ins import InertError
from ..serializer.inert.walk import Roots
from .forms import PLAIN, is_short, known_form
from .hashing.canonical import HashResult
from .header import build_header, timestamp
from .opened_call import call_of, defaults_of_call

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from .forms import Form, FormedCall
    from .opened_call import Graphs
    from .raw_call import RawCall
    from .redaction.earlier import EarlierSecrets
    from .seal import SealRules

_RECENT = 4  # forms of a function that are tried before a call's names and types are looked at


class FormedCalls:
    """Those of one function. `example` is any call of it; its values do not matter."""

    def __init__(self, example: RawCall, rules: SealRules) -> None:
        self._parameters = example.parameters
        self._redactor = rules.redactor
        self._stream_of_defaults = example.defaults or b""
        self._defaults = defaults_of_call(example.defaults) if example.defaults is not None else {}
        kinds = [kind for _, kind in example.parameters.items]
        takes_any_number = VAR_POSITIONAL in kinds or VAR_KEYWORD in kinds
        self._most_args = -1 if takes_any_number else sum(kind in POSITIONAL for kind in kinds)  # that are remembered
        self._names: dict[int, tuple[tuple[str, ...], list[Any]]] = {}
        self._may_have_forms = (
            not example.has_instance
            and rules.compression == "none"
            and self._redactor.are_clean(self._stream_of_defaults)
            and not self._redactor.have_names([Roots.of(self._defaults)])
        )
        self._recent: list[Form] = []  # the forms of its last calls
        self._template = _template(example) if self._may_have_forms else ""

    def open(self, call: bytes, outcome: bytes) -> tuple[FormedCall | None, Graphs | None]:
        """The call with these pickles if it is to be sealed here, and its graphs if they can be read at all."""
        if not self._may_have_forms:
            return None, None
        try:
            _, args, keywords = opened = call_of(call)
            result = decode(outcome)
        except InertError:  # it is raised again where the call is sealed
            return None, None
        if is_short(call + outcome, (args, keywords, result)):
            names, values = self._bound(args, keywords)
            values.append(result)
            formed = self._formed(names, values) if PLAIN.issuperset(map(type, values)) else None
            if formed is not None:
                formed.streams = call, outcome
                if self._redactor.is_clean_call(formed):
                    return formed, None
        return None, (opened, result)

    def _formed(self, names: tuple[str, ...], values: list[Any]) -> FormedCall | None:
        if not self._recent and known_form(names, values) is None:  # so that functions without forms pay less
            return None
        try:
            text = repr(values)
        except (ValueError, RecursionError):  # an int of thousands of digits; lists in lists
            return None
        for form in self._recent:
            if form.parameters == names:
                formed = form.call(values, text)
                if formed is not None:
                    return formed
        found = known_form(names, values)
        if found is None:
            return None
        self._recent = [found, *[form for form in self._recent if form is not found][: _RECENT - 1]]
        return found.call(values, text)

    def _bound(self, args: tuple[Any, ...], keywords: dict[str, Any]) -> tuple[tuple[str, ...], list[Any]]:
        """The names and values of the arguments, defaults applied; remembered for positional arguments alone."""
        if not keywords and len(args) in self._names:
            names, defaults = self._names[len(args)]
            return names, [*args, *defaults]
        bound = self._parameters.bind(args, keywords, self._defaults)
        names, values = tuple(bound), list(bound.values())
        if not keywords and len(args) <= self._most_args:
            self._names[len(args)] = names, values[len(args) :]
        return names, values

    def are_clean(self, calls: Iterable[FormedCall], earlier: EarlierSecrets) -> bool:
        """Whether no secret of the environment or of an earlier call is in these calls."""
        streams = b"\n".join([stream for call in calls for stream in call.streams])
        streams += self._stream_of_defaults
        return not (earlier.found_in(streams) or self._redactor.environment.occur_in(streams))

    def seal(self, call: FormedCall, started: float, duration: float) -> None:
        """Give the call its header, and the parts as they are stored."""
        when, hash_, shape = timestamp(started), call.hash, call.shape()
        frozen, outcome = call.streams
        size, outcome_size = len(frozen), len(outcome)
        text = self._template % (
            *(when, duration_text(round(duration, 9)), hash_, hash_, size, size, outcome_size, outcome_size),
            *(quoted(shape), *call.previews()),
        )
        header = WrittenHeader(text.encode("ascii"), when, hash_, shape)
        call.sealed = header, {CALL: frozen, OUTCOME: outcome}


def _template(example: RawCall) -> str:
    plain = example.replace(by_value=(), packages=frozenset(), raised=False, exception=None, ended=COMPLETE)
    parts = tuple([Part(name, example.serializer, "none", 0, 0) for name in (CALL, OUTCOME)])
    return header_template(build_header(plain, "", ({}, JsonMapping("")), HashResult("", ""), parts, (), None))
