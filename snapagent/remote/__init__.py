"""Bundles in an object store: what many pods push, and one laptop or CI job pulls. Used by the command line only."""
