"""Where bundles are pulled from: an object store, or the folders of pods on a shared file system."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Protocol

from .keys import LAYOUT, Key
from .objects import Found, Objects, Traffic
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
