"""Publishes the state of this process for operators, and obeys their requests to pause. Runs in the writer's thread."""

from __future__ import annotations

import sys

from ..core.clock import monotonic, time
from ..core.system import os
from ..store import processes
from ..store.filesystems import REMEDY, shared_filesystem
from ..store.processes import ProcessStatus
from .host_guard import log_once

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from .recording.budget import Governor
    from .recording.recorder import Recorder

PAUSED = "paused"
CHECK_EVERY = 0.5  # seconds between two checks for a request to pause
REPORT_EVERY = 5.0  # seconds between two reports


def _program() -> str:
    """The running program without its arguments: they may hold secrets, and so may the code after `-c`."""
    return " ".join([sys.executable or "python", *getattr(sys, "argv", [])[:1]])[:200]


class Reporter:
    """Reports for one engine, whose wrapped targets, recorders, unreachable targets and budget it reads.

    `run_if_due` is called often and does something twice a second at most. It also ends waits for the budget.
    """

    def __init__(
        self,
        base_path: str,
        wrapped: Collection[str],
        recorders: Mapping[str, Recorder],
        unreachable: Mapping[str, str],
        governor: Governor,
    ) -> None:
        self._base_path = base_path
        self._wrapped = wrapped
        self._recorders = recorders
        self._unreachable = unreachable
        self._governor = governor
        self.paused = processes.is_paused(base_path)
        self.restart()

    def restart(self) -> None:
        """In a forked child: report as another process."""
        self._token = os.urandom(6).hex()
        self._started = time()
        self._ended = False
        self._next_check = 0.0
        self._next_report = 0.0

    def run_if_due(self) -> None:
        now = monotonic()
        if self._ended or now < self._next_check:
            return
        self._next_check = now + CHECK_EVERY
        self._governor.end_waits()
        paused = processes.is_paused(self._base_path)
        if paused != self.paused:
            self.paused = paused
            self._set_gates()
            self._next_report = min(self._next_report, now)
        if now >= self._next_report:
            if not self._next_report:
                self._warn_of_shared_filesystem()
            self._next_report = now + REPORT_EVERY
            processes.write_status(self._base_path, self._token, self._presence())

    def _warn_of_shared_filesystem(self) -> None:
        kind = shared_filesystem(self._base_path)
        if kind is not None:
            log_once(f"captures in {self._base_path}", f"shared filesystem ({kind})", REMEDY)

    def _set_gates(self) -> None:
        for recorder in list(self._recorders.values()):
            if self.paused and recorder.gate.closed is None:
                recorder.gate.close(PAUSED)
            elif not self.paused and recorder.gate.closed == PAUSED:
                recorder.gate.open()

    def _presence(self) -> ProcessStatus:
        recorders = list(self._recorders.values())
        return ProcessStatus(
            pid=os.getpid(),
            host=os.uname().nodename,
            program=_program(),
            python=sys.version.partition(" ")[0],
            started=self._started,
            told=time(),
            wrapped=len(self._wrapped),
            called=sum(1 for recorder in recorders if recorder.ledger.called),
            paused=self.paused,
            spent=self._governor.spent,
            share=self._governor.share,
            closed={str(one.target): one.gate.closed for one in recorders if one.gate.closed is not None},
            unreachable=dict(self._unreachable),
        )

    def end(self) -> None:
        self._ended = True  # the writer's thread calls `run_if_due` once more while it stores the last calls
        processes.remove_status(self._base_path, self._token)
