"""`snapagent promote`: copy chosen bundles from a store into the repository."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable, Sequence

import click

from ...bundle import CALL, EFFECTS, OUTCOME, Header, Note
from ...config.environment import signing_keys
from ...core.records import Record
from ...core.short_hashes import without_version
from ...dependencies.raw_tape import RawTape
from ...errors import AmbiguousHashError, BundleNotFoundError, CorruptBundleError, StoreError, TargetNotFoundError
from ...sealing.seal import SealRules, seal
from ...sealing.stored_call import raw_call_of
from ...serializer.inert.stand_ins import InertError
from ...store.bundle_files import check_place
from ...store.keys import pseudonym_key
from ...store.layout import SUFFIX, BundleEntry, parse_bundle_name
from ...store.reader import FunctionFolder, StoreReader
from ...store.trust import listed_names
from ...store.writer import Store
from ..app import App, json_option, pass_app, store_options
from ..choosing import bundle, folders, is_glob, matching, name_of
from ..completing import complete_target
from ..covering import LeftOut, covering
from ..terminal.table import Column
from ..terminal.wording import counted, local_time, shown_path
from ..views.rows import iso_time
from .retention import explaining_failures

_TEXTCONV = 'git config diff.snapagent.textconv "snapagent show" && echo "*.pkl diff=snapagent" >> .gitattributes'


class Promoted(Record):
    """A promoted bundle; `redacted` are the paths that today's rules redact and those at capture did not."""

    target: str
    source: str
    name: str
    path: str
    redacted: tuple[str, ...] = ()


def promote(source: StoreReader, entry: BundleEntry, to: Store, rules: SealRules) -> Promoted:
    """Verify one bundle, redact it by `rules`, and copy it. `write_manifests` must list it afterwards.

    Raises CorruptBundleError, also when it cannot be searched for secrets; UntrustedBundleError; StoreFailure.
    """
    old, header, payload = _reseal(source, entry, rules)
    bundle, data = to.prepare(header, payload, entry.when, entry.counter, entry.token)
    with to.writing(old.target) as folder:
        to.write(folder, bundle, data)
    return Promoted(old.target, entry.name, bundle.name, f"{folder.path}/{bundle.name}", _new_redactions(old, header))


def check_in_place(source: StoreReader, entry: BundleEntry, rules: SealRules) -> Promoted:
    """Verify one bundle that is to be listed in place. Raises as `promote`; StoreError if `rules` redact more of it."""
    old, header, _ = _reseal(source, entry, rules)
    redacted = _new_redactions(old, header)
    if redacted:
        hidden = ", ".join(redacted)
        raise StoreError(f"{entry.path}: today's rules redact {hidden}; '--to DIR' writes a copy without it")
    return Promoted(old.target, entry.name, entry.name, entry.path)


def _reseal(source: StoreReader, entry: BundleEntry, rules: SealRules) -> tuple[Header, Header, dict[str, bytes]]:
    """The old header of a bundle, and its header and parts by today's rules, unchanged if these redact nothing more."""
    bundle = source.read(entry)
    old = bundle.header
    check_place(entry, old)
    rules = rules.replace(compression=old.parts[0].compression)
    try:
        raw = raw_call_of(old, *(source.part(bundle, name, entry.path) for name in (CALL, OUTCOME)))
        tape = None
        if old.effects:
            tape = RawTape.of_stored(source.part(bundle, EFFECTS, entry.path), old.effects, raw.started)
        header, payload = seal(raw, rules, tape=tape)
    except (InertError, KeyError, ValueError) as error:
        raise CorruptBundleError(entry.path, f"it cannot be searched for secrets ({error})") from error
    # An unchanged payload keeps its old header: resealing would lose the previews of default values.
    return old, old if payload == dict(bundle.payload) else _with_original_facts(header, old), payload


def _new_redactions(old: Header, new: Header) -> tuple[str, ...]:
    """The paths that are redacted now and were not before."""
    known = {note.path for note in old.notes if note.kind == "redacted"}
    return tuple(note.path for note in new.notes if note.kind == "redacted" and note.path not in known)


def _with_original_facts(new: Header, old: Header) -> Header:
    """The new header with the time and the runtime of the original capture."""
    notes: dict[tuple[str, str], Note] = {(note.path, note.kind): note for note in (*old.notes, *new.notes)}
    return new.replace(
        notes=tuple(notes.values()),
        packages=old.packages,
        python=old.python,
        implementation=old.implementation,
        platform=old.platform,
        snapagent=old.snapagent,
        timestamp=old.timestamp,
        origin=old.origin,
        accepted=old.accepted,
    )


def add_to_manifests(store: Store, promoted: Iterable[Promoted]) -> None:
    """Add these bundles to the manifests of their functions."""
    names: dict[str, set[str]] = {}
    for one in promoted:
        names.setdefault(one.target, set()).add(one.name)
    for target, chosen in sorted(names.items()):
        listed = chosen | listed_names(store.folder(target))
        store.promote(target, [entry for entry in store.entries(target) if entry.name in listed])


def write_manifests(to: Store, targets: set[str]) -> None:
    """Write a manifest with all bundles of each function."""
    for target in sorted(targets):
        to.promote(target, to.entries(target))


@click.command("promote")
@click.argument("words", nargs=-1, required=True, metavar="TARGET|HASH...", shell_complete=complete_target)
@click.option("--to", "to_path", metavar="DIR", help="The folder in the repository, such as tests/captures.")
@click.option("--cover", is_flag=True, help="Only the fewest bundles with the same branch coverage of their target.")
@click.option("--dry-run", is_flag=True, help="Show what would be written, and write nothing.")
@json_option
@store_options
@pass_app
def promote_command(
    app: App, words: Sequence[str], to_path: str | None, cover: bool, dry_run: bool, as_json: bool
) -> None:
    """Copy bundles into a repository: verified, redacted, listed.

    A TARGET (or glob) selects all of its bundles, or those whose HASH follows it; a HASH alone is searched for in all
    functions. Each bundle is verified and redacted by today's rules. A manifest of digests is written beside the
    bundles, so that they load in CI under any user. Without --to, bundles are listed in place; one that today's rules
    would change is refused.

    With --cover, the bundles are replayed in a child process, and of each function only the fewest are taken that reach
    the same branches of its code (needs an extra: pip install 'snapagent[cover]').

    \b
    Examples:
      snapagent promote shop.pricing.quote --to tests/captures
      snapagent promote shop.pricing.quote 3fa9 77c0 --to tests/captures
      snapagent promote 'shop.**:*' --to tests/captures --cover
    """
    store = _source(app)
    chosen = _chosen(store, words)
    left: list[LeftOut] = []
    if cover:
        chosen, left = covering(app, store, chosen)
    if dry_run:
        _print(app, [Promoted(name, entry.name, entry.name, entry.path) for name, entry in chosen], left, None, as_json)
        return
    if to_path is None:
        _print(app, _listed(app, store, chosen), left, f"listed in manifests in {shown_path(app.base_path)}", as_json)
        return
    done = f"written to {shown_path(to_path)} and listed in manifests there"
    _print(app, _copied(app, store, chosen, to_path), left, done, as_json)
    folder = os.path.abspath(os.path.expanduser(to_path))
    if _is_ignored(folder):
        app.out.note(f"git ignores {to_path}", then=f"add '!{os.path.relpath(to_path)}/' to .gitignore")
    elif _needs_textconv(folder):
        app.out.note("to read bundles in 'git diff', run once", then=_TEXTCONV)


def _source(app: App) -> Store:
    """The store to copy from. Promotion is how unsigned bundles become trusted, so a key does not exclude them here."""
    trust = app.config.trust if app.config is not None else None
    return Store(app.base_path, keys=signing_keys(os.environ), trust="any" if trust == "any" else "owner")


def _listed(app: App, store: Store, chosen: Sequence[tuple[str, BundleEntry]]) -> list[Promoted]:
    with explaining_failures():
        promoted = [check_in_place(store, entry, _rules(app, name, _key(store))) for name, entry in chosen]
        add_to_manifests(store, promoted)
    return promoted


def _copied(app: App, store: Store, chosen: Sequence[tuple[str, BundleEntry]], to_path: str) -> list[Promoted]:
    to = Store(os.path.abspath(os.path.expanduser(to_path)), keys=signing_keys(os.environ), trust="any")
    if os.path.realpath(to.base_path) == os.path.realpath(store.base_path):
        raise click.UsageError("--to is the folder of the bundles; omit it to list them in place.")
    with explaining_failures():
        promoted = [promote(store, entry, to, _rules(app, name, _key(store))) for name, entry in chosen]
        write_manifests(to, {one.target for one in promoted})
    return promoted


def _key(store: Store) -> bytes:
    """The key of pseudonyms: the one that the source store uses."""
    return pseudonym_key(signing_keys(os.environ), store.base_path)


def _rules(app: App, target: str, key: bytes) -> SealRules:
    from ...config.reading import DEFAULT_CONFIG

    return SealRules.of((app.config or DEFAULT_CONFIG).settings_for(target), key)


def _chosen(store: StoreReader, words: Sequence[str]) -> list[tuple[str, BundleEntry]]:
    """The bundles that the arguments select, without duplicates, in their order."""
    chosen: dict[str, tuple[str, BundleEntry]] = {}
    current: list[FunctionFolder] = []
    has_hashes = True
    all_folders = folders(store)

    def choose(folder: FunctionFolder, entries: Sequence[BundleEntry]) -> None:
        chosen.update((entry.path, (name_of(folder), entry)) for entry in entries)

    for word in words:
        named = _functions(store, word)
        if named:
            if not has_hashes:
                for folder in current:
                    choose(folder, store.entries(folder.name))
            current, has_hashes = named, False
            continue
        choose(*_by_hash(store, current or all_folders, word, all_folders))
        has_hashes = True
    if not has_hashes:
        for folder in current:
            choose(folder, store.entries(folder.name))
    return list(chosen.values())


def _functions(store: StoreReader, word: str) -> list[FunctionFolder]:
    """The functions that a word names; none when it is a hash or a file name."""
    if parse_bundle_name(word.removesuffix(SUFFIX) + SUFFIX, "") is not None:
        return []
    try:
        return matching(store, [word])
    except TargetNotFoundError:
        if is_glob(word) or "." in word or ":" in without_version(word):
            raise
        return []


def _by_hash(
    store: StoreReader, among: Sequence[FunctionFolder], word: str, all_folders: Sequence[FunctionFolder]
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
            f"{name_of(folder)} {entry.short_hash}" for folder in all_folders for entry in store.entries(folder.name)
        ]
        raise BundleNotFoundError(name_of(among[0]) if len(among) == 1 else "any function", f"the hash {word!r}", known)
    return found[0][0], [found[0][1]]


def _print(app: App, promoted: Sequence[Promoted], left: Sequence[LeftOut], done: str | None, as_json: bool) -> None:
    """`done` describes the result; None for a dry run."""
    if as_json:
        left_out = [one.as_dict() for one in left]
        app.out.json({"dry_run": done is None, "promoted": [one.as_dict() for one in promoted], "left_out": left_out})
        return
    columns = (Column("FUNCTION", style="bold", shrinks=2), Column("TIME", spare=True), Column("HASH", style="cyan"),
               Column("REDACTED NOW", style="magenta", shrinks=1))  # fmt: skip
    app.out.table(columns, [(one.target, *_which(one), ", ".join(one.redacted) or "-") for one in promoted])
    if left:
        columns = (Column("LEFT OUT", style="bold", shrinks=2), Column("TIME", spare=True),
                   Column("HASH", style="cyan"), Column("REASON", style="yellow", shrinks=1))  # fmt: skip
        app.out.line("")
        app.out.table(columns, [(one.target, *_which(one), one.reason) for one in left])
    what = done or "would be promoted"
    app.out.note(f"{counted(len(promoted), 'bundle')} {what}", then="review them, then git add" if done else None)


def _which(one: Promoted | LeftOut) -> tuple[str, str]:
    """Time and hash of a bundle, from its name."""
    entry = parse_bundle_name(one.name, one.path)
    return (local_time(iso_time(entry)), entry.short_hash) if entry is not None else ("-", one.name)


def _is_ignored(path: str) -> bool:
    return _git(os.path.dirname(path), "check-ignore", "-q", path) is not None


def _needs_textconv(folder: str) -> bool:
    """Whether the folder is in a git work tree that shows bundles as binary files."""
    attribute = _git(folder, "check-attr", "diff", "--", f"{folder}/x{SUFFIX}")
    if attribute is None or not attribute.endswith(": unspecified"):
        return False
    return _git(folder, "rev-parse", "--is-inside-work-tree") == "true"


def _git(folder: str, *words: str) -> str | None:
    """What git prints; None when it fails or is not installed."""
    try:
        done = subprocess.run(["git", "-C", folder, *words], capture_output=True, text=True, check=False)
    except OSError:
        return None
    return done.stdout.strip() if done.returncode == 0 else None
