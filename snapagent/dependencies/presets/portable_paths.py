"""Paths of files that are the same on another machine: those below the working folder are stored relative to it."""

from __future__ import annotations

import os


def portable(path: str) -> str:
    """The path as it is matched. A program that finds its files beside its modules names an absolute path."""
    if not os.path.isabs(path):
        return path
    try:
        folder = os.getcwd()
    except OSError:  # it has been removed
        return path
    inside = folder if folder.endswith(os.sep) else folder + os.sep
    return path[len(inside) :] if path.startswith(inside) else path
