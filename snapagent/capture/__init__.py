"""The runtime half, which runs inside the captured program. The package itself is the decorator `@snapagent.capture()`.

The runtime half and the public decorator have the same name. A callable package is both, so that neither hides the
other: `import snapagent.capture.importing` and `@snapagent.capture()` work in any order.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class _CallablePackage(type(sys)):  # type: ignore[misc]  # the module type, without importing `types`
    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        from .decorator import capture

        return capture(*args, **kwargs)


sys.modules[__name__].__class__ = _CallablePackage
