"""What running processes and operators tell each other through the store: pause, resume, and how each process stands.

`.paused` stops capturing in every process that writes to this folder, until it is removed. Each process keeps
`.processes/<token>.json` up to date while it runs and takes it away when it ends; what a killed one left is recognised
by its process id.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress

from ..core.records import Record
from . import files
from .failures import StoreFailure

PAUSED = ".paused"
PROCESSES = ".processes"
SILENT = 30.0  # seconds after which a process of another host is taken for gone
_MOST = 256 * 1024  # bytes of such a file that are read


class Presence(Record):
    """One capturing process. Times are seconds since 1970; `spent` is the seconds that capturing has taken so far.

    `closed` names the targets whose calls are turned away now, with the reason; `unreachable` those that cannot be
    captured, or not wholly.
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
        """Whether the process runs still, as far as can be known from here."""
        if self.host != os.uname().nodename:
            return abs(time.time() - self.told) < SILENT
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
    """The way back; False when nothing was paused. Raises StoreFailure."""
    try:
        with files.opened_folder(base_path, follow=True) as base:
            return files.remove(base, PAUSED)
    except FileNotFoundError:
        return False
    except OSError as error:
        raise StoreFailure.of(error, f"{base_path}/{PAUSED}") from error


def is_paused(base_path: str) -> bool:
    return os.path.lexists(f"{base_path}/{PAUSED}")


def tell(base_path: str, token: str, presence: Presence) -> None:
    """Say how this process stands. What the system refuses is done without: nobody depends on it."""
    with suppress(OSError, StoreFailure), files.own_folder(f"{base_path}/{PROCESSES}", make=True) as folder:
        fields = presence.as_dict() | {"closed": dict(presence.closed), "unreachable": dict(presence.unreachable)}
        files.publish(folder, f"{token}.json", json.dumps(fields).encode(), token="-")


def withdraw(base_path: str, token: str) -> None:
    """This process ends."""
    with suppress(OSError, StoreFailure), files.own_folder(f"{base_path}/{PROCESSES}") as folder:
        files.remove(folder, f"{token}.json")


def present(base_path: str) -> Iterator[Presence]:
    """The processes that capture into this folder now, the oldest first; what cannot be read is passed over."""
    path = f"{base_path}/{PROCESSES}"
    found = []
    with suppress(OSError), files.opened_folder(path) as folder:
        for name in os.listdir(folder):
            if name.endswith(".json"):
                with suppress(OSError, ValueError, TypeError):
                    data, _ = files.read(name, _MOST, folder=folder)
                    fields = json.loads(data)
                    found.append(Presence(**{key: fields[key] for key in Presence._fields if key in fields}))
    yield from sorted((one for one in found if one.is_alive), key=lambda one: (one.started, one.pid))
