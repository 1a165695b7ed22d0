"""Where bundles are pulled from: an object store, or the folders of pods on a shared file system."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Protocol

from .failures import Unavailable
from .keys import LAYOUT, Key
from .objects import Found, Objects, Traffic
from .patience import FIRST, PATIENCE, patiently
from .pods import PodFolders
from .urls import RemoteUrl


class Source(Protocol):
    """See `objects.Objects`, whose methods these are."""

    url: RemoteUrl
    traffic: Traffic

    def folders(self) -> list[str]: ...

    def pages(self, folder: str, after: Key | None = None) -> Iterator[list[Found]]: ...

    def read(self, found: Found) -> bytes: ...

    def start(self, found: Found, length: int) -> bytes: ...


def open_source(url: RemoteUrl) -> Source:
    """A folder that `push` has written to has a `v1`; others are searched for the stores of pods."""
    if url.scheme == "file" and not os.path.isdir(os.path.join(url.prefix, LAYOUT)):
        return PodFolders(url)
    return Objects(url)


def pages_of(source: Source, folder: str, seconds: float = PATIENCE, *, first: float = FIRST) -> Iterator[list[Found]]:
    """The pages of a function. After a failure the listing goes on behind the last key; see `patience.patiently`."""
    after: Key | None = None
    pages = source.pages(folder, after)

    def following() -> list[Found] | None:
        nonlocal pages
        try:
            return next(pages, None)
        except Unavailable:
            pages = source.pages(folder, after)  # a generator that has raised is at its end
            raise

    while (page := patiently(following, seconds, first=first)) is not None:
        after = page[-1].key if page else after
        yield page
