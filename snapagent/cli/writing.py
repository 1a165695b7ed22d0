"""Files that commands write for the user: new ones, which never overwrite unasked, and replaced ones, whole or not."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TextIO

import click


def refuse_existing(path: str, then: str = "--force overwrites it") -> None:
    """Raises ClickException when there is something at `path`; `then` says how to write all the same."""
    if os.path.lexists(path):
        raise click.ClickException(f"{path} already exists and was not changed; {then}")


def write_new(path: str, text: str, *, force: bool) -> None:
    """Write a file, with the folders above it. Raises ClickException when it exists, unless `force`; OSError."""
    folder = os.path.dirname(path)
    if folder:
        os.makedirs(folder, exist_ok=True)
    try:
        with open(path, "w" if force else "x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        refuse_existing(path)
        raise


@contextmanager
def replaced(path: str, mode: int = 0o666) -> Iterator[TextIO]:
    """A draft that takes the place of `path` at the end of the block. Raises OSError; then nothing was changed.

    The file has `mode` (less the umask) from its first byte, so that a key is never readable by others.
    """
    draft = f"{path}.{os.getpid()}.tmp"
    with suppress(FileNotFoundError):
        os.unlink(draft)  # left by a killed process that had the same number
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, mode)
    try:
        with open(descriptor, "w", encoding="utf-8") as file:
            yield file
        os.replace(draft, path)
    except BaseException:
        with suppress(OSError):
            os.unlink(draft)
        raise
