"""Secrets are found and replaced before any byte of them is written."""
