"""The modules `os` and `fcntl` with the functions of the system, whatever the program does to its own.

Tests of a program replace `os.stat` or `os.listdir` and count the calls, and a simulated file system (pyfakefs) takes
the place of the modules. The writer's thread must not be counted, nor write into a simulation: so files are written
with these copies, which only this package has. See `clock` for the same of `time`.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    import fcntl
    import os
    from types import ModuleType


def _own_copy(name: str, functions: ModuleType) -> ModuleType:
    """A copy of a module with the functions of another one, in C, in place of those of the same names."""
    copy = type(sys)(f"{__name__}.{name}")
    values = vars(copy)
    values.update({**vars(sys.modules[name]), "__name__": copy.__name__})
    values.update((key, value) for key, value in vars(functions).items() if type(value) is type(len))
    return copy


if not TYPE_CHECKING:
    import fcntl as _fcntl
    import os as _os  # noqa: F401
    import posix as _posix

    fcntl = _own_copy("fcntl", _fcntl)
    os = _own_copy("os", _posix)

__all__ = ["fcntl", "os"]
