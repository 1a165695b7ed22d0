"""wrapt's FunctionWrapper, without the rest of wrapt.

The class is in an extension module, which needs one small module of the package and nothing else. The package itself
imports `asyncio`, `importlib.metadata` and some 150 other modules: 40 ms of processor time in a program that does not
use them.
"""

from __future__ import annotations

import os
import sys
from importlib.machinery import PathFinder
from importlib.util import module_from_spec

from ...core.threads import idents

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_PACKAGE, _EXTENSION, _EXCEPTIONS = "wrapt", "wrapt._wrappers", "wrapt.exceptions"


def function_wrapper() -> Any:
    """The class that `import wrapt` gives, now or later."""
    found = _alone() if _can_load_alone() else None
    if found is None:
        from wrapt import FunctionWrapper as found
    return found


def _can_load_alone() -> bool:
    """Whether wrapt would be loaded for this class alone, and no other thread can see the package that is not whole."""
    is_pure = os.environ.get("WRAPT_DISABLE_EXTENSIONS")
    return _PACKAGE not in sys.modules and not is_pure and len(idents() or ()) == 1


def _alone() -> Any:
    """The class in the extension module; None where that cannot be loaded alone.

    The extension stays in `sys.modules`, where the package finds it if the program imports wrapt later. The other two
    must not stay: the package has its modules as attributes only if it loads them.
    """
    spec = PathFinder.find_spec(_PACKAGE)
    if spec is None:
        return None
    sys.modules[_PACKAGE] = module_from_spec(spec)  # its code is not run
    try:
        return __import__(_EXTENSION, fromlist=[_EXTENSION]).FunctionWrapper
    except ImportError:
        return None
    finally:
        del sys.modules[_PACKAGE]
        sys.modules.pop(_EXCEPTIONS, None)
