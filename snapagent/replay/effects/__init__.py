"""Serves a bundle's effects: while its target is called again, its dependencies answer from the tape."""
