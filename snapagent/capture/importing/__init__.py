"""The import hook: notices the import of a module that has targets, and runs a callback after its code has run."""
