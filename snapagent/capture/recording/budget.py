"""Keeps capturing under its budget: a token bucket of processor time, one for the whole process.

Times are seconds, moments those of `time.perf_counter`.
"""

from __future__ import annotations

import sys
from _thread import get_ident

from ...core.clock import perf_counter
from ...serializer.freezing.time_limit import SECONDS
from .costly import CostlyCaptures

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .admission import Gate

BURST = 0.05  # seconds of capturing that a new process may spend at once, so that short runs capture something
SAVED = 0.05  # seconds that an idle process saves up at most
# Seconds that the first captures of targets may take besides, so that a hot function does not starve a rare one: so
# many at once, so many more each second, and so many in all. Thousands of first calls are thus spread over time.
FIRSTS_AT_ONCE, FIRSTS_PER_SECOND, FIRSTS = 0.02, 0.03, 0.3
LEAST_DEBT, MOST_DEBT = 0.01, 2.0  # seconds that one capture may overdraw; it grows with what the process' age pays for
LOADING = 0.02  # seconds: a longer step may have loaded a library
LONGEST_LOADING = 1.0  # seconds, without compiled files and on a busy machine
# Libraries that the first captures load, and how many threads may have waited for them.
_LATE = ("dill", "filelock", "zstandard", "decimal", "email.parser")
_MOST_LOADING = 4


def _libraries() -> set[str]:
    return {name for name in _LATE if name in sys.modules}


class Governor:
    """Keeps capturing under `share` of the process's wall time; one for the whole process.

    A token bucket of processor time: it starts with `BURST`, fills by `share` seconds a second up to `SAVED`, and
    captures drain it by what they took, in callers and in the writer. What the writer will take is drained when a call
    is queued, and corrected when it is written: the writer is paid before more is admitted.
    """

    def __init__(self, share: float) -> None:
        self.share = share
        self.unlimited = share >= 1.0
        self.costly = CostlyCaptures()  # where it is unlimited
        self.balance = BURST if share > 0.0 else 0.0  # seconds; above zero capturing is allowed
        self._granted = self.balance
        self._began = self._filled_at = perf_counter()
        self._firsts = 0.0  # seconds that first captures took besides
        self._at_start = _libraries()
        self._known: dict[int, set[str]] = {}  # by thread
        self.skipping: set[Gate] = set()  # those that skip calls ahead while they wait for the budget

    def spend(self, seconds: float) -> None:
        """Subtract the seconds of processor time that the writer took, besides those that were reserved for calls."""
        seconds = self.without_loading(seconds)
        self.balance -= seconds
        if self.unlimited:
            self.costly.spend_on_writing(seconds)

    def spend_on_first(self, seconds: float) -> None:
        """Subtract what the first capture of a target took: what the bucket cannot pay comes from the firsts' share."""
        more = max(seconds - max(self.balance, 0.0), 0.0) if self._firsts_left() > 0.0 else 0.0
        self._firsts += more
        self.balance -= seconds - more

    def give_back(self, seconds: float) -> None:
        """Return seconds that were reserved and not used; negative where more were."""
        self.balance = min(self.balance + seconds, max(self.balance, SAVED))

    def hold_back(self, seconds: float) -> None:
        """Let the next captures wait as if these seconds had been taken, which do not count as spent."""
        self.balance -= seconds
        self._granted -= seconds

    def _firsts_left(self) -> float:
        age = perf_counter() - self._began
        return min(FIRSTS_AT_ONCE + FIRSTS_PER_SECOND * age, FIRSTS) - self._firsts

    def _debt(self) -> float:
        return min(LEAST_DEBT + self.share * (perf_counter() - self._began), MOST_DEBT)

    def allows_first(self) -> bool:
        """Whether the first capture of a target is allowed. With the firsts' share spent, it may overdraw a little."""
        return self.share > 0.0 and (self._firsts_left() > 0.0 or self.balance > -LEAST_DEBT)

    def most_for_one(self, longest: float = SECONDS) -> float:
        """Seconds of processor time that one capture may take now: `longest` where it is unlimited.

        The bucket may be overdrawn, and fills up again.
        """
        if self.unlimited:
            return self.costly.most_for_one(longest)
        return max(self.balance, 0.0) + max(self._firsts_left(), 0.0) + self._debt()

    def without_loading(self, seconds: float) -> float:
        """`seconds` less the time for loading libraries, if one was loaded since this thread asked last.

        Loading happens once in a process but takes as long as a thousand captures: a short run would capture nothing.
        Each thread is judged by itself, because threads that need the same library wait for each other.
        """
        me = get_ident()
        if seconds < LOADING or (me not in self._known and len(self._known) >= _MOST_LOADING):
            return seconds
        known = self._known.get(me, self._at_start)
        self._known[me] = _libraries()
        return seconds if self._known[me] <= known else max(seconds - LONGEST_LOADING, 0.0)

    def allows(self, needs: float = 0.0) -> bool:
        """Whether a capture that took `needs` seconds the last time is allowed."""
        if self.balance > needs or self.unlimited:
            return True
        now = perf_counter()
        gained = min(SAVED - self.balance, (now - self._filled_at) * self.share)
        self.balance += gained
        self._granted += gained
        self._filled_at = now
        return self.balance > needs

    def end_waits(self) -> None:
        """Have gates decide again whose wait is over: of a function that is seldom called now, the run may last long.

        Called twice a second by the writer's thread.
        """
        now = perf_counter()
        for gate in list(self.skipping):
            if gate.end_wait(now):
                self.skipping.discard(gate)

    @property
    def spent(self) -> float:
        """Seconds that capturing has taken so far."""
        return self._granted - self.balance + self._firsts

    def restart(self) -> None:
        """In a forked child: start with a full bucket, whatever the parent had spent; not so for costly captures."""
        costly = self.costly
        self.__init__(self.share)  # type: ignore[misc]
        costly.restart()
        self.costly = costly
