"""One recorder per target: whether a call is captured, its bytes, and the counts of what became of it."""
