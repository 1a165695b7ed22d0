"""How this process stands, told to operators; and their wish to pause, obeyed. Runs in the writer's thread."""

from __future__ import annotations

import os
import sys
from time import monotonic, time

from ..store import processes
from ..store.processes import ProcessStatus

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .engine import Engine

PAUSED = "paused"
LOOK_EVERY = 0.5  # seconds between two looks for a wish to pause
TELL_EVERY = 5.0  # seconds between two reports


def _program() -> str:
    """What runs, without its arguments: they may hold secrets, and so may the code after `-c`."""
    return " ".join([sys.executable or "python", *getattr(sys, "argv", [])[:1]])[:200]


class Reporter:
    """For one engine. `look` is called often; it does something twice a second at most."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.paused = processes.is_paused(engine.base_path)
        self.restart()

    def restart(self) -> None:
        """In a forked child: another process."""
        self._token = os.urandom(6).hex()
        self._started = time()
        self._ended = False
        self._next_look = 0.0
        self._next_report = 0.0

    def look(self) -> None:
        now = monotonic()
        if self._ended or now < self._next_look:
            return
        self._next_look = now + LOOK_EVERY
        paused = processes.is_paused(self._engine.base_path)
        if paused != self.paused:
            self.paused = paused
            self._obey()
            self._next_report = 0.0
        if now >= self._next_report:
            self._next_report = now + TELL_EVERY
            processes.write_status(self._engine.base_path, self._token, self._presence())

    def _obey(self) -> None:
        for recorder in self._engine.recorders():
            if self.paused and recorder.gate.closed is None:
                recorder.gate.close(PAUSED)
            elif not self.paused and recorder.gate.closed == PAUSED:
                recorder.gate.open()

    def _presence(self) -> ProcessStatus:
        recorders = self._engine.recorders()
        return ProcessStatus(
            pid=os.getpid(),
            host=os.uname().nodename,
            program=_program(),
            python=sys.version.partition(" ")[0],
            started=self._started,
            told=time(),
            wrapped=len(recorders),
            called=sum(1 for recorder in recorders if recorder.ledger.announced),
            paused=self.paused,
            spent=self._engine.governor.spent,
            share=self._engine.governor.share,
            closed={str(one.target): one.gate.closed for one in recorders if one.gate.closed is not None},
            unreachable=dict(self._engine.unreachable),
        )

    def end(self) -> None:
        self._ended = True  # the writer's thread looks once more while it stores the last calls
        processes.remove_status(self._engine.base_path, self._token)
