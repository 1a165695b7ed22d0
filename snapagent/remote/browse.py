"""Looking at an object store without pulling: what a LIST says, and headers from the first bytes of objects.

Keys and headers are hints of whoever may write there. Only an object that was read whole is checked.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..bundle import MAX_LINE, Header, SigningKey, decode, decode_header, header_size
from ..core.records import Record
from ..errors import AmbiguousHashError, BundleNotFoundError, TargetNotFoundError
from ..store.layout import folder_name, parse_bundle_name
from .failures import ObjectGone
from .objects import Found
from .patience import PATIENCE, patiently
from .select import is_ahead
from .sources import Source, pages_of

FIRST_BYTES = 8192  # holds most headers
UNVERIFIED, SIGNED, UNSIGNED = "not verified", "signed", "whole, but not signed by one of your keys"
_MOST_SHOWN = 20


class RemoteFunction(Record):
    """One function as the first page of its LIST shows it; `more`: there are other pages. Times in seconds, UTC."""

    folder: str
    objects: int
    bytes: int
    kinds: tuple[str, ...]
    newest: float | None
    more: bool


class RemoteBundle(Record):
    """An object that was looked at. `checked` says how far it can be believed."""

    found: Found
    header: Header
    checked: str


def function_of(source: Source, folder: str) -> RemoteFunction:
    pages = pages_of(source, folder)
    page = next(pages, [])
    right = [found for found in page if not is_ahead(found)] or page
    return RemoteFunction(
        folder,
        len(page),
        sum(found.size for found in page),
        tuple(dict.fromkeys(found.key.kind for found in page)),
        max((found.key.when for found in right), default=None),
        any(pages),
    )


def objects_of(source: Source, name: str) -> Iterator[Found]:
    """The objects of the function that `name` means, the newest first. Raises TargetNotFoundError with near names."""
    folder = folder_of(source, name)
    for page in pages_of(source, folder):
        yield from page


def folder_of(source: Source, name: str) -> str:
    """The folder of a function named as everywhere. Raises TargetNotFoundError with the near names."""
    known = patiently(source.folders, PATIENCE)
    folder = folder_name(name)
    if folder in known:
        return folder
    from ..core.near_names import near_matches

    raise TargetNotFoundError(name, near_matches(name, known), str(source.url), len(known))


def choose(source: Source, name: str, hash_prefix: str | None) -> Found:
    """The newest object of a function, or the newest whose hash begins so, or the one of this file name.

    Raises TargetNotFoundError, BundleNotFoundError, AmbiguousHashError, as the commands on a folder do.
    """
    listed = list(objects_of(source, name))
    right = [found for found in listed if not is_ahead(found)] or listed
    if hash_prefix is None:
        if not right:
            raise BundleNotFoundError(name, "any name", ())
        return right[0]
    if parse_bundle_name(hash_prefix, "") is not None:
        fitting = [found for found in listed if found.key.name == hash_prefix]
    else:
        digits = hash_prefix.lower().rpartition(":")[2]
        fitting = [found for found in right if found.key.digits.startswith(digits[:16])]
    hashes = sorted({found.key.digits for found in fitting})
    if len(hashes) > 1:
        raise AmbiguousHashError(name, hash_prefix, hashes)
    if not fitting:
        known = list(dict.fromkeys(found.key.digits[:8] for found in listed))
        raise BundleNotFoundError(name, f"a hash that begins with {hash_prefix!r}", known[:_MOST_SHOWN])
    return fitting[0]


def newest_two(source: Source, name: str) -> tuple[Found, Found] | None:
    """The newest object and the one before it, the older first; None when there are not two."""
    right = [found for found in objects_of(source, name) if not is_ahead(found)]
    return (right[1], right[0]) if len(right) >= 2 else None


def look_at(source: Source, found: Found, keys: Sequence[SigningKey]) -> RemoteBundle:
    """The header of an object from its first bytes. Raises CorruptBundleError, BundleNotFoundError, RemoteError."""
    path = f"{source.url}/{found.key.path}"
    try:
        data = patiently(lambda: source.start(found, FIRST_BYTES), PATIENCE)
        if len(data) >= found.size:
            return _whole(found, data, path, keys)
        wanted = header_size(data[:MAX_LINE], path)
        if wanted > len(data):
            data = patiently(lambda: source.start(found, wanted), PATIENCE)
    except ObjectGone:
        raise BundleNotFoundError(found.key.folder, f"the name {found.key.name!r}", ()) from None
    return RemoteBundle(found, decode_header(data, path), UNVERIFIED)


def _whole(found: Found, data: bytes, path: str, keys: Sequence[SigningKey]) -> RemoteBundle:
    bundle = decode(data, path)
    return RemoteBundle(found, bundle.header, SIGNED if bundle.signed_by(keys) else UNSIGNED)
