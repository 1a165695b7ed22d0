"""`snapagent show`: one bundle as a tree of its arguments and its outcome."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import Any

import click

from ...bundle import BY, COMPLETE, REVISION, TIME, TRACE_ID, Header, Note
from ...config.units import format_duration, format_size
from ...core.short_hashes import short_hash
from ...store.layout import SUFFIX
from ..app import App, json_option, pass_app, store_options
from ..choosing import bundle, function
from ..completing import complete_hash, complete_target
from ..group import UnknownNameError
from ..source.modules import default_search_path
from ..terminal.folding import Piece
from ..terminal.table import Column
from ..terminal.wording import ago, counted, local_time, shown_path
from ..views.effects import effect_lines, in_short, summary_of
from ..views.rows import BundleRow, bundle_row, file_row
from ..views.tree import Branch, Line, arguments, lines, note_piece, outcome, unplaced_notes, value_pieces
from ..workers.children import ask

_ALL_LEVELS = 1000  # more than a preview has


@click.command("show")
@click.argument("target", metavar="TARGET|FILE", shell_complete=complete_target)
@click.argument("hash_prefix", required=False, metavar="[HASH]", shell_complete=complete_hash)
@click.option("-d", "--depth", type=click.IntRange(min=1), default=_ALL_LEVELS, metavar="N", help="Levels of the tree.")
@click.option("--load", is_flag=True, help="Unpickle the bundle in a child process, which runs its code.")
@click.option("--effects", is_flag=True, help="List the recorded calls of dependencies.")
@json_option
@store_options
@pass_app
def show_command(
    app: App, target: str, hash_prefix: str | None, depth: int, load: bool, effects: bool, as_json: bool
) -> None:
    """Show one bundle: arguments, outcome, and omitted values.

    Shows the newest bundle, the one with this hash prefix or file name, or the bundle in a file. Reads only the preview
    in the bundle's header and runs no code, unless --load is given.

    To read bundles in `git diff`, run once: git config diff.snapagent.textconv "snapagent show", and put this line into
    .gitattributes: *.pkl diff=snapagent

    \b
    Examples:
      snapagent show shop.pricing.quote
      snapagent show shop.pricing:quote 3fa9 --json
      snapagent show tests/captures/shop.pricing.quote/20261122T093408.123456Z-a41f9c-1-3fa9c1d2.pkl
    """
    values: dict[str, str] | None = None
    is_file = hash_prefix is None and _names_a_file(target)
    if is_file:
        header, row = _read_file(target, load)
    else:
        store = app.store
        entry = bundle(store, function(store, target), hash_prefix)
        header = store.header(entry)
        row = bundle_row(store, header.target, entry)
        values = _load(store.base_path, header.target, entry.name) if load else None
    if as_json:
        app.out.json({**_as_json(header, row), **({"values": values} if values is not None else {})})
        return
    if values is not None:
        for name, text in values.items():
            first, *others = text.split("\n")
            app.out.line((name, "bold"), f" = {first}")
            for line in others:
                app.out.line(f"    {line}")
        return
    if effects:
        _print_effects(app, header)
        return
    print_header(app, header, depth, row, is_file)


def print_header(app: App, header: Header, depth: int, row: BundleRow | None = None, is_file: bool = False) -> None:
    """A bundle for people, from its header and, when it is in a folder, its row; `is_file` as in the row's line."""
    for pieces in _lines_of(header, row, depth, is_file):
        app.out.folded(*pieces, lead=_indent_below(pieces))


def _print_effects(app: App, header: Header) -> None:
    summary = summary_of(header)
    if summary is None:
        app.out.note("it has no effects: no call of a declared dependency was recorded below it")
        return
    columns = (Column("EFFECT", right=True), Column("ROLE"), Column("CALL", style="cyan", shrinks=2),
               Column("RESULT", shrinks=1))  # fmt: skip
    rows = list(effect_lines(summary))
    app.out.table(columns, rows)
    hidden = summary.count - len(rows)
    app.out.note(in_short(summary) + (f"; the header describes the first {len(rows)}" if hidden > 0 else ""))


def _names_a_file(text: str) -> bool:
    return os.sep in text or text.endswith(SUFFIX) or os.path.isfile(text)


def _read_file(path: str, load: bool) -> tuple[Header, BundleRow | None]:
    if load:
        raise click.UsageError("--load takes the function of a bundle in the captures folder, not a file.")
    try:
        return file_row(path)
    except FileNotFoundError:
        raise UnknownNameError(f"there is no file {path!r}; 'snapagent list' shows the captured functions") from None
    except OSError as error:
        raise click.ClickException(f"{path}: {error.strerror or error}") from None


def _load(base_path: str, target: str, name: str) -> dict[str, str]:
    """The values of a bundle as text, from a child process that unpickles it."""
    request = {"path": default_search_path(os.getcwd()), "target": target, "name": name, "base_path": base_path}
    answer, code = ask("load", request)
    if answer is None:
        raise click.ClickException(f"the process that loaded the bundle ended with code {code}")
    if "problem" in answer:
        raise click.ClickException(str(answer["problem"]))
    values: dict[str, str] = answer["values"]
    return values


def header_fields(header: Header) -> dict[str, Any]:
    """A header as data for JSON, as `show --json` and `export` print it."""
    fields = header.as_dict()
    fields["parts"] = [part.as_dict() for part in header.parts]
    fields["notes"] = [note.as_dict() for note in header.notes]
    fields["parameters"] = [{"name": name, "kind": kind} for name, kind in header.parameters]
    return fields


def _as_json(header: Header, row: BundleRow | None) -> dict[str, Any]:
    fields = header_fields(header)
    if row is not None:
        fields |= {"name": row.name, "path": row.path, "size": row.size, "pinned": row.pinned}
    return fields


def _lines_of(header: Header, row: BundleRow | None, depth: int, is_file: bool) -> Iterator[list[Piece]]:
    """The lines of `show`. For a file they depend on its content alone, so that git compares nothing else."""
    raised = header.outcome == "raised"
    kind = header.exception or header.outcome
    ended = "" if header.ended == COMPLETE else f" ({header.ended})"
    yield [(header.target, "bold"), ("  ", ""), (short_hash(header.hash), "cyan"), ("  ", ""),
           (kind + ended, "red" if raised else "green"), (f"  {format_duration(header.duration)}", "")]  # fmt: skip
    moment, since = local_time(header.timestamp), ago(header.timestamp)
    when = moment if is_file or moment.startswith(since) else f"{moment}, {since}"
    runtime = f"{header.implementation} {header.python}, snapagent {header.snapagent}"
    size = f", {format_size(row.size)}" if row is not None else ""
    pinned = ", pinned" if row is not None and row.pinned else ""
    yield [(f"{when}{size}{pinned}, {runtime}", "dim")]
    if header.accepted:
        moment = local_time(str(header.accepted.get(TIME, "")))
        yield [(f"outcome accepted {moment} by {header.accepted.get(BY, '')}", "dim")]
    if row is not None and not is_file:
        yield [(shown_path(row.path), "dim")]
    yield [("", "")]
    passed, returned = arguments(header), outcome(header)
    yield [("arguments", "bold"), ("" if passed else "  none", "dim")]
    yield from _tree(passed, depth)
    if header.shape:
        yield [("shape", "bold"), (f"  {header.shape}", "dim")]
    yield from _tree(returned, depth, top=True)
    summary = summary_of(header)
    if summary is not None:
        yield [("below: ", "bold"), (in_short(summary), ""), ("  (--effects lists them)", "dim")]
    yield from _origin(header)
    yield from _notes(unplaced_notes(header, (*passed, *returned)))
    if header.by_value:
        yield [("by value  ", "bold"), (", ".join(header.by_value), "")]


def _origin(header: Header) -> Iterator[list[Piece]]:
    """What leads from the call to its release and to its trace."""
    for label, name in (("revision", REVISION), ("trace", TRACE_ID)):
        if header.origin.get(name):
            yield [(label, "bold"), (f"  {header.origin[name]}", "dim")]


def _indent_below(pieces: Sequence[Piece]) -> str:
    """The prefix of continuation lines: the lines of the tree, and an indent."""
    lead = pieces[0][0] if pieces[0][1] == "dim" and pieces[0][0][:1] in "├└│ " else ""
    return lead.replace("├── ", "│   ").replace("└── ", "    ") + "    "


def _tree(branches: Sequence[Branch], depth: int, top: bool = False) -> Iterator[list[Piece]]:
    """With `top` the branches start at the margin, as the outcome does."""
    if not top:
        yield from (_line(line) for line in lines(branches, depth))
        return
    for branch in branches:
        yield _line(Line("", branch), "bold")
        yield from (_line(line) for line in lines(branch.children, depth - 1, more=branch.more))


def _line(line: Line, label_style: str = "cyan") -> list[Piece]:
    branch = line.branch
    if branch is None:
        return [(line.lead, "dim"), (f"... {counted(line.more, 'more', 'more')}", "dim")]
    pieces = [(line.lead, "dim"), (branch.label, label_style), (": " if branch.label else "", "")]
    return pieces + value_pieces(branch)


def _notes(notes: Sequence[Note]) -> Iterator[list[Piece]]:
    if notes:
        yield [("not stored as is", "bold")]
    for note in notes:
        yield [(f"    {note.path}", "cyan"), (f"  {note.type}  ", "dim"), note_piece(note)]
