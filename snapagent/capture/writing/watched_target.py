"""What the writer knows of one target."""

from __future__ import annotations

from ...store.retention import retention_rules

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ...config.settings import Settings
    from ...config.targets import Target
    from ..recording.admission import Breaker, Gate
    from ..recording.ledger import Ledger


_INFINITE = float("inf")
_TOGETHER = 16_000  # bytes of calls that are sealed before the first of them is written
_SIDE_BY_SIDE = 16  # calls at most that go through the stages of sealing side by side: more gain nothing
_STEP = 0.001  # seconds that a step of the writer's work takes, about


class WatchedTarget:
    """What the writer needs of one target: its settings, counts and gate, its breaker, and when its index is due."""

    def __init__(self, target: Target, settings: Settings, ledger: Ledger, gate: Gate) -> None:
        self.target = target
        self.name = str(target)
        self.settings = settings
        self.rules = retention_rules(settings)
        self.keeps_all = settings.keep == _INFINITE
        # With a finite `keep` or quota, what is sealed depends on how writing the call before it ended.
        self.sealed_together = _TOGETHER if self.keeps_all and not gate.limited else 1
        self.ledger = ledger
        self.gate = gate
        self.breaker: Breaker | None = None  # since the last success, once a call could not be stored
        self.restart()

    def restart(self) -> None:
        self.has_bundle = False  # of this process
        self.has_folder = False  # as far as this process knows
        self.side_by_side = 1  # calls; always so where one at a time is sealed
        self.delay = 0.0
        self.not_before = 0.0

    def took(self, seconds: float) -> None:
        """As many calls as `side_by_side` says took so long to seal: fewer or more will next time."""
        if seconds > _STEP:
            self.side_by_side = max(self.side_by_side // 2, 1)
        elif self.sealed_together > 1 and seconds < _STEP / 2:
            self.side_by_side = min(self.side_by_side * 2, _SIDE_BY_SIDE)

    @property
    def newest_first(self) -> bool:
        """The order of writing: older calls that retention would remove at once are not written at all.

        Where `keep` is infinite the oldest is first, because a full store frees space by removing the oldest.
        """
        return not self.keeps_all
