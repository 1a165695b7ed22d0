"""One recorder per target: decides which calls are captured, freezes them to bytes, and counts the outcomes."""
