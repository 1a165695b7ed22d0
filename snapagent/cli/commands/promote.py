"""`snapagent promote`: chosen bundles from a staging store into the repository."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable, Sequence

import click

from ...bundle import CALL, OUTCOME, Header, Note
from ...config.environment import signing_keys
from ...config.targets import Target
from ...core.records import Record
from ...core.signature import Parameters
from ...errors import AmbiguousHashError, BundleNotFoundError, CorruptBundleError, StoreError, TargetNotFoundError
from ...sealing.seal import RawCall, SealRules, seal
from ...serializer.inert.decode import InertError
from ...store.keys import pseudonym_key
from ...store.layout import SUFFIX, BundleEntry, parse_bundle_name
from ...store.reader import FunctionFolder, StoreReader
from ...store.trust import listed_names
from ...store.writer import Store
from ..app import App, json_option, pass_app, store_options
from ..choosing import bundle, folders, is_glob, matching, name_of
from ..completing import complete_target
from ..terminal.table import Column
from ..terminal.wording import counted, local_time, parse_time, shown_path
from ..views.rows import iso_time
from .housekeeping import telling_failures


class Promoted(Record):
    """One bundle that was copied; `redacted` are the paths that today's rules hid and staging's did not."""

    target: str
    source: str
    name: str
    path: str
    redacted: tuple[str, ...] = ()


def promote(source: StoreReader, entry: BundleEntry, to: Store, rules: SealRules) -> Promoted:
    """Copy one bundle, checked and redacted again. Lists it nowhere: `list_all` does that once for all.

    Raises CorruptBundleError, UntrustedBundleError, StoreFailure; what cannot be looked through is not copied.
    """
    old, header, payload = _sealed_again(source, entry, rules)
    with to.writing(old.target) as folder:
        written, _ = to.write(folder, header, payload, entry.when, entry.token, entry.counter)
    return Promoted(old.target, entry.name, written.name, written.path, _new_redactions(old, header))


def stays(source: StoreReader, entry: BundleEntry, rules: SealRules) -> Promoted:
    """One bundle that is to be listed where it is, checked. Raises as `promote`; StoreError when it must not stay."""
    old, header, _ = _sealed_again(source, entry, rules)
    redacted = _new_redactions(old, header)
    if redacted:
        hidden = ", ".join(redacted)
        raise StoreError(f"{entry.path}: the rules of today redact {hidden}; '--to DIR' writes a copy without them")
    return Promoted(old.target, entry.name, entry.name, entry.path)


def _sealed_again(source: StoreReader, entry: BundleEntry, rules: SealRules) -> tuple[Header, Header, dict[str, bytes]]:
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


@click.command("promote")
@click.argument("wanted", nargs=-1, required=True, metavar="TARGET|HASH...", shell_complete=complete_target)
@click.option("--to", "to_path", metavar="DIR", help="The folder in the repository, as tests/captures.")
@click.option("--dry-run", is_flag=True, help="Show what would be written, and write nothing.")
@json_option
@store_options
@pass_app
def promote_command(app: App, wanted: Sequence[str], to_path: str | None, dry_run: bool, as_json: bool) -> None:
    """Copy bundles into a repository: checked, redacted again, listed.

    A TARGET (or glob) means all of its bundles, or those whose HASH follows it; a HASH alone is looked for in all
    functions. Each bundle is verified, today's redaction rules are applied to it once more, and a manifest of digests
    is written beside it, so that it loads in CI under any user. Without --to the bundles stay where they are and are
    listed there; one that today's rules would change is refused.

    \b
    Examples:
      snapagent promote shop.pricing.quote --to tests/captures
      snapagent promote shop.pricing.quote 3fa9 77c0 --to tests/captures
    """
    store = _source(app)
    chosen = _chosen(store, wanted)
    if dry_run:
        _tell(app, [Promoted(name, entry.name, entry.name, entry.path) for name, entry in chosen], None, as_json)
        return
    if to_path is None:
        _tell(app, _listed(app, store, chosen), f"listed in manifests in {shown_path(app.base_path)}", as_json)
        return
    done = f"written to {shown_path(to_path)} and listed in manifests there"
    _tell(app, _copied(app, store, chosen, to_path), done, as_json)
    if _is_ignored(os.path.abspath(os.path.expanduser(to_path))):
        app.out.note(f"git ignores {to_path}", then=f"add '!{os.path.relpath(to_path)}/' to .gitignore")


def _source(app: App) -> Store:
    """Where to choose from: choosing is how an unsigned bundle comes to be trusted, so it need only be one's own."""
    said = app.config.trust if app.config is not None else None
    return Store(app.base_path, keys=signing_keys(os.environ), trust="any" if said == "any" else "owner")


def _listed(app: App, store: Store, chosen: Sequence[tuple[str, BundleEntry]]) -> list[Promoted]:
    with telling_failures():
        promoted = [stays(store, entry, _rules(app, name, _key(store))) for name, entry in chosen]
        list_also(store, promoted)
    return promoted


def _copied(app: App, store: Store, chosen: Sequence[tuple[str, BundleEntry]], to_path: str) -> list[Promoted]:
    to = Store(os.path.abspath(os.path.expanduser(to_path)), keys=signing_keys(os.environ), trust="any")
    if os.path.realpath(to.base_path) == os.path.realpath(store.base_path):
        raise click.UsageError("--to is the folder that the bundles are in; without --to they are listed there.")
    with telling_failures():
        promoted = [promote(store, entry, to, _rules(app, name, _key(store))) for name, entry in chosen]
        list_all(to, {one.target for one in promoted})
    return promoted


def _key(store: Store) -> bytes:
    """The key of pseudonyms in the store that the bundles come from."""
    return pseudonym_key(signing_keys(os.environ), store.base_path)


def _rules(app: App, target: str, key: bytes) -> SealRules:
    from ...config.reading import DEFAULT_CONFIG

    config = app.config or DEFAULT_CONFIG
    rule = config.target_set().rule_for(Target.parse(target)) if ":" in target else None
    return SealRules.of(rule or config.defaults, key)


def _chosen(store: StoreReader, wanted: Sequence[str]) -> list[tuple[str, BundleEntry]]:
    """The bundles that the words mean, each once, in their order."""
    chosen: dict[str, tuple[str, BundleEntry]] = {}
    current: list[FunctionFolder] = []
    narrowed = True
    everything = folders(store)

    def take(folder: FunctionFolder, entries: Sequence[BundleEntry]) -> None:
        chosen.update((entry.path, (name_of(folder), entry)) for entry in entries)

    for word in wanted:
        named = _functions(store, word)
        if named:
            if not narrowed:
                for folder in current:
                    take(folder, store.entries(folder.name))
            current, narrowed = named, False
            continue
        take(*_by_hash(store, current or everything, word, everything))
        narrowed = True
    if not narrowed:
        for folder in current:
            take(folder, store.entries(folder.name))
    return list(chosen.values())


def _functions(store: StoreReader, word: str) -> list[FunctionFolder]:
    """The functions that a word names; none when it is a hash or a file name."""
    if parse_bundle_name(word.removesuffix(SUFFIX) + SUFFIX, "") is not None:
        return []
    try:
        return matching(store, [word])
    except TargetNotFoundError:
        if is_glob(word) or "." in word or ":" in word.removeprefix("h1:"):
            raise
        return []


def _by_hash(
    store: StoreReader, among: Sequence[FunctionFolder], word: str, everything: Sequence[FunctionFolder]
) -> tuple[FunctionFolder, list[BundleEntry]]:
    """The one function of `among` that has a bundle of this hash, and that bundle."""
    found: list[tuple[FunctionFolder, BundleEntry]] = []
    for folder in among:
        try:
            found.append((folder, bundle(store, folder, word)))
        except (BundleNotFoundError, TargetNotFoundError):
            continue
    if len(found) > 1:
        raise AmbiguousHashError("several functions", word, [f"{name_of(f)} {e.short_hash}" for f, e in found])
    if not found:
        known = [
            f"{name_of(folder)} {entry.short_hash}" for folder in everything for entry in store.entries(folder.name)
        ]
        raise BundleNotFoundError(name_of(among[0]) if len(among) == 1 else "any function", f"the hash {word!r}", known)
    return found[0][0], [found[0][1]]


def _tell(app: App, promoted: Sequence[Promoted], done: str | None, as_json: bool) -> None:
    """`done` says what was done with them; None: nothing yet."""
    if as_json:
        app.out.json({"dry_run": done is None, "promoted": [one.as_dict() for one in promoted]})
        return
    columns = (Column("FUNCTION", style="bold", shrinks=2), Column("TIME", spare=True), Column("HASH", style="cyan"),
               Column("REDACTED NOW", style="magenta", shrinks=1))  # fmt: skip
    app.out.table(columns, [(one.target, *_which(one), ", ".join(one.redacted) or "-") for one in promoted])
    what = done or "would be promoted"
    app.out.note(f"{counted(len(promoted), 'bundle')} {what}", then="git add, and review them" if done else None)


def _which(one: Promoted) -> tuple[str, str]:
    """Time and hash of a bundle, from its name."""
    entry = parse_bundle_name(one.name, one.path)
    return (local_time(iso_time(entry)), entry.short_hash) if entry is not None else ("-", one.name)


def _is_ignored(path: str) -> bool:
    try:
        command = ["git", "-C", os.path.dirname(path), "check-ignore", "-q", path]
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    except OSError:
        return False
