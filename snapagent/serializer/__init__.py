"""Live objects to bytes and back, and streams read without running them. dill's only home.

`freezing` writes the pickle streams of a bundle in the program's process, `thawing` loads them in a test, and `inert`
reads, edits and writes them as plain graphs. The streams are pickles: code that no module can name is inside them as
dill streams (`by_value`), and a placeholder stands for each value that cannot be stored.
"""
