"""snapagent: real calls of a running service, without changing its source, as tests.

Importing this package imports nothing but itself; each public name is loaded when it is first used.

PYTEST_DONT_REWRITE: pytest would rewrite the assertions of every package that has a plugin, and warn, as an error under
`-W error`, that this one is imported already where capture is on.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from . import capture
    from .capture.activation import install, uninstall
    from .errors import (
        AmbiguousHashError,
        BundleLoadError,
        BundleNotFoundError,
        ConfigError,
        CorruptBundleError,
        EffectNotRecorded,
        FacsimileError,
        NotAcceptedError,
        NotComparableError,
        NotReplayableError,
        OutcomeError,
        PathError,
        PlaceholderError,
        SideEffectNotFoundError,
        SideEffectNotRecorded,
        SnapagentError,
        StoreError,
        TargetNotFoundError,
        UndeclaredEffect,
        UnsupportedFormatError,
        UntrustedBundleError,
    )
    from .replay.bundle import Bundle
    from .replay.load import load_capture, load_captures

__version__ = "0.1.0"

_HOMES = {
    "install": "capture.activation",
    "uninstall": "capture.activation",
    "load_capture": "replay.load",
    "load_captures": "replay.load",
    "Bundle": "replay.bundle",
} | dict.fromkeys(
    (
        "AmbiguousHashError",
        "BundleLoadError",
        "BundleNotFoundError",
        "ConfigError",
        "CorruptBundleError",
        "EffectNotRecorded",
        "FacsimileError",
        "NotReplayableError",
        "OutcomeError",
        "PathError",
        "NotAcceptedError",
        "NotComparableError",
        "PlaceholderError",
        "SideEffectNotFoundError",
        "SideEffectNotRecorded",
        "SnapagentError",
        "StoreError",
        "TargetNotFoundError",
        "UndeclaredEffect",
        "UnsupportedFormatError",
        "UntrustedBundleError",
    ),
    "errors",
)

__all__ = [  # noqa: RUF022 - the order in which people meet them
    "capture",
    "load_capture",
    "load_captures",
    "install",
    "uninstall",
    "Bundle",
    "AmbiguousHashError",
    "BundleLoadError",
    "BundleNotFoundError",
    "ConfigError",
    "CorruptBundleError",
    "EffectNotRecorded",
    "FacsimileError",
    "NotReplayableError",
    "OutcomeError",
    "PathError",
    "NotAcceptedError",
    "NotComparableError",
    "PlaceholderError",
    "SideEffectNotFoundError",
    "SideEffectNotRecorded",
    "SnapagentError",
    "StoreError",
    "TargetNotFoundError",
    "UndeclaredEffect",
    "UnsupportedFormatError",
    "UntrustedBundleError",
]


def __getattr__(name: str) -> object:
    if name == "capture":  # a package that can be called: the decorator and the runtime half share the name
        return __import__(f"{__name__}.capture", fromlist=[name])
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    # not importlib.import_module: `importlib` brings `warnings`, which a process that only captures can do without
    value = getattr(__import__(f"{__name__}.{home}", fromlist=[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
