"""The store: bundles in folders, published whole, kept by rules, read without unpickling."""

from __future__ import annotations

from .failures import StoreFailure
from .index import Counts, FunctionIndex, Stored
from .layout import Entry, folder_name, segment
from .reader import FunctionFolder, Library
from .verify import Problem
from .writer import Store

__all__ = [
    "Counts",
    "Entry",
    "FunctionFolder",
    "FunctionIndex",
    "Library",
    "Problem",
    "Store",
    "StoreFailure",
    "Stored",
    "folder_name",
    "segment",
]
