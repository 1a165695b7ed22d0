"""Printing to a terminal, a pipe or a file: tables, trees, folded lines, progress."""
