"""Accepting a change: today's outcome and today's writes take the place of the stored ones.

The call itself stays as it was captured: the bytes of its arguments, its hash, its time and its file. What is written
is redacted and limited as at capture, and the new bundle has to be equal to one more replay before it is written.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from .. import __version__
from ..bundle import (
    ASYNC_GENERATOR,
    BY,
    CALL,
    CAPPED,
    CLOSED,
    COMPLETE,
    GENERATOR,
    SECONDS,
    TIME,
    BundleFile,
    Header,
    SigningKey,
)
from ..compare.outcomes import NOT_COMPARABLE, Outcome, Raised, Verdict
from ..compare.walking import Options
from ..config.environment import signing_keys
from ..core.paths import OUTCOME_ROOTS
from ..core.records import Record
from ..core.type_facts import type_name
from ..dependencies.raw_tape import RawTape
from ..errors import NotAcceptedError, NotComparableError
from ..sealing.portability import interpreter
from ..sealing.seal import SealRules, seal
from ..sealing.stored_call import raw_call_of, started_at
from ..serializer.freezing.freeze import FreezeRules, freeze_outcome
from ..serializer.freezing.frozen import Frozen
from ..serializer.inert.stand_ins import InertError
from ..store.failures import LOCKED, StoreFailure
from ..store.keys import key_for_one_more
from ..store.replace import encoded, replace_bundle
from .attempt import Steps, most_items
from .checking import Judged, excusing, judging
from .live_call import patterns_of, settings_for
from .stored import is_of_effect
from .surroundings import ReplayRules
from .values import StoredValues

_CAPTURE = "capture the call again"
_OWNER = "run this as the owner of that folder"
_AGAIN = "another process is changing bundles of this function; try again when it has ended"
_IGNORE = "name the paths that may differ under ignore, or make the function repeat itself"


class Change(Record):
    """What is to be stored, and the verdicts over a replay before and after that. Nothing where it was equal before."""

    before: Verdict
    now: Verdict
    file: BundleFile | None = None
    data: bytes = b""


def changing(
    values: StoredValues, fn: Callable[..., object] | None, options: Options, rules: ReplayRules, by: str
) -> Steps[Change]:
    """The steps of a replay and, where its outcome differs, of a second one that confirms it. Nothing is written.

    `by` is the command that accepts, for the header.

    Raises:
        NotComparableError, NotReplayableError: there is nothing that could be accepted.
        NotAcceptedError: today's outcome cannot be stored in this bundle.
    """
    __tracebackhide__ = True
    judged = yield from judging(values, fn, options, rules)
    if judged.verdict:
        return Change(judged.verdict, judged.verdict)
    return (yield from change_of(values, fn, options, rules, by, judged))


def change_of(
    values: StoredValues,
    fn: Callable[..., object] | None,
    options: Options,
    rules: ReplayRules,
    by: str,
    judged: Judged,
) -> Steps[Change]:
    """The same after the first replay, which differs."""
    __tracebackhide__ = True
    _refuse(values, judged)
    keys = signing_keys(os.environ)
    header, payload = _sealed(values, judged, by, keys)
    data, file = encoded(header, payload, keys[0] if keys else None, str(values.path))
    again = (yield from judging(values.holding(file), fn, excusing(file.header, options), rules)).verdict
    if not again:
        paths = ", ".join(dict.fromkeys(one.path for one in again.comparison.differences))
        reason = f"two replays differ at {paths}" if paths else f"a second replay is not equal to it: {again}"
        raise NotAcceptedError(values.target, reason, _IGNORE)
    return Change(judged.verdict, again, file, data)


def write(values: StoredValues, change: Change) -> None:
    """Put a change in place of the stored bundle, whole or not at all. Raises NotAcceptedError."""
    if change.file is None:
        return
    keys = signing_keys(os.environ)
    try:
        replace_bundle(values.stored.entry, change.data, change.file, keys[0] if keys else None)
    except StoreFailure as error:
        remedy = _AGAIN if error.reason == LOCKED else _OWNER
        raise NotAcceptedError(values.target, f"{values.path} cannot be written ({error.reason})", remedy) from error


def _refuse(values: StoredValues, judged: Judged) -> None:
    if values.given:
        names = ", ".join(values.given)
        raise NotAcceptedError(values.target, f"using() has replaced {names}", "accept the bundle as it is stored")
    if judged.miss is not None:
        raise NotAcceptedError(values.target, str(judged.miss).partition("\n")[0], _CAPTURE) from judged.miss
    if judged.verdict.kind == NOT_COMPARABLE:
        raise NotComparableError(repr(values), str(judged.verdict), judged.verdict.paths)


# -- the new bundle ------------------------------------------------------------------------------------------------


def _sealed(
    values: StoredValues, judged: Judged, by: str, keys: tuple[SigningKey, ...]
) -> tuple[Header, Mapping[str, bytes]]:
    """The header and the stored parts with today's outcome and writes."""
    old, got, target = values.header, judged.got, values.target
    settings = settings_for(target)
    rules = SealRules.of(settings, _pseudonym_key(values, keys))
    rules = rules.replace(compression=old.parts[0].compression)
    frozen = _frozen(got, settings.max_bytes, settings.exclude, settings.exclude_types)
    _check_code(old, frozen)
    raised = isinstance(got, Raised)
    tape = _tape(values, judged)
    raw = raw_call_of(old, values.stored.part(CALL), frozen.data).replace(
        raised=raised,
        exception=type_name(type(got.value)) if raised else None,
        ended=_ended(values, got),
        outcome_notes=frozen.notes,
        packages=frozen.packages,
    )
    try:
        new, payload = seal(raw, rules, tape=tape)
    except (InertError, KeyError, ValueError) as error:
        raise NotAcceptedError(target, f"its outcome cannot be searched for secrets ({error})", _CAPTURE) from error
    header = _with_call_of(
        old, new, frozen, {TIME: _now(), BY: f"{by} ({__version__})", SECONDS: round(judged.around.seconds, 6)}
    )
    stored = values.stored.read().payload
    return header, {**stored, **payload, CALL: stored[CALL]}


def _pseudonym_key(values: StoredValues, keys: tuple[SigningKey, ...]) -> bytes:
    try:
        return key_for_one_more(keys, values.stored.base_path)
    except StoreFailure as error:
        raise NotAcceptedError(values.target, f"the key of pseudonyms cannot be read ({error})", _OWNER) from error


def _frozen(got: Outcome, max_bytes: int, exclude: tuple[str, ...], types: tuple[str, ...]) -> Frozen:
    rules = FreezeRules(max_bytes=max_bytes, exclude=tuple(patterns_of(exclude)), exclude_types=types)
    return freeze_outcome(got.value, isinstance(got, Raised), rules)


def _check_code(old: Header, frozen: Frozen) -> None:
    """Code inside a bundle is of one interpreter: that of its call."""
    here = interpreter()
    if frozen.by_value and (old.implementation, old.python.split(".")[:2]) != (
        here.implementation,
        here.python.split(".")[:2],
    ):
        names = ", ".join(frozen.by_value[:3])
        reason = f"it holds the bytecode of {names}, and the bundle is of {old.implementation} {old.python}"
        raise NotAcceptedError(old.target, reason, f"accept it with that interpreter, or {_CAPTURE}")


def _tape(values: StoredValues, judged: Judged) -> RawTape | None:
    effects = judged.around.todays_effects()
    if effects is None:
        return None
    return RawTape.of_header(effects, values.header.effects, started_at(values.header))


def _ended(values: StoredValues, got: Outcome) -> str:
    """How the items of a generator ended that were listed today."""
    old = values.header
    if old.flavor not in (GENERATOR, ASYNC_GENERATOR) or not isinstance(got.value, list):
        return COMPLETE
    if len(got.value) < most_items(values):
        return COMPLETE
    return old.ended if old.ended in (CLOSED, CAPPED) else CAPPED


def _with_call_of(old: Header, new: Header, frozen: Frozen, accepted: Mapping[str, object]) -> Header:
    """The old header, with what the new one says about the outcome and, where they were sealed anew, the effects."""
    parts = {part.name: part for part in old.parts} | {part.name: part for part in new.parts if part.name != CALL}
    kept = [note for note in old.notes if not _is_of_outcome(note.path)]
    notes = [note for note in new.notes if _is_of_outcome(note.path)]
    if new.effects:
        kept = [note for note in kept if not is_of_effect(old, note.path)]
        notes += [note for note in new.notes if is_of_effect(new, note.path)]
    return old.replace(
        outcome=new.outcome,
        exception=new.exception,
        ended=new.ended,
        parts=tuple(parts.values()),
        previews=_with_outcome_of(old.previews, new.previews),
        tree=_with_outcome_of(old.tree, new.tree),
        notes=(*kept, *notes),
        packages={**new.packages, **old.packages},
        by_value=tuple(dict.fromkeys((*old.by_value, *frozen.by_value))),
        effects=new.effects or old.effects,
        accepted=accepted,
    )


def _with_outcome_of(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    return {path: value for source, wanted in ((old, False), (new, True)) for path, value in source.items()
            if (path in OUTCOME_ROOTS) is wanted}  # fmt: skip


def _is_of_outcome(path: str) -> bool:
    return re.split(r"[.\[]", path)[0] in OUTCOME_ROOTS


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
