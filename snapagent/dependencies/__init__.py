"""The vocabulary of effects: which callables are dependencies, how a tape is stored, and how its calls are matched.

Both halves use this room. It imports no library that a preset records: a preset meets one only when the program has
imported it.
"""
