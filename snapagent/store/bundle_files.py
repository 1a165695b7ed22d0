"""Read the file of a bundle: whole and checked, or only its header. Nothing here unpickles."""

from __future__ import annotations

import errno
import json
from collections.abc import Mapping, Sequence
from operator import itemgetter
from typing import NamedTuple

from ..bundle import FORMATS, MAGIC, MAX_LINE, BundleFile, Header, decode, decode_header, header_size
from ..core.system import os
from ..errors import CorruptBundleError
from . import files
from .layout import BundleEntry, folder_name
from .trust import Trust

_STARTS = tuple(b"%s%d " % (MAGIC, number) for number in FORMATS)
_START_SIZE = len(_STARTS[0])
# A header is cut at these. None can occur inside a text, because its quotes are escaped, nor at the start of a preview.
_PARTS, _EXCEPTION, _TREE = b',"parts":[', b',"exception":', b',"tree":{'
_FIELDS = ("target", "kind", "timestamp", "duration", "outcome", "exception", "hash", "parameters", "previews", "shape")
_values = itemgetter(*_FIELDS)
_LATER = {"shape": ""}  # fields that headers of earlier versions lack
_parse = json.JSONDecoder().raw_decode


class HeaderSummary(NamedTuple):
    """The fields of a Header that lists of bundles show."""

    target: str
    kind: str
    timestamp: str
    duration: float
    outcome: str
    exception: str | None
    hash: str
    parameters: Sequence[tuple[str, str]]
    previews: Mapping[str, str]
    shape: str = ""

    @classmethod
    def of(cls, header: Header) -> HeaderSummary:
        return cls._make(getattr(header, name) for name in _FIELDS)


def parse_summary(data: bytes) -> HeaderSummary | None:
    """The summary from the first bytes of a file, or None when the whole header is needed.

    Preview trees and parts make up most of a header, and are not parsed here.
    """
    if not data.startswith(_STARTS):
        return None
    start = data.find(b"\n", 0, MAX_LINE) + 1
    parts = data.find(_PARTS, start)
    rest = data.find(_EXCEPTION, parts)
    end = data.find(_TREE, rest)
    try:
        size = int(data[_START_SIZE : data.index(b" ", _START_SIZE)])
        if not 0 < start < parts < rest < end < start + size:
            return None
        shown = b"%s%s}" % (data[start:parts], data[rest:end])
        summary = HeaderSummary._make(_values(_LATER | _parse(shown.decode("ascii"))[0]))
        # These raise TypeError or ValueError unless the fields are texts and pairs.
        "".join((summary.target, summary.kind, summary.timestamp, summary.outcome))
        "".join((summary.exception or "", summary.hash, summary.shape))
        "".join(summary.previews.values())
        dict(summary.parameters)
        return summary
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


MAX_FILE = 2 * 1024 * 1024 * 1024  # bytes: snapagent does not write larger files
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

    Raises like `read_bundle`, except for UntrustedBundleError: a header is only text.
    """
    data, found = _read(folder, name, path, _FIRST_READ)
    size = header_size(data[:MAX_LINE], path)
    if size > len(data):
        data, found = _read(folder, name, path, size)
    return decode_header(data, path), found.st_size


def check_length(folder: int, name: str, path: str, header: Header, size: int) -> None:
    """Raises CorruptBundleError when a file of `size` bytes cannot hold all parts that its header names."""
    data, _ = _read(folder, name, path, MAX_LINE)
    expected = header_size(data[:MAX_LINE], path) + sum(part.size for part in header.parts)
    if size != expected:
        raise CorruptBundleError(path, f"it has {size} bytes in place of {expected} (torn or altered)")


def check_place(entry: BundleEntry, header: Header) -> None:
    """Raises CorruptBundleError for a bundle in the folder of another function, whoever signed it."""
    found = os.path.basename(os.path.dirname(entry.path))
    if folder_name(header.target) != found:
        reason = f"it is a bundle of {header.target}, and lies in the folder of another function; move it back"
        raise CorruptBundleError(entry.path, reason)


def header_of(entry: BundleEntry) -> Header:
    """The header of a bundle. Raises like `read_header`, and OSError when its folder cannot be opened."""
    return read_file_header(entry.path)[0]


def read_file_header(path: str) -> tuple[Header, int]:
    """The header and the size of a file, in a store or anywhere else. Raises like `header_of`."""
    with files.opened_folder(os.path.dirname(path) or ".") as folder:
        return read_header(folder, os.path.basename(path), path)


def read_summary(folder: int, name: str, path: str) -> tuple[HeaderSummary, int]:
    """The summary, and the size of the file. Raises like `read_header`."""
    data, found = _read(folder, name, path, _FIRST_READ)
    summary = parse_summary(data)
    if summary is not None:
        return summary, found.st_size
    header, size = read_header(folder, name, path)
    return HeaderSummary.of(header), size


def _read(folder: int, name: str, path: str, limit: int) -> tuple[bytes, files.Status]:
    try:
        return files.read_regular(name, limit, folder=folder)
    except FileNotFoundError:
        raise
    except OSError as error:
        reason = "it is a link" if error.errno == errno.ELOOP else f"it cannot be read ({error.strerror or error})"
        raise CorruptBundleError(path, reason) from error
