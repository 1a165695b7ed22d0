"""Running processes and operators: pause, resume, and the status of each capturing process.

`.paused` stops capturing in every process that writes to this folder, until it is removed. Each process keeps
`.processes/<token>.json` up to date while it runs and removes it when it ends; the file of a killed process is
recognised by its process id.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import suppress

from ..core.clock import time
from ..core.records import Record
from ..core.system import os
from . import files
from .failures import StoreFailure

PAUSED = ".paused"
PROCESSES = ".processes"
SILENT = 30.0  # seconds without a write after which a process of another host counts as ended
_LIMIT = 256 * 1024  # bytes of such a file that are read


class ProcessStatus(Record):
    """One capturing process. Times are seconds since 1970: `told` is when this was written, `spent` how long
    capturing has taken so far.

    `closed` names the targets whose calls are not captured now, with the reason; `unreachable` those that cannot be
    captured, or only in part.
    """

    pid: int
    host: str
    program: str
    python: str
    started: float
    told: float
    wrapped: int
    called: int
    paused: bool
    spent: float
    share: float  # the budget, as a share of wall time
    closed: Mapping[str, str] = {}
    unreachable: Mapping[str, str] = {}

    @property
    def used(self) -> float:
        """The share of its wall time that capturing has taken."""
        return self.spent / max(self.told - self.started, 1e-9)

    @property
    def is_alive(self) -> bool:
        """True when the process still runs, as far as this host can know."""
        if self.host != os.uname().nodename:
            return abs(time() - self.told) < SILENT
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return False
        except PermissionError:
            return True
        return True


def pause(base_path: str) -> None:
    """Have every process that captures into this folder stop within a second. Raises StoreFailure."""
    try:
        files.make_folders(base_path)
        with files.opened_folder(base_path, follow=True) as base:
            files.publish(base, PAUSED, b"", token=f"{os.getpid()}-")
    except OSError as error:
        raise StoreFailure.of(error, f"{base_path}/{PAUSED}") from error


def resume(base_path: str) -> bool:
    """Undo `pause`; False when nothing was paused. Raises StoreFailure."""
    try:
        with files.opened_folder(base_path, follow=True) as base:
            return files.remove(base, PAUSED)
    except FileNotFoundError:
        return False
    except OSError as error:
        raise StoreFailure.of(error, f"{base_path}/{PAUSED}") from error


def is_paused(base_path: str) -> bool:
    return os.path.lexists(f"{base_path}/{PAUSED}")


def write_status(base_path: str, token: str, status: ProcessStatus) -> None:
    """Write the status of this process. A failure is ignored: nothing depends on the file."""
    with suppress(OSError, StoreFailure), files.own_folder(f"{base_path}/{PROCESSES}", make=True) as folder:
        fields = status.as_dict() | {"closed": dict(status.closed), "unreachable": dict(status.unreachable)}
        files.publish(folder, f"{token}.json", json.dumps(fields).encode(), token="-")


def remove_status(base_path: str, token: str) -> None:
    """Remove the file of this process, which ends. A failure is ignored."""
    with suppress(OSError, StoreFailure), files.own_folder(f"{base_path}/{PROCESSES}") as folder:
        files.remove(folder, f"{token}.json")


def running_processes(base_path: str) -> Iterator[ProcessStatus]:
    """The processes that capture into this folder now, the oldest first; unreadable files are skipped."""
    path = f"{base_path}/{PROCESSES}"
    found = []
    with suppress(OSError), files.opened_folder(path) as folder:
        for name in files.list_names(folder):
            if name.endswith(".json"):
                with suppress(OSError, ValueError, TypeError):
                    data, _ = files.read_regular(name, _LIMIT, folder=folder)
                    fields = json.loads(data)
                    found.append(ProcessStatus(**{key: fields[key] for key in ProcessStatus._fields if key in fields}))
    yield from sorted((one for one in found if one.is_alive), key=lambda one: (one.started, one.pid))
