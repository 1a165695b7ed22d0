"""The store: bundles in folders, published whole, kept by rules, read without unpickling."""

from __future__ import annotations

from .failures import StoreFailure
from .index import Counts, FunctionIndex, IndexedBundle
from .layout import BundleEntry, folder_name, segment
from .reader import FunctionFolder, StoreReader
from .verify import Problem
from .writer import Store

__all__ = [
    "BundleEntry",
    "Counts",
    "FunctionFolder",
    "FunctionIndex",
    "IndexedBundle",
    "Problem",
    "Store",
    "StoreFailure",
    "StoreReader",
    "folder_name",
    "segment",
]
