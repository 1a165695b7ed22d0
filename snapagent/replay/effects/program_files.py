"""Which code is the program's own."""

from __future__ import annotations

import os
import sysconfig

_LIBRARIES = tuple({os.path.realpath(path) + os.sep for path in sysconfig.get_paths().values()})
_PACKAGE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))) + os.sep


def is_of_program(file: str) -> bool:
    """Whether a code's file is the program's own, neither a library's nor this package's."""
    if file.startswith(("<", _PACKAGE)):
        return False
    return not os.path.realpath(file).startswith(_LIBRARIES)
