"""Bundles for tests of the store: real headers and real files, with parts that only say what they are."""

from __future__ import annotations

import hashlib
import itertools
import pickle
from dataclasses import dataclass, field

from snapagent.bundle import CALL, OUTCOME, Header, Part
from snapagent.config.settings import Settings
from snapagent.config.targets import Target
from snapagent.store import BundleEntry, Store
from snapagent.store.layout import new_name, parse_bundle_names

TARGET = Target("shop.pricing", "quote")
NOON = 1795348800.0  # 2026-11-22T12:00:00Z


def payload_of(value: object = None) -> dict[str, bytes]:
    return {CALL: pickle.dumps((None, (value,), {})), OUTCOME: pickle.dumps(value)}


def header_of(
    payload: dict[str, bytes],
    target: object = TARGET,
    exception: str | None = None,
    digest: str | None = None,
    compression: str = "none",
    raw: dict[str, int] | None = None,
) -> Header:
    digest = digest or "h1:" + hashlib.sha256(payload[CALL]).hexdigest()[:32]
    return Header(
        target=str(target),
        kind="function",
        flavor="plain",
        timestamp="2026-11-22T12:00:00.000000Z",
        duration=0.001,
        outcome="raised" if exception else "returned",
        exception=exception,
        hash=digest,
        call_hash=digest,
        parts=tuple(
            Part(name, "pickle", compression, len(data), (raw or {}).get(name, len(data)))
            for name, data in payload.items()
        ),
    )


def publish(
    store: Store, value: object = None, *, when: float = NOON, target: object = TARGET, **header: object
) -> BundleEntry:
    payload = payload_of(value)
    return store.publish(target, header_of(payload, target, **header), payload, when=when)  # type: ignore[arg-type]


def new_entry(folder: str, when: float, token: str, counter: int, argument_hash: str) -> BundleEntry:
    """The entry of a bundle that is written to `folder`."""
    return next(parse_bundle_names((new_name(when, token, counter, argument_hash),), folder))


def publish_many(store: Store, number: int, *, start: float = NOON, target: object = TARGET) -> list[BundleEntry]:
    return [publish(store, value, when=start + value, target=target) for value in range(number)]


def names(entries: list[BundleEntry]) -> list[str]:
    return [entry.name for entry in entries]


@dataclass
class Call:
    """A captured call as the writer takes it: what a recorder would have made."""

    target: Target = TARGET
    settings: Settings = field(default_factory=Settings)
    started: float = NOON
    value: object = None
    exception: str | None = None
    size: int = 100

    @property
    def outcome_kind(self) -> str:
        return self.exception or "returned"


_moments = itertools.count(1)


def call(value: object = None, **options: object) -> Call:
    """A call a microsecond after the one before."""
    return Call(value=value, started=NOON + next(_moments) * 1e-6, **options)  # type: ignore[arg-type]


def seal(call: Call) -> tuple[Header, dict[str, bytes]]:
    payload = payload_of(call.value)
    return header_of(payload, call.target, call.exception), payload
