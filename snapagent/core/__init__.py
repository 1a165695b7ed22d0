"""Facts about Python and small tools that every room uses. Nothing here reads or writes a file."""
