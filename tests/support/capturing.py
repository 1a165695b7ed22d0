"""A writer with a real ledger and gate, fed as a recorder feeds it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from storing import TARGET, Call, seal

from snapagent.capture.recording.admission import Gate
from snapagent.capture.recording.budget import Governor
from snapagent.capture.recording.ledger import Ledger
from snapagent.capture.recording.recorder import Recorder
from snapagent.capture.writing.writer import Writer
from snapagent.config.settings import Settings
from snapagent.config.targets import Target
from snapagent.serializer.freezing.freeze import FreezeRules
from snapagent.store import Store

QUEUE_FULL = "queue_full"


def _quote(value: object) -> object:
    return value


def _sealed(sealing: Callable[[Any], Any], calls: Sequence[Any]) -> list[Any]:
    """What `sealing` makes of each call, as the writer wants it: an exception in the place of one that failed."""
    results: list[Any] = []
    for call in calls:
        try:
            results.append(sealing(call))
        except Exception as error:
            results.append(error)
    return results


class Program:
    """A program with captured functions: `call` is one call of one of them, from any thread."""

    def __init__(
        self,
        base_path: object,
        settings: Settings | None = None,
        *,
        targets: tuple[Target, ...] = (TARGET,),
        sealing: Callable[[Any], Any] = seal,
        sync: bool = False,
        store: Store | None = None,
        **options: Any,
    ) -> None:
        self.settings = settings or Settings()
        self.store = store or Store(str(base_path))
        self.writer = Writer(self.store, partial(_sealed, sealing), sync=sync, **options)
        self.ledgers = {target: Ledger(target) for target in targets}
        self.gates = {target: Gate(self.settings, ledger, Governor(1.0)) for target, ledger in self.ledgers.items()}
        self.recorders = {
            target: Recorder(
                target,
                _quote,
                "function",
                "plain",
                self.settings,
                self.ledgers[target],
                self.gates[target],
                FreezeRules(),
                self.writer.submit,
                self.writer.wake,
            )
            for target in targets
        }
        for target in targets:
            self.writer.watch(target, self.settings, self.ledgers[target], self.gates[target])

    @property
    def ledger(self) -> Ledger:
        return self.ledgers[TARGET]

    @property
    def gate(self) -> Gate:
        return self.gates[TARGET]

    def call(
        self, value: object = None, *, exception: str | None = None, size: int = 100, target: Target = TARGET
    ) -> bool:
        """Whether the writer took the call."""
        if not self.recorders[target].admit():
            return False
        taken = self.writer.submit(Call(target, self.settings, time.time(), value, exception, size))
        if not taken:
            self.ledgers[target].count_skipped(QUEUE_FULL, admitted=True)
        return taken
