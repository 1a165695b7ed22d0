"""Noticing when a module that has targets is imported, and running code after its body has run."""
