"""A frozen call becomes a header and parts: redacted, hashed and previewed, without running code of the program."""
