"""The errors of snapagent. Each message says what was wanted, what was found and what to do.

The same facts are attributes. Every error can be pickled, because its `args` are the arguments of its constructor.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


class SnapagentError(Exception):
    """Base of every error that snapagent raises in a test process or on the command line."""


class ConfigError(SnapagentError):
    """The configuration is invalid. The message names file, line and key, and the nearest valid name."""

    def __init__(self, problem: str, file: str | None = None, line: int | None = None, key: str | None = None) -> None:
        super().__init__(problem, file, line, key)
        self.problem = problem
        self.file = file
        self.line = line
        self.key = key

    def __str__(self) -> str:
        place = ":".join(str(part) for part in (self.file, self.line) if part is not None)
        words = [f"{place}:" if place else "", f"{self.key}:" if self.key else "", self.problem]
        return " ".join(word for word in words if word)


class UnsupportedPythonError(SnapagentError):
    """Capture cannot run on this build of Python."""


class StoreError(SnapagentError):
    """The store cannot be used: it is not a folder, belongs to another user, or cannot be read."""


class PathError(SnapagentError, ValueError):
    """A path into the arguments or the outcome cannot be parsed."""

    def __init__(self, path: str, problem: str) -> None:
        super().__init__(path, problem)
        self.path = path
        self.problem = problem

    def __str__(self) -> str:
        return f"path {self.path!r}: {self.problem}"


class TargetNotFoundError(SnapagentError):
    """The store has no bundle of this function. `known` is the number of functions that have bundles."""

    def __init__(self, wanted: str, near: Sequence[str], base_path: str, known: int = 0) -> None:
        super().__init__(wanted, tuple(near), base_path, known)
        self.wanted = wanted
        self.near = tuple(near)
        self.base_path = base_path
        self.known = known

    def __str__(self) -> str:
        what = f"no bundle of {self.wanted!r} under {self.base_path!r}"
        if not self.near and not self.known:
            return f"{what}: nothing has been captured there yet; 'snapagent status' says whether capture is on"
        alike = f"none of the names there ({self.known}) is similar"
        near = f"the nearest names there are {', '.join(self.near)}" if self.near else alike
        return (
            f"{what}: {near}; 'snapagent list' shows all names, "
            f"'snapagent why {self.wanted}' says what happened to its calls"
        )


class BundleNotFoundError(SnapagentError):
    """The function has bundles, but none matches the request."""

    def __init__(self, target: str, wanted: str, known: Sequence[str]) -> None:
        super().__init__(target, wanted, tuple(known))
        self.target = target
        self.wanted = wanted
        self.known = tuple(known)

    def __str__(self) -> str:
        shown = ", ".join(self.known[:8]) + (", ..." if len(self.known) > 8 else "")
        there = "there is 1" if len(self.known) == 1 else f"there are {len(self.known)}"
        return (
            f"no bundle of {self.target!r} with {self.wanted}; {there}: {shown or 'none'}; "
            f"'snapagent list {self.target}' shows them"
        )


class AmbiguousHashError(SnapagentError):
    """Several different hashes begin with the given prefix."""

    def __init__(self, target: str, prefix: str, hashes: Sequence[str], shown: Sequence[str] = ()) -> None:
        super().__init__(target, prefix, tuple(hashes), tuple(shown))
        self.target = target
        self.prefix = prefix
        self.hashes = tuple(hashes)
        self.shown = tuple(shown) or self.hashes  # as the message writes them

    def __str__(self) -> str:
        shown = ", ".join(self.shown[:8]) + (f" and {len(self.shown) - 8} more" if len(self.shown) > 8 else "")
        return f"hash prefix {self.prefix!r} of {self.target!r} matches {shown}; give more digits"


class CorruptBundleError(SnapagentError):
    """The file is incomplete, altered or not a bundle. Nothing in it was unpickled."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(path, reason)
        self.path = path
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.path}: {self.reason}; it was not loaded; 'snapagent verify' lists all such files"


class UnsupportedFormatError(CorruptBundleError):
    """A newer snapagent wrote the bundle, or its format is no longer supported."""

    def __str__(self) -> str:
        return f"{self.path}: {self.reason}; install the snapagent that wrote it, or capture the call again"


class UntrustedBundleError(SnapagentError):
    """The trust policy does not allow this bundle to be loaded. Loading runs code."""

    def __init__(self, path: str, reason: str, remedy: str) -> None:
        super().__init__(path, reason, remedy)
        self.path = path
        self.reason = reason
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.path}: not loaded: {self.reason}; {self.remedy}"


class NotReplayableError(SnapagentError):
    """This interpreter cannot run the bundle, or the target no longer exists."""

    def __init__(self, target: str, reason: str, remedy: str) -> None:
        super().__init__(target, reason, remedy)
        self.target = target
        self.reason = reason
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.target!r} cannot be replayed: {self.reason}; {self.remedy}"


class SideEffectNotFoundError(NotReplayableError):
    """The named side effect does not exist, so it cannot be wrapped or patched."""

    def __str__(self) -> str:
        return f"there is no side effect {self.target!r}: {self.reason}; {self.remedy}"


class BundleLoadError(NotReplayableError):
    """The stored bytes are intact, but unpickling them failed. Other bundles are not affected."""


class OutcomeError(SnapagentError):
    """`.result` was read from a bundle whose call raised."""

    def __init__(self, target: str, exception: str) -> None:
        super().__init__(target, exception)
        self.target = target
        self.exception = exception

    def __str__(self) -> str:
        return f"the captured call of {self.target!r} raised {self.exception}: it has no result; see .exception"


class PlaceholderError(SnapagentError):
    """A placeholder was used as if it were the missing value."""

    def __init__(self, path: str, type_name: str, reason: str, placeholder: str | None = None) -> None:
        super().__init__(path, type_name, reason, placeholder)
        self.path = path
        self.type_name = type_name
        self.reason = reason
        self.placeholder = placeholder or path  # that of the placeholder, where `path` goes on into the missing value

    @property
    def remedy(self) -> str:
        return f"supply a facsimile: load_capture(..., facsimiles={{{self.placeholder!r}: ...}})"

    def __str__(self) -> str:
        return f"{self.path} ({self.type_name}) is not in the bundle: {self.reason}; {self.remedy}"


class ChangedClassError(PlaceholderError):
    """A value was used that could not be rebuilt, because its class has changed since the capture."""

    @property
    def remedy(self) -> str:
        return "map it under renames: in the YAML if it has moved, pass another value with using(), or capture again"

    def __str__(self) -> str:
        return f"{self.path} ({self.type_name}) is not there: {self.reason}; {self.remedy}"


class NotComparableError(SnapagentError, AssertionError):
    """The outcomes differ, and a redacted value or a placeholder among the arguments may be the cause."""

    def __init__(self, bundle: str, verdict: str, paths: Sequence[str]) -> None:
        super().__init__(bundle, verdict, tuple(paths))
        self.bundle = bundle
        self.verdict = verdict
        self.paths = tuple(paths)

    def __str__(self) -> str:
        return f"{self.bundle} {self.verdict}"


class NotAcceptedError(SnapagentError):
    """Today's outcome differs, and it cannot take the place of the stored one. The bundle is as it was."""

    def __init__(self, target: str, reason: str, remedy: str) -> None:
        super().__init__(target, reason, remedy)
        self.target = target
        self.reason = reason
        self.remedy = remedy

    def __str__(self) -> str:
        return f"today's outcome of {self.target!r} is not accepted: {self.reason}; {self.remedy}"


class FacsimileError(SnapagentError):
    """A facsimile was given for a path that has no placeholder in the bundle."""

    def __init__(self, path: str, placeholders: Sequence[str]) -> None:
        super().__init__(path, tuple(placeholders))
        self.path = path
        self.placeholders = tuple(placeholders)

    def __str__(self) -> str:
        known = ", ".join(self.placeholders) if self.placeholders else "none"
        return f"no placeholder at {self.path!r} for this facsimile; the placeholders of the bundle: {known}"


class IoRefusedError(SnapagentError):
    """A call that `snapagent replay` makes asked for a connection, a database or a change of a file.

    Raised inside the call, before anything happens. `asked` says what it asked for.
    """

    def __init__(self, asked: str) -> None:
        super().__init__(asked)
        self.asked = asked

    def __str__(self) -> str:
        return f"the replayed call asked for {self.asked}, which replay refuses; --allow-io allows it"


class SideEffectNotRecorded(SnapagentError, AssertionError):
    """A side effect was called with arguments that were never recorded, and recording is off."""

    def __init__(self, wrapper: str, wanted: str, nearest: str | None, remedy: str) -> None:
        super().__init__(wrapper, wanted, nearest, remedy)
        self.wrapper = wrapper
        self.wanted = wanted
        self.nearest = nearest
        self.remedy = remedy

    def __str__(self) -> str:
        near = f"\nnearest recording:\n{self.nearest}" if self.nearest else "\nthere are no recordings of it here"
        return f"{self.wrapper} has no recording for {self.wanted}{near}\n{self.remedy}"


class EffectNotRecorded(SideEffectNotRecorded):
    """A replayed call asked a dependency for something that the bundle's tape does not hold.

    `dependency` is its name, `wanted` the call, `reason` the kind of the miss, `details` lines about the nearest call.
    """

    def __init__(self, dependency: str, wanted: str, reason: str, details: Sequence[str] = ()) -> None:
        super().__init__(dependency, wanted, None, "\n".join(details))
        self.args = (dependency, wanted, reason, tuple(details))
        self.dependency = dependency
        self.reason = reason
        self.details = tuple(details)

    def __str__(self) -> str:
        return "\n".join((f"{self.wanted} {self.reason}", *(f"  {line}" for line in self.details)))


class UndeclaredEffect(SnapagentError, AssertionError):
    """A replayed call reached for the network or a database, and no dependency that does so is declared.

    `action` says what it did, `declare` is what to add to `dependencies:` in the YAML, or to pass in `live=[...]`.
    """

    def __init__(self, target: str, action: str, declare: str) -> None:
        super().__init__(target, action, declare)
        self.target = target
        self.action = action
        self.declare = declare

    def __str__(self) -> str:
        return (
            f"{self.target} {self.action} while its effects were served, and nothing declared does that; add to the "
            f"YAML and capture the call again:\n"
            f"    dependencies:\n"
            f"      - {self.declare}\n"
            f"or let it through: check(live=[{self.declare!r}])"
        )
