"""Enumerations for the hash table, importable by name from wherever its rows run."""

from __future__ import annotations

import enum


class Colour(enum.Enum):
    RED = 1
    GREEN = "g"


class Access(enum.Flag):
    READ = 1
    WRITE = 2
