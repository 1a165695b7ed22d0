"""The inputs that a replayed call did not have: redacted values and placeholders, and which of them took part.

A redacted text is a plain text at replay, and nobody can see what is done with it: it is taken to have had a part in
every difference. A placeholder records its use, also when the program swallows the error. Two kinds of use are not
seen: `type(value)`, and C code that looks at the type alone and whose error the program swallows.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from ..bundle import Header
from ..compare.outcomes import NOT_COMPARABLE, Outcome, Raised, Verdict
from ..core.paths import OUTCOME_ROOTS, parameter_key, parse_path
from ..core.signature import VAR_KEYWORD, Parameters
from ..errors import PlaceholderError
from ..placeholder import PRESENT, REDACTED, Placeholder, note_of
from .stored import is_of_effect

_TEXTS = frozenset({"str", "bytes", "bytearray", "key"})  # types of notes whose value is a text at replay


class MissingInputs:
    """The redacted values and placeholders among the arguments of a bundle.

    `replaced` are parameters whose values the test supplies itself.
    """

    def __init__(self, header: Header, parameters: Parameters, replaced: Collection[str] = ()) -> None:
        supplied = _places_of(parameters, replaced)
        own = [note for note in header.notes if note.kind not in PRESENT and not is_of_effect(header, note.path)]
        notes = [note for note in own if _is_input(note.path, supplied)]
        self.redacted = tuple(note.path for note in notes if note.kind == REDACTED and note.type in _TEXTS)
        self._placeholders = {note.path: note for note in notes if note.path not in self.redacted}

    def explain(self, verdict: Verdict, outcome: Outcome, used: Iterable[str]) -> Verdict:
        """The verdict itself, or `not comparable` when one of them had a part in a difference.

        `used` are the paths of the placeholders that the call used.
        """
        if verdict:
            return verdict
        found = dict.fromkeys([*self.redacted, *used, *verdict.comparison.placeholders])
        if isinstance(outcome, Raised):
            found.update(dict.fromkeys(self._named_in(outcome.exception)))
        if not found:
            return verdict
        reason = ", ".join(map(self._said_of, found))
        return verdict.replace(kind=NOT_COMPARABLE, reason=reason, paths=tuple(found))

    def not_in_the_bundle(self, error: PlaceholderError) -> Verdict:
        """The verdict over a call that a placeholder ended."""
        return Verdict(NOT_COMPARABLE, reason=f"{self._said_of(error.path)}; {error.remedy}", paths=(error.path,))

    def _said_of(self, path: str) -> str:
        note = self._placeholders.get(path)
        if note is None or note.kind == REDACTED:
            return f"`{path}` was redacted" if note or path in self.redacted else f"`{path}` is a placeholder"
        return f"`{path}` is a placeholder ({note.reason})"

    def _named_in(self, error: BaseException) -> Iterator[str]:
        """The placeholders that an error of C code is about; all, when it names only their type."""
        for one in _chain(error):
            about = getattr(one, "obj", None)
            if type(about) is Placeholder:
                yield note_of(about).path
            elif Placeholder.__name__ in _text_of(one):
                yield from self._placeholders


def _places_of(parameters: Parameters, names: Collection[str]) -> set[tuple[object, ...]]:
    """The first steps of the paths into parameters, or into the names that `**kwargs` takes."""
    known = dict(parameters.items)
    takes_any = [name for name, kind in parameters.items if kind == VAR_KEYWORD]
    return {(parameter_key(name),) if name in known else (*map(parameter_key, takes_any), name) for name in names}


def _is_input(path: str, supplied: Collection[tuple[object, ...]]) -> bool:
    try:
        tokens = parse_path(path).tokens
    except ValueError:  # a path that was shortened for printing
        tokens = (path.partition(".")[0].partition("[")[0],)
    return tokens[0] not in OUTCOME_ROOTS and tokens[:1] not in supplied and tokens[:2] not in supplied


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    rest: list[BaseException | None] = [error]
    while rest:
        one = rest.pop()
        if one is None or id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        rest += [one.__cause__, one.__context__]


def _text_of(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:  # an exception of the program with a `__str__` that fails
        return ""
