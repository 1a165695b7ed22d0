"""Live values as Python expressions, with the child process that writes them."""
