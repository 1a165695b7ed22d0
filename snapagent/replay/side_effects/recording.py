"""One recording: from a live call to the bytes of a file, and back to the outcome."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from typing import Any

from ...bundle import OUTCOME, Header, encode
from ...config.environment import signing_keys
from ...config.settings import Settings
from ...core.records import Record
from ...core.type_facts import type_name
from ...errors import CorruptBundleError
from ...sealing.hashing.canonical import SECOND
from ...sealing.header import timestamp
from ...sealing.raw_call import RawCall
from ...sealing.seal import SealRules, seal
from ...serializer.freezing.freeze import FreezeRules, freeze_outcome
from ...store import BundleEntry, StoreReader, files, keys
from ..live_call import LiveCall, freeze_live_call, hash_of
from ..stored import StoredCall, applicable_facsimiles
from .layout import DIGITS
from .mode import Mode
from .secrets import Secrets

MAX_BYTES = 64 * 1024 * 1024  # of one part. Large, because code under test cannot use a placeholder


class RaisedAfter:
    """Follows the recorded items of a generator that raised, and holds the exception. Pickled in recordings."""

    def __init__(self, error: Exception) -> None:
        self.error = error


class FrozenArguments(Record):
    """A call before it is made: its arguments as bytes, and the digits of their hash for the file name."""

    raw: RawCall
    digits: str
    began: float  # time.perf_counter()
    first_digits: str = ""  # of the hash that version 0.1.0 would have given, where it differs: its recordings remain


def freeze(
    call: LiveCall, ignored: tuple[str, ...], settings: Settings, rules: SealRules, secrets: Secrets
) -> FrozenArguments:
    """Freeze the arguments. Those at the paths `ignored` are neither stored nor compared."""
    settings = settings.replace(max_bytes=MAX_BYTES)
    raw = secrets.redacted(freeze_live_call(call, ignored, settings), rules)
    version, _, digits = hash_of(raw, rules).partition(":")
    first = ""
    if version == SECOND:
        as_first = secrets.redacted(freeze_live_call(call, ignored, settings, as_first=True), rules)
        first = hash_of(as_first, rules).partition(":")[2][:DIGITS]
    return FrozenArguments(raw, digits[:DIGITS], time.perf_counter(), first)


def with_outcome(
    frozen: FrozenArguments, value: object, raised: bool, flavor: str, ended: str, settings: Settings
) -> RawCall:
    """The call with its outcome; `ended` says how a generator ended."""
    rules = FreezeRules(max_bytes=MAX_BYTES, exclude=(), exclude_types=settings.exclude_types)
    outcome = freeze_outcome(value, raised, rules)
    raw = frozen.raw
    duration = time.perf_counter() - frozen.began
    return raw.replace(
        outcome=outcome.data,
        raised=raised,
        outcome_notes=outcome.notes,
        by_value=tuple(dict.fromkeys((*raw.by_value, *outcome.by_value))),
        packages=raw.packages | outcome.packages,
        exception=type_name(type(value)) if raised else None,
        flavor=flavor,
        ended=ended,
        duration=duration,
        started=time.time() - duration,
    )


def rules_for(settings: Settings, mode: Mode, base_path: str) -> SealRules:
    """How the calls of one side effect are redacted. Only recording needs the key of pseudonyms."""
    if not mode.record:
        return SealRules.of(settings, b"")
    return SealRules.of(settings, keys.pseudonym_key(signing_keys(os.environ), base_path))


def file_bytes(call: RawCall, started: float, rules: SealRules) -> bytes:
    """The file of a recording: redacted, sealed, and signed when a key is set. `started` orders the calls of a test."""
    header, payload = seal(call.replace(started=started), rules)
    return _encoded(header, payload)


def with_timestamp(library: StoreReader, path: str, started: float) -> bytes:
    """The bytes of an existing recording with another timestamp in its header."""
    file = library.read(entry_of(path))
    return _encoded(file.header.replace(timestamp=timestamp(started)), file.payload)


def _encoded(header: Header, payload: Mapping[str, bytes]) -> bytes:
    signing = signing_keys(os.environ)
    return encode(header, payload, signing[0] if signing else None)


def entry_of(path: str) -> BundleEntry:
    name = os.path.basename(path)
    return BundleEntry("", "", 0, name[:8], name, path)


def exists(path: str) -> bool:
    return os.path.lexists(path)


def find(library: StoreReader, path: str, facsimiles: Mapping[str, object]) -> StoredCall | None:
    """The recording in a file, read, checked and trusted; None when there is no such file."""
    if not exists(path):
        return None
    entry = entry_of(path)
    file = library.read(entry)
    return StoredCall(library, entry, file.header, applicable_facsimiles(file.header, facsimiles), file)


def outcome_of(stored: StoredCall) -> tuple[Any, bool]:
    """(value or exception, whether it was raised): a fresh copy."""
    return stored.load(OUTCOME), stored.header.outcome == "raised"


def write(path: str, data: bytes) -> None:
    """Publish a recording: whole or not at all. Raises OSError."""
    folder, name = os.path.split(path)
    with files.own_folder(folder, make=True) as opened:
        files.publish(opened, name, data, token=f"{os.getpid()}-")


def remove(path: str) -> None:
    """Delete a recording. Raises OSError."""
    folder, name = os.path.split(path)
    with files.own_folder(folder) as opened:
        files.remove(opened, name)


def timestamp_of(library: StoreReader, path: str) -> str:
    """The timestamp in the header of a recording; empty for a file that cannot be read."""
    try:
        return library.header(entry_of(path)).timestamp
    except CorruptBundleError:
        return ""
