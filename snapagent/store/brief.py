"""What a list shows of a bundle, from the beginning of its header: the rest of a header is four times as long.

A writer puts the preview trees behind everything that is shown in one line, so parsing ends before them. Where a
header is not of that shape the whole of it is parsed, so that what is wrong with it is told in the same words.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from operator import itemgetter
from typing import NamedTuple

from ..bundle import FORMAT, MAGIC, MAX_LINE, Header

_START = b"%s%d " % (MAGIC, FORMAT)
_TREE = b',"tree":{'  # in front of it stand texts and lists alone, so no `"tree"` of theirs is followed by a brace
_FIELDS = ("target", "timestamp", "duration", "outcome", "exception", "hash", "parameters", "previews")
_values = itemgetter(*_FIELDS)
_parse = json.JSONDecoder().decode


class Brief(NamedTuple):
    """The fields of a Header that a line of a list has."""

    target: str
    timestamp: str
    duration: float
    outcome: str
    exception: str | None
    hash: str
    parameters: Sequence[tuple[str, str]]
    previews: Mapping[str, str]

    @classmethod
    def of(cls, header: Header) -> Brief:
        return cls._make(getattr(header, name) for name in _FIELDS)


def brief_from(data: bytes) -> Brief | None:
    """From the first bytes of a file; None when only the whole header can tell."""
    if not data.startswith(_START):
        return None
    start = data.find(b"\n", 0, MAX_LINE) + 1
    end = data.find(_TREE, start)
    try:
        size = int(data[len(_START) : data.index(b" ", len(_START))])
        if not start < end < start + size:
            return None
        brief = Brief._make(_values(_parse(data[start:end].decode("ascii") + "}")))
        "".join((brief.target, brief.timestamp, brief.outcome, brief.exception or "", brief.hash))  # they are texts
        "".join(brief.previews.values())
        return brief if all(len(pair) == 2 for pair in brief.parameters) else None
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
