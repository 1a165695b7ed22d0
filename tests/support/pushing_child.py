"""One push in a process of its own, which kills itself at a point: `pushing_child.py FOLDER URL POINT NUMBER`.

POINT is `link`, `put` or `ledger`: right after the NUMBER-th of them. Anything else: it lives.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from itertools import count
from typing import Any

from fleet import KEY, QUICK

from snapagent.remote.ledger import Ledger
from snapagent.remote.objects import Objects
from snapagent.remote.push import Push, PushOptions
from snapagent.remote.spool import Spool
from snapagent.remote.urls import parse_url

POINTS: dict[str, tuple[type, str]] = {
    "link": (Spool, "accept"),
    "put": (Objects, "create"),
    "ledger": (Ledger, "add"),
}


def dying(method: Callable[..., Any], number: int) -> Callable[..., Any]:
    calls = count(1)

    def then_killed(*args: Any) -> Any:
        result = method(*args)
        if next(calls) == number:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    return then_killed


def main(folder: str, url: str, point: str = "", number: str = "0") -> None:
    if point in POINTS:
        owner, name = POINTS[point]
        setattr(owner, name, dying(getattr(owner, name), int(number)))
    with Push(folder, Objects(parse_url(url)), (KEY,), PushOptions(first_wait=QUICK)) as push:
        push.once()


if __name__ == "__main__":
    main(*sys.argv[1:])
