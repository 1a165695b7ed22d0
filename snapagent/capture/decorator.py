"""`@capture(...)`: names a target in the source, with the same engine as the YAML."""

from __future__ import annotations

import os

from ..config import environment

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, TypeVar

    Decorated = TypeVar("Decorated")


def capture(
    function: Any = None,
    /,
    *,
    enabled: bool | None = None,
    base_path: str | os.PathLike[str] | None = None,
    **options: Any,
) -> Any:
    """Capture the calls of the decorated function, method, class method, static method or property.

    `enabled=None` obeys the environment at the moment of decoration; where capture is off, the function itself is
    returned. `base_path` is the folder of captures, by default the one that the environment or the config names at that
    moment. `options` are the settings of a target in the YAML (`keep`, `exclude`, ...).

    Raises:
        ConfigError: an option does not exist or has an invalid value; raised with capture off, too.
        TypeError: the decorated object is a class, or not callable.
    """
    if options:
        from ..config.settings import settings_from

        settings_from(options)

    def decorate(function: Decorated) -> Decorated:
        if not (environment.is_enabled(os.environ) if enabled is None else enabled):
            return function
        wrapped: Decorated = _decorated(function, base_path, options)
        return wrapped

    return decorate if function is None else decorate(function)


def _decorated(function: Any, base_path: str | os.PathLike[str] | None, options: dict[str, Any]) -> Any:
    from ..core.functions import function_of
    from .instrument import instrument_value

    inner = function_of(function)
    if isinstance(inner, type) or not callable(inner):
        raise TypeError(f"@capture() goes on functions and methods, not on {inner!r}; of a class, decorate the methods")
    try:
        from ..config.settings import settings_from
        from .activation import current

        engine = current.engine(base_path)
        return instrument_value(function, engine.recorder_for, settings_from(options, engine.config.defaults))
    except Exception as error:
        from .activation import log_failure

        log_failure(f"{getattr(inner, '__qualname__', 'a function')} is not captured", error)
        return function
