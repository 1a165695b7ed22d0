"""What the commands on object stores share: opening a URL, choosing functions there, and failures as exit codes."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

import click

from ..config.targets import Target, TargetPattern
from ..core.near_names import near_matches
from ..errors import ConfigError, TargetNotFoundError
from ..store.layout import folder_name
from .group import WRONG_USAGE

if TYPE_CHECKING:
    from ..remote.objects import Objects
    from ..remote.sources import Source


@contextmanager
def remote_failures() -> Iterator[None]:
    """Exit 2 for what somebody must set right first (URL, credentials, bucket), 1 for what may go better later."""
    from ..remote.failures import RemoteError

    try:
        yield
    except RemoteError as error:
        raise (_SetRightFirst if error.needs_somebody else click.ClickException)(str(error)) from error


class _SetRightFirst(click.ClickException):
    exit_code = WRONG_USAGE


def opened(url: str | None, *, make: bool = False) -> Objects:
    """The object store of a URL, or of SNAPAGENT_REMOTE. Raises RemoteError."""
    from ..remote.objects import Objects
    from ..remote.urls import url_or_default

    return Objects(url_or_default(url, os.environ), make=make)


def opened_source(url: str | None) -> Source:
    """The same for reading, where a folder of the folders of pods will do."""
    from ..remote.sources import open_source
    from ..remote.urls import url_or_default

    return open_source(url_or_default(url, os.environ))


def fitting_folders(folders: Sequence[str], glob: str | None, place: str) -> list[str]:
    """The functions that a name or a glob of targets matches. Raises TargetNotFoundError with the near names."""
    if glob is None:
        return list(folders)
    found = [folder for folder in folders if folder == folder_name(glob)]
    found = found or [folder for folder in folders if _matches(glob, folder)]
    found = found or [folder for folder in folders if fnmatchcase(folder, glob)]
    if not found:
        raise TargetNotFoundError(glob, near_matches(glob, folders), place, len(folders))
    return found


def _matches(glob: str, folder: str) -> bool:
    """A folder's name does not say where the module ends, so each place is tried."""
    try:
        pattern = TargetPattern.parse(glob)
    except ConfigError:
        return False
    steps = folder.split(".")
    for at in range(1, len(steps)):
        try:
            target = Target.parse(f"{'.'.join(steps[:at])}:{'.'.join(steps[at:])}")
        except ConfigError:
            continue
        if pattern.matches(target):
            return True
    return False
