"""What the writer knows of one target."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ...config.settings import Settings
    from ...config.targets import Target
    from ..recording.admission import Breaker, Gate
    from ..recording.ledger import Ledger


class WatchedTarget:
    """What the writer needs of one target: its settings, counts and gate, its breaker, and when its index is due."""

    def __init__(self, target: Target, settings: Settings, ledger: Ledger, gate: Gate) -> None:
        self.target = target
        self.settings = settings
        self.ledger = ledger
        self.gate = gate
        self.breaker: Breaker | None = None  # since the last success, once a call could not be stored
        self.restart()

    def restart(self) -> None:
        self.has_bundle = False  # of this process
        self.delay = 0.0
        self.not_before = 0.0

    @property
    def newest_first(self) -> bool:
        """The order of writing: older calls that retention would remove at once are not written at all.

        Where `keep` is infinite the oldest is first, because a full store frees space by removing the oldest.
        """
        return self.settings.keep != float("inf")
