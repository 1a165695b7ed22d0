"""A call that has begun, from its first step in the caller until the writer has stored it."""

from __future__ import annotations

from ...core.clock import since_epoch
from ...serializer.freezing.frozen import as_frozen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ...config.settings import Settings
    from ...config.targets import Target
    from ...serializer.freezing.frozen import Frozen
    from .recorder import Recorder


class Pending:
    """A call that has begun: its frozen arguments, and the time that capturing it has taken so far.

    With its outcome it goes to the writer, which seals and stores it. `began`, `finished` and `cost` are seconds of
    `perf_counter`, `used` is seconds of processor time, `reserved` those that the writer is expected to need, `sealed`
    those that sealing has taken, `paid` those that were paid ahead, `size` is bytes of memory.
    """

    # Set by `Recorder.begin` and `Recorder.returned`: a constructor would take longer than all of them.
    __slots__ = (
        *("began", "cost", "ended", "exception", "finished", "frozen_call", "frozen_outcome", "recorder", "reserved"),
        *("_started", "paid", "sealed", "size", "thread", "trace", "used"),
    )

    _started: float
    recorder: Recorder
    frozen_call: bytes | Frozen
    frozen_outcome: bytes | Frozen
    exception: str | None
    ended: str
    began: float
    finished: float
    cost: float
    used: float
    paid: float
    reserved: float
    sealed: float
    size: int
    thread: int  # that the function runs on, or ran on last
    trace: tuple[str, str]  # trace and span id; set where the program has a trace

    def settle(self) -> float:
        """Correct what was reserved for the writer, which is done with this call; returns the seconds of sealing."""
        self.recorder.gate.settle(self.size, self.reserved, self.sealed)
        return self.sealed

    @property
    def started(self) -> float:
        """Seconds since 1970: the caller is spared a second clock."""
        try:
            return self._started
        except AttributeError:
            self._started = since_epoch(self.began)
            return self._started

    @property
    def call(self) -> Frozen:
        """The bound instance and the arguments."""
        return as_frozen(self.frozen_call)

    @property
    def outcome(self) -> Frozen:
        """What the function returned or raised."""
        return as_frozen(self.frozen_outcome)

    @property
    def raised(self) -> bool:
        return self.exception is not None

    @property
    def duration(self) -> float:
        """Seconds that the function itself took."""
        return max(self.finished - self.began - self.cost, 0.0)

    @property
    def target(self) -> Target:
        return self.recorder.target

    @property
    def settings(self) -> Settings:
        return self.recorder.settings

    @property
    def outcome_kind(self) -> str:
        return self.exception or "returned"
