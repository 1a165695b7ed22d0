"""Pickle streams read, edited and written as plain graphs, without running code of the program."""
