"""`python -m snapagent`: the same as the `snapagent` command."""

from .cli import main

if __name__ == "__main__":
    main()
