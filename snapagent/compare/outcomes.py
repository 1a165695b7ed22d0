"""The outcome of a call, as a value that compares and prints the same on every run, and the verdict over two."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from ..core.paths import EXCEPTION, RESULT
from ..core.records import Record
from ..core.type_facts import type_name
from .comparing import examine
from .report import Comparison, Difference, format_comparison
from .text import plain_repr, short
from .walking import Options

EQUAL = "equal"
CHANGED = "changed"
FIXED = "fixed"  # it raised when it was captured, now it returns
BROKEN = "broken"  # it returned when it was captured, now it raises
NOT_COMPARABLE = "not comparable"  # it differs, and an argument that the bundle lacks may be the cause
NOT_REPLAYABLE = "not replayable"
NOISE = "noise"  # two replays of the same code differ, and so nothing is known about a change
VERDICT_KINDS = (EQUAL, CHANGED, BROKEN, FIXED, NOT_COMPARABLE, NOT_REPLAYABLE)
KINDS_OF_TWO = (*VERDICT_KINDS, NOISE)  # where each bundle is replayed twice
UNDECIDED = (NOT_COMPARABLE, NOT_REPLAYABLE)  # the replay says nothing about the code


class Outcome:
    """Base of `Returned` and `Raised`. Equality is that of `compare`: exact, by state, NaN equal to NaN."""

    __array_ufunc__ = None  # so that `array == outcome` calls `Outcome.__eq__`, not one `==` for each element
    __pandas_priority__ = 10_000
    __hash__ = None  # type: ignore[assignment]

    @property
    def value(self) -> object:
        raise NotImplementedError

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Outcome):
            return type(other) is type(self) and bool(examine(self.value, other.value))
        if type_name(type(other)) != type_name(type(self.value)):
            return NotImplemented  # a snapshot or a matcher compares by itself; nothing else equals an outcome
        return bool(examine(self.value, other))


class Returned(Outcome):
    """The call returned `value`."""

    def __init__(self, value: object) -> None:
        self._value = value

    @property
    def value(self) -> object:
        return self._value

    def __repr__(self) -> str:
        with _whole_arrays():
            return f"Returned({stable_repr(self._value)})"


class Raised(Outcome):
    """The call raised `exception`; equal to another one of the same type, arguments and notes."""

    def __init__(self, exception: BaseException) -> None:
        self.exception = exception

    @property
    def value(self) -> BaseException:
        return self.exception

    @property
    def type(self) -> str:
        """`module.qualname` of the exception."""
        return type_name(type(self.exception))

    def __repr__(self) -> str:
        return f"Raised({exception_text(self.exception)})"


def exception_text(error: BaseException) -> str:
    """Type, arguments and notes: what two equal exceptions share."""
    arguments = ", ".join(stable_repr(argument) for argument in error.args)
    notes = list(getattr(error, "__notes__", ()))
    return f"{type_name(type(error))}({arguments})" + (f" with notes {notes!r}" if notes else "")


def stable_repr(value: object) -> str:
    """`repr` without memory addresses, lines kept."""
    return plain_repr(value, one_line=False)


@contextmanager
def _whole_arrays() -> Iterator[None]:
    """Let arrays and frames print all that they hold, if their libraries are there."""
    numpy, pandas = sys.modules.get("numpy"), sys.modules.get("pandas")
    with ExitStack() as stack:
        if numpy is not None:
            stack.enter_context(numpy.printoptions(threshold=sys.maxsize, linewidth=100))
        if pandas is not None:
            stack.enter_context(pandas.option_context("display.max_rows", None, "display.max_columns", None))
        yield


class Verdict(Record):
    """The verdict over one replayed call. `kind` is one of the constants of this module; true when it is `equal`.

    `paths` are the redacted arguments and placeholders because of which the outcomes are not comparable.
    """

    kind: str
    comparison: Comparison = Comparison()
    expected: str = ""
    got: str = ""
    reason: str = ""
    notes: tuple[str, ...] = ()  # facts about the replay, a line each, that change nothing about the verdict
    paths: tuple[str, ...] = ()
    unused: tuple[str, ...] = ()  # paths of `ignore` and `unordered` that fit no place in either outcome
    noise: tuple[str, ...] = ()  # places where two replays of the same code differ, when there were two

    def __bool__(self) -> bool:
        return self.kind == EQUAL

    def with_differences(self, differences: tuple[Difference, ...]) -> Verdict:
        """With differences that were found beside the outcome: an equal one becomes `changed`.

        One that is not comparable stays so: a call that went another way for want of a value makes other effects too.
        """
        if not differences:
            return self
        comparison = self.comparison.replace(differences=(*self.comparison.differences, *differences))
        return self.replace(kind=CHANGED if self.kind == EQUAL else self.kind, comparison=comparison)

    def __str__(self) -> str:
        return "\n".join((self._in_words(), *self.notes))

    def _in_words(self) -> str:
        if self.kind == NOT_COMPARABLE:
            return "\n".join([f"{self.kind}: {self.reason}", *self._difference()])
        if self.reason:
            return f"{self.kind}: {self.reason}"
        if self.kind in (FIXED, BROKEN):
            more = f"\n{format_comparison(self.comparison)}" if self.comparison.differences else ""
            return f"{self.kind}: expected {self.expected}, got {self.got}{more}"
        if self.kind == EQUAL and not self.comparison.not_compared:
            return self.kind
        return f"{self.kind}:\n{format_comparison(self.comparison)}"

    def _difference(self) -> list[str]:
        if self.comparison.differences:
            return [format_comparison(self.comparison)]
        return [f"expected {self.expected}, got {self.got}"] if self.expected else []


def judge(expected: Outcome, got: Outcome, options: Options) -> Verdict:
    """Compare how a call ended with how it ended when it was captured."""
    texts = (_in_short(expected), _in_short(got))
    match expected, got:
        case Raised(), Returned():
            return Verdict(FIXED, Comparison(), *texts)
        case Returned(), Raised():
            return Verdict(BROKEN, Comparison(), *texts)
    root = EXCEPTION if isinstance(expected, Raised) else RESULT
    comparison = examine(expected.value, got.value, options, root)
    return Verdict(EQUAL if comparison else CHANGED, comparison, *texts)


def explain_unequal(left: object, right: object) -> list[str] | None:
    """The differences between two sides of a failed `==` where one is an outcome; None where neither is.

    An outcome that is not the left side is taken for the expected one.
    """
    if not isinstance(left, Outcome) and not isinstance(right, Outcome):
        return None
    expected, got = (right, left) if isinstance(right, Outcome) else (left, right)
    assert isinstance(expected, Outcome)
    ended = got if isinstance(got, Outcome) else Returned(got)
    return ["the outcomes differ", *str(judge(expected, ended, Options())).splitlines()]


def _in_short(outcome: Outcome) -> str:
    match outcome:
        case Raised(exception=error):
            return short(error, 200)
    return short(outcome.value, 200)


def in_comparable_form(outcome: Outcome) -> object:
    """A returned value itself if `==` on it says yes or no; the outcome for exceptions, and where arrays are inside."""
    if isinstance(outcome, Returned) and not _holds_arrays(outcome.value):
        return outcome.value
    return outcome


def _holds_arrays(value: object, depth: int = 8) -> bool:
    kind = type(value)
    if kind.__module__.partition(".")[0] in ("numpy", "pandas") and hasattr(kind, "__len__"):
        return True
    if not depth or not isinstance(value, list | tuple | set | frozenset | dict):
        return False
    parts = value.values() if isinstance(value, dict) else value
    return any(_holds_arrays(part, depth - 1) for part in parts)
