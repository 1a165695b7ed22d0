"""From a staging store to a repository: chosen bundles, redacted again by today's rules, listed in a manifest."""

from __future__ import annotations

from collections.abc import Iterable

from ...bundle import CALL, OUTCOME, Header, Note
from ...config.targets import Target
from ...core.records import Record
from ...core.signature import Parameters
from ...errors import CorruptBundleError, StoreError
from ...sealing.seal import RawCall, SealRules, seal
from ...serializer.inert.decode import InertError
from ...store.layout import Entry
from ...store.reader import Library
from ...store.trust import listed_names
from ...store.writer import Store
from ..terminal.wording import parse_time


class Promoted(Record):
    """One bundle that was copied; `redacted` are the paths that today's rules hid and staging's did not."""

    target: str
    source: str
    name: str
    path: str
    redacted: tuple[str, ...] = ()


def promote(source: Library, entry: Entry, to: Store, rules: SealRules) -> Promoted:
    """Copy one bundle, checked and redacted again. Lists it nowhere: `list_all` does that once for all.

    Raises CorruptBundleError, UntrustedBundleError, StoreFailure; what cannot be looked through is not copied.
    """
    old, header, payload = _sealed_again(source, entry, rules)
    with to.writing(old.target) as folder:
        written, _ = to.write(folder, header, payload, entry.when, entry.token, entry.counter)
    return Promoted(old.target, entry.name, written.name, written.path, _new_redactions(old, header))


def stays(source: Library, entry: Entry, rules: SealRules) -> Promoted:
    """One bundle that is to be listed where it is, checked. Raises as `promote`; StoreError when it must not stay."""
    old, header, _ = _sealed_again(source, entry, rules)
    redacted = _new_redactions(old, header)
    if redacted:
        hidden = ", ".join(redacted)
        raise StoreError(f"{entry.path}: the rules of today redact {hidden}; '--to DIR' writes a copy without them")
    return Promoted(old.target, entry.name, entry.name, entry.path)


def _sealed_again(source: Library, entry: Entry, rules: SealRules) -> tuple[Header, Header, dict[str, bytes]]:
    """The header of a bundle; header and parts by today's rules, the very same when these find nothing to hide."""
    bundle = source.read(entry)
    old = bundle.header
    rules = rules.replace(compression=old.parts[0].compression)
    try:
        header, payload = seal(_raw(old, *(source.part(bundle, name, entry.path) for name in (CALL, OUTCOME))), rules)
    except (InertError, KeyError) as error:
        raise CorruptBundleError(entry.path, f"it cannot be looked through for secrets ({error})") from error
    # Without anything to hide it stays as it was, the previews of default values included.
    return old, old if payload == dict(bundle.payload) else _with_the_past(header, old), payload


def _raw(header: Header, call: bytes, outcome: bytes) -> RawCall:
    moment = parse_time(header.timestamp)
    return RawCall(
        target=Target.parse(header.target),
        kind=header.kind,
        flavor=header.flavor,
        parameters=Parameters(header.parameters),
        call=call,
        outcome=outcome,
        raised=header.outcome == "raised",
        started=moment.timestamp() if moment is not None else 0.0,
        duration=header.duration,
        by_value=header.by_value,
        exception=header.exception,
        ended=header.ended,
        serializer=header.parts[0].serializer,
    )


def _new_redactions(old: Header, new: Header) -> tuple[str, ...]:
    """Places that are redacted now and were not."""
    known = {note.path for note in old.notes if note.kind == "redacted"}
    return tuple(note.path for note in new.notes if note.kind == "redacted" and note.path not in known)


def _with_the_past(new: Header, old: Header) -> Header:
    """The header of the redacted bundle, which still says where and when the call was captured."""
    notes: dict[tuple[str, str], Note] = {(note.path, note.kind): note for note in (*old.notes, *new.notes)}
    return new.replace(
        notes=tuple(notes.values()),
        packages=old.packages,
        python=old.python,
        implementation=old.implementation,
        platform=old.platform,
        snapagent=old.snapagent,
        timestamp=old.timestamp,
    )


def list_also(store: Store, promoted: Iterable[Promoted]) -> None:
    """Add these to the manifests of their functions, which list what they listed before."""
    names: dict[str, set[str]] = {}
    for one in promoted:
        names.setdefault(one.target, set()).add(one.name)
    for target, chosen in sorted(names.items()):
        wanted = chosen | listed_names(store.folder(target))
        store.promote(target, [entry for entry in store.entries(target) if entry.name in wanted])


def list_all(to: Store, targets: set[str]) -> None:
    """Write the manifest of each function: all of its bundles that are there."""
    for target in sorted(targets):
        to.promote(target, to.entries(target))
