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
# Where a header is cut: none of these can stand inside a text, whose quotes are escaped, nor begin a preview.
_PARTS, _EXCEPTION, _TREE = b',"parts":[', b',"exception":', b',"tree":{'
_FIELDS = ("target", "timestamp", "duration", "outcome", "exception", "hash", "parameters", "previews")
_values = itemgetter(*_FIELDS)
_parse = json.JSONDecoder().raw_decode


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
    parts = data.find(_PARTS, start)
    rest = data.find(_EXCEPTION, parts)
    end = data.find(_TREE, rest)
    try:
        size = int(data[len(_START) : data.index(b" ", len(_START))])
        if not 0 < start < parts < rest < end < start + size:
            return None
        shown = b"%s%s}" % (data[start:parts], data[rest:end])
        brief = Brief._make(_values(_parse(shown.decode("ascii"))[0]))
        "".join((brief.target, brief.timestamp, brief.outcome, brief.exception or "", brief.hash))  # they are texts
        "".join(brief.previews.values())
        dict(brief.parameters)  # they are pairs
        return brief
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
