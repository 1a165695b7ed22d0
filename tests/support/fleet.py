"""A fleet: pods that capture into folders of their own, and what is pushed and pulled."""

from __future__ import annotations

import hashlib
import pickle
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from snapagent.bundle import CALL, OUTCOME, Header, Part, SigningKey
from snapagent.remote.keys import key_of
from snapagent.remote.objects import Objects
from snapagent.remote.pull import Pull, Pulled, PullOptions
from snapagent.remote.push import Push, PushOptions
from snapagent.remote.select import Wanted
from snapagent.remote.sources import open_source
from snapagent.remote.status import PushStatus
from snapagent.remote.urls import parse_url
from snapagent.sealing.header import timestamp
from snapagent.store import Store
from snapagent.store.layout import BundleEntry

KEY = SigningKey(b"key of the fleet")
TARGET = "shop.pricing:quote"
FOLDER = "shop.pricing.quote"
QUICK = 0.02  # seconds: the first wait, where a test need not wait for long


class Pod:
    """A folder of captures of its own. Times of bundles are seconds before now, the newest last."""

    def __init__(self, folder: Path, key: SigningKey | None = KEY) -> None:
        self.captures = folder
        self.store = Store(str(folder), keys=(key,) if key else ())

    def capture(
        self, value: object, ago: float = 60.0, *, target: str = TARGET, exception: str | None = None
    ) -> BundleEntry:
        """A bundle as a capturing process would have written it; equal values have equal hashes."""
        payload = {CALL: pickle.dumps((None, (value,), {})), OUTCOME: pickle.dumps(value)}
        when = time.time() - ago
        digest = "h1:" + hashlib.sha256(repr(value).encode()).hexdigest()[:32]
        header = Header(
            target=target,
            kind="function",
            flavor="plain",
            timestamp=timestamp(when),
            duration=0.001,
            outcome="raised" if exception else "returned",
            exception=exception,
            hash=digest,
            call_hash=digest,
            parts=tuple(Part(name, "pickle", "none", len(data), len(data)) for name, data in payload.items()),
            parameters=(("value", "positional_or_keyword"),),
            tree={"value": {"type": type(value).__name__, "text": repr(value), "children": [], "more": 0}},
            previews={"value": repr(value), "exception" if exception else "result": repr(value)},
        )
        return self.store.publish(target, header, payload, when=when)

    def push(
        self, url: str, *, keys: Sequence[SigningKey] = (KEY,), timeout: float = 10.0, **options: object
    ) -> PushStatus:
        """Once, with short waits."""
        given = {"first_wait": QUICK, "patience": 5.0, **options}
        objects = Objects(parse_url(url), make=True, timeout=timeout)
        with Push(str(self.captures), objects, keys, PushOptions(**given)) as push:
            return push.once()

    def names(self) -> list[str]:
        return sorted(path.name for path in self.captures.glob("*/*.pkl"))

    def ledger(self) -> str:
        """Its lines, one per bundle."""
        path = self.captures / ".push" / "ledger"
        return "".join(path.read_text().splitlines(keepends=True)[1:]) if path.exists() else ""

    def spooled(self) -> list[str]:
        return sorted(path.name for path in (self.captures / ".push" / "spool").glob("*/*.pkl"))


def listed(url: str) -> list[str]:
    """The keys of all bundles, below the prefix."""
    objects = Objects(parse_url(url))
    return [found.key.path for folder in objects.folders() for page in objects.pages(folder) for found in page]


def pull(url: str, into: Path, *, keys: Sequence[SigningKey] = (KEY,), keep: float = 2, **options: Any) -> list[Pulled]:
    chosen = {name: options.pop(name) for name in ("since", "max_pages") if name in options}
    given = {"first_wait": QUICK, "patience": 5.0, "wanted": Wanted(keep=keep, **chosen), **options}
    made = Pull(open_source(parse_url(url)), str(into), keys, PullOptions(**given))
    return list(made.run(made.folders()))


def results(pulled: Sequence[Pulled]) -> list[str]:
    return sorted(one.result for one in pulled)


def put(url: str, path: str, data: bytes) -> None:
    """As whoever may write the bucket can: any bytes under any key."""
    Objects(parse_url(url), make=True)._store(0).put(path, data)


def key_path(pod: Pod, entry: BundleEntry) -> str:
    return key_of(pod.store.header(entry), entry.name).path
