"""How `push` stands: `.push/status.json`, which `snapagent status` shows. Holds no credential."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping
from contextlib import suppress

from ..core.records import Record
from ..store import files
from ..store.failures import StoreFailure
from ..store.layout import PUSH

STATUS = "status.json"
_LARGEST = 64 * 1024  # bytes of the file that are read
_SILENT = 15.0  # seconds after the last report of a process that reports at least every few seconds


class PushStatus(Record):
    """Counts are those of one run of `push`; times are seconds since the epoch, sizes bytes.

    `accepted` are the bundles that were taken into the spool, those of an earlier run that it found there included:
    each of them is then `uploaded`, `there` (the object store had it already), `set_aside` (counts by reason) or
    `waiting`. `equal` were not taken because an equal call was uploaded within a day, `no_room` because the spool was
    full (they are tried again), `gone` because retention was quicker.
    """

    url: str
    pid: int
    host: str
    started: float
    told: float
    watching: bool
    ended: bool = False
    accepted: int = 0
    uploaded: int = 0
    there: int = 0
    set_aside: Mapping[str, int] = {}
    equal: int = 0
    no_room: int = 0
    gone: int = 0
    waiting: int = 0
    waiting_bytes: int = 0
    failures: int = 0
    last_failure: str = ""

    @property
    def is_running(self) -> bool:
        """Whether the process runs still, as far as can be known from here.

        A sidecar has a process id of its own container, so that a recent report counts as well.
        """
        if self.ended:
            return False
        return abs(time.time() - self.told) < _SILENT or (self.host == os.uname().nodename and _is_alive(self.pid))

    def to_json(self) -> dict[str, object]:
        return {**self.as_dict(), "set_aside": dict(self.set_aside)}


def new_status(url: str) -> PushStatus:
    """That of this process, which has done nothing yet."""
    now = time.time()
    return PushStatus(url=url, pid=os.getpid(), host=os.uname().nodename, started=now, told=now, watching=False)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def write_status(base_path: str, status: PushStatus) -> None:
    """What the system refuses is done without: uploading does not depend on it."""
    with suppress(OSError, StoreFailure), files.own_folder(f"{base_path}/{PUSH}", make=True) as push:
        files.publish(push, STATUS, json.dumps(status.to_json()).encode())


def read_status(base_path: str) -> PushStatus | None:
    """What the last `push` of this folder said; None when there was none."""
    try:
        with files.opened_folder(f"{base_path}/{PUSH}") as push:
            fields = json.loads(files.read_regular(STATUS, _LARGEST, folder=push)[0])
        return PushStatus(**{name: fields[name] for name in PushStatus._fields if name in fields})
    except (OSError, ValueError, TypeError, AttributeError):
        return None
