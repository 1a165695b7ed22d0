"""Reading bundles: whole and checked, or the header alone. Nothing here unpickles."""

from __future__ import annotations

import errno
import json
from collections.abc import Mapping, Sequence
from operator import itemgetter
from typing import NamedTuple

from ..bundle import FORMAT, MAGIC, MAX_LINE, BundleFile, Header, decode, decode_header, header_size
from ..errors import CorruptBundleError
from . import files
from .trust import Trust

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


MAX_FILE = 2 * 1024 * 1024 * 1024  # bytes: larger files are no bundles of ours
_FIRST_READ = 8192  # bytes: holds most headers


def read_bundle(folder: int, name: str, path: str, trust: Trust) -> BundleFile:
    """The bundle `name` of an opened folder, checked by digest and by `trust`.

    Raises CorruptBundleError, UnsupportedFormatError, UntrustedBundleError; FileNotFoundError when it is gone.
    """
    data, found = _read(folder, name, path, MAX_FILE)
    if len(data) != found.st_size:
        raise CorruptBundleError(path, f"it is torn, or larger than {MAX_FILE} bytes")
    bundle = decode(data, path)
    trust.check(bundle, path, found, folder)
    return bundle


def read_header(folder: int, name: str, path: str) -> tuple[Header, int]:
    """The header and the size of the file, from its first bytes; the digest is not checked.

    Raises like `read_bundle`, but for UntrustedBundleError: a header is only text.
    """
    data, found = _read(folder, name, path, _FIRST_READ)
    wanted = header_size(data[:MAX_LINE], path)
    if wanted > len(data):
        data, found = _read(folder, name, path, wanted)
    return decode_header(data, path), found.st_size


def read_brief(folder: int, name: str, path: str) -> tuple[Brief, int]:
    """What a list shows, and the size of the file. Raises like `read_header`."""
    data, found = _read(folder, name, path, _FIRST_READ)
    brief = brief_from(data)
    if brief is not None:
        return brief, found.st_size
    header, size = read_header(folder, name, path)
    return Brief.of(header), size


def _read(folder: int, name: str, path: str, limit: int) -> tuple[bytes, files.Status]:
    try:
        return files.read(name, limit, folder=folder)
    except FileNotFoundError:
        raise
    except OSError as error:
        reason = "it is a link" if error.errno == errno.ELOOP else f"it cannot be read ({error.strerror or error})"
        raise CorruptBundleError(path, reason) from error
