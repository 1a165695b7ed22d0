"""Output to a terminal, a pipe or a file: tables, folded lines, progress."""
