"""Live values to bytes, in the thread of the caller."""
