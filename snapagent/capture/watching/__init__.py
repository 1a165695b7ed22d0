"""Runs inside a program for `init --watch`: counts the calls of its own functions and samples them."""
