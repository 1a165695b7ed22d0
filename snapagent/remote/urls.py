"""URLs of object stores: `s3://bucket/prefix`, `gs://`, `az://`, `file:///folder`. Credentials never stand in one."""

from __future__ import annotations

import os
from collections.abc import Mapping
from urllib.parse import unquote, urlsplit

from ..core.records import Record
from .failures import RemoteUrlError

VARIABLE = "SNAPAGENT_REMOTE"  # the URL that push and pull use when none is given
_SCHEMES = ("s3", "gs", "az", "file")
_FORMS = "s3://BUCKET/PREFIX, gs://BUCKET/PREFIX, az://CONTAINER/PREFIX or file:///FOLDER"


class RemoteUrl(Record):
    """Where objects are. A `prefix` has no slashes around it; for `file` it is an absolute path, without a `bucket`."""

    scheme: str
    bucket: str
    prefix: str

    def __str__(self) -> str:
        if self.scheme == "file":
            return f"file://{self.prefix}"
        return f"{self.scheme}://{self.bucket}/{self.prefix}".rstrip("/")


def is_url(text: str) -> bool:
    return "://" in text


def parse_url(text: str) -> RemoteUrl:
    """Raises RemoteUrlError; its message never repeats what may be a secret."""
    try:
        parts = urlsplit(text)
        host = parts.hostname or ""
    except ValueError:
        raise RemoteUrlError("the URL cannot be read", f"wanted: {_FORMS}") from None
    if parts.scheme not in _SCHEMES:
        raise RemoteUrlError(f"a URL that begins with {parts.scheme or '?'}:// cannot be used", f"wanted: {_FORMS}")
    if "@" in parts.netloc:
        raise RemoteUrlError(
            "the URL holds credentials",
            "put them into the environment (AWS_ACCESS_KEY_ID, ...) or use an instance role",
        )
    if parts.query or parts.fragment:
        raise RemoteUrlError(
            "the URL holds a query or a fragment", f"wanted: {_FORMS}; the rest is for the environment"
        )
    if parts.scheme == "file":
        if host not in ("", "localhost") or len(parts.path) < 2:
            raise RemoteUrlError("a file URL needs an absolute path", "wanted: file:///FOLDER")
        return RemoteUrl("file", "", os.path.normpath(unquote(parts.path)))
    bucket = parts.netloc  # hostname would lower the case
    prefix = parts.path.strip("/")
    if not bucket or ":" in bucket:
        raise RemoteUrlError("the URL names no bucket", f"wanted: {_FORMS}")
    if any(step in ("", ".", "..") for step in prefix.split("/")) and prefix:
        raise RemoteUrlError(f"the prefix {prefix!r} has an empty step or dots for one", f"wanted: {_FORMS}")
    return RemoteUrl(parts.scheme, bucket, prefix)


def url_or_default(text: str | None, environ: Mapping[str, str]) -> RemoteUrl:
    """The URL given, else the one of the environment. Raises RemoteUrlError when there is neither."""
    chosen = text or environ.get(VARIABLE)
    if not chosen:
        raise RemoteUrlError("no URL is given", f"name one, or set {VARIABLE}; {_FORMS}")
    return parse_url(chosen)
