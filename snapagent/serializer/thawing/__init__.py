"""Bytes of a part back to live objects. Loading runs stored code."""
