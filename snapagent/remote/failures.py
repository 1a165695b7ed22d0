"""What can go wrong between here and an object store. No message holds a credential, a signature or a query string."""

from __future__ import annotations

from ..errors import SnapagentError


class RemoteError(SnapagentError):
    """The object store cannot be used. `cause` is the same text for the same cause, so that it is said once."""

    needs_somebody = False  # whether waiting cannot help: credentials, a bucket or a clock must be set right first

    def __init__(self, cause: str, remedy: str = "") -> None:
        super().__init__(cause, remedy)
        self.cause = cause
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.cause}; {self.remedy}" if self.remedy else self.cause


class RemoteUrlError(RemoteError):
    """The URL cannot be meant, or what it needs is not installed."""

    needs_somebody = True


class Refused(RemoteError):
    """The object store does not accept these credentials, or not for this."""

    needs_somebody = True


class NoBucket(RemoteError):
    """There is no such bucket, container or folder."""

    needs_somebody = True


class Unavailable(RemoteError):
    """Try again later; nothing is known about what was stored. `slow_down`: it asked for fewer requests."""

    slow_down = False


class Overloaded(Unavailable):
    """503 or 429."""

    slow_down = True


class ObjectGone(Exception):
    """The object is not there (any more)."""
