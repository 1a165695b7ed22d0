"""Child processes that import the program or unpickle a bundle, so that the command itself never does."""
