"""The runtime half: lives inside the observed program. The package itself is the decorator: `@snapagent.capture()`.

The design gives the runtime half and the public decorator one name; a package that can be called is both, without
either hiding the other (`import snapagent.capture.importing.finder` and `@snapagent.capture()` work in any order).
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeVar

    Function = TypeVar("Function", bound=Callable[..., Any])


class _CallablePackage(type(sys)):  # type: ignore[misc]  # the module type, without importing `types`
    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        from .decorator import capture

        return capture(*args, **kwargs)


sys.modules[__name__].__class__ = _CallablePackage
