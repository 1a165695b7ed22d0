"""The JSON of a header as sealing makes it: of one header, and the template of those of a function's calls."""

from __future__ import annotations

from functools import lru_cache

from .json_text import JsonMapping, quoted, to_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..bundle import Header


def sealed_json(header: Header, tree: str) -> str:
    """What `to_text` writes for a header as sealing makes it, in a third of the time: its tree is written already.

    Raises TypeError for facts of other types.
    """
    parts = [
        f'{{{_part_json(part.name, part.serializer, part.compression)},"size":{part.size},"raw_size":{part.raw_size}}}'
        for part in header.parts
    ]
    return _joined(
        _call_texts(header),
        _rest(header),
        quoted(header.timestamp),
        duration_text(header.duration),
        quoted(header.hash),
        quoted(header.call_hash),
        ",".join(parts),
        quoted(header.shape),
        ",".join([f"{quoted(path)}:{quoted(text)}" for path, text in header.previews.items()]),
        tree,
    )


def header_template(header: Header) -> str:
    """The JSON of headers that differ from this one in what a call is alone in: for `%`, with ten texts in this order.

    They are the timestamp, the duration, the hash, which is the call hash too, each size, which is the raw size too,
    the shape as JSON, the previews inside the braces, and the tree.
    """
    parts = [f'{{{_part_json(part.name, part.serializer, part.compression)},"size":' for part in header.parts]
    return _joined(
        [_escaped(text) for text in _call_texts(header)],
        _escaped(_rest(header)),
        '"%s"',
        "%s",
        '"%s"',
        '"%s"',
        ",".join([f'{_escaped(part)}%s,"raw_size":%s}}' for part in parts]),
        "%s",
        "%s",
        "%s",
    )


def _escaped(text: str) -> str:
    return text.replace("%", "%%")


def duration_text(seconds: float) -> str:
    return repr(seconds) if type(seconds) is float and 0.0 <= seconds < 1e300 else to_text(seconds)


def _joined(
    call: Sequence[str],
    rest: str,
    timestamp: str,
    duration: str,
    hash_: str,
    call_hash: str,
    parts: str,
    shape: str,
    previews: str,
    tree: str,
) -> str:
    start, outcome, end = call
    return (
        f'{start},"timestamp":{timestamp},"duration":{duration},{outcome},"hash":{hash_},"call_hash":{call_hash},'
        f'"parts":[{parts}],{end},"shape":{shape},"previews":{{{previews}}},"tree":{tree},{rest}'
    )


def _call_texts(header: Header) -> tuple[str, str, str]:
    return _texts_of_call(
        header.target,
        header.kind,
        header.flavor,
        header.outcome,
        header.exception,
        header.ended,
        header.parameters,
    )


@lru_cache(maxsize=1024)
def _texts_of_call(
    target: str,
    kind: str,
    flavor: str,
    outcome: str,
    exception: str | None,
    ended: str,
    parameters: tuple[tuple[str, str], ...],
) -> tuple[str, str, str]:
    return (
        f'{{"target":{quoted(target)},"kind":{quoted(kind)},"flavor":{quoted(flavor)}',
        f'"outcome":{quoted(outcome)}',
        f'"exception":{"null" if exception is None else quoted(exception)},'
        f'"ended":{quoted(ended)},"parameters":{to_text(parameters)}',
    )


def _rest(header: Header) -> str:
    effects, accepted = header.effects, header.accepted
    return (
        f'"notes":{to_text([note.as_dict() for note in header.notes]) if header.notes else "[]"},'
        f'"opaque":{to_text(header.opaque) if header.opaque else "[]"},'
        f"{_interpreter_json(header.python, header.implementation, header.platform)},"
        f'"packages":{to_text(header.packages) if header.packages else "{}"},'
        f'"by_value":{to_text(header.by_value) if header.by_value else "[]"},"snapagent":{quoted(header.snapagent)},'
        f'"origin":{header.origin.text if type(header.origin) is JsonMapping else to_text(header.origin)},'
        f'"format":{header.format}'
        f'{f""","effects":{to_text(effects)}""" if effects else ""}'
        f'{f""","accepted":{to_text(accepted)}""" if accepted else ""}}}'
    )


@lru_cache(maxsize=64)
def _part_json(name: str, serializer: str, compression: str) -> str:
    return f'"name":{quoted(name)},"serializer":{quoted(serializer)},"compression":{quoted(compression)}'


@lru_cache(maxsize=8)
def _interpreter_json(python: str, implementation: str, platform: str) -> str:
    return f'"python":{quoted(python)},"implementation":{quoted(implementation)},"platform":{quoted(platform)}'
