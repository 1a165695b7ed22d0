"""Secrets that travel from one recorded call of a test to the next: a token that a log-in returns, used as an argument.

Each recording is redacted on its own. While a test is being recorded the code under test has the real token, later it
has the pseudonym that the recording holds; so what is redacted in one call is looked for in those that follow it, that
they are stored without it, and found again.
"""

from __future__ import annotations

from ...bundle import CALL, OUTCOME
from ...sealing.opened_call import OpenedCall
from ...sealing.redaction.redact import Redaction
from ...sealing.seal import RawCall, SealRules
from ...serializer.inert.decode import decode
from ...serializer.inert.encode import encode
from ...serializer.inert.walk import Roots


class Secrets:
    """What was redacted in the calls that one test recorded so far."""

    def __init__(self) -> None:
        self._streams: list[bytes] = []  # pickles in which something was redacted

    def learn(self, call: RawCall, rules: SealRules) -> None:
        """Remember a recorded call that has secrets in it."""
        opened = OpenedCall(call.parameters, False, call.call, call.defaults, call.outcome, call.raised)
        redaction = opened.redact(rules.redactor)
        if redaction is not None:
            self._streams += [
                data for name, data in ((CALL, call.call), (OUTCOME, call.outcome)) if name in redaction.changed
            ]

    def removed(self, call: RawCall, rules: SealRules) -> RawCall:
        """The call with pseudonyms where it holds what was redacted in an earlier one."""
        if not self._streams:
            return call
        opened = OpenedCall(call.parameters, False, call.call, call.defaults, call.outcome, call.raised)
        redaction = Redaction(
            rules.redactor, b"\n".join([call.call, call.outcome, call.defaults or b"", *self._streams])
        )
        for name, roots in (*opened.roots.items(), *self._earlier()):
            redaction.redact_part(name, roots)
        redaction.finish()
        changes: dict[str, object] = {}
        if CALL in redaction.changed:
            changes |= {"call": encode(opened.call()), "call_notes": (*call.call_notes, *redaction.notes[CALL])}
        if OUTCOME in redaction.changed:
            notes = (*call.outcome_notes, *redaction.notes[OUTCOME])
            changes |= {"outcome": encode(opened.outcome()), "outcome_notes": notes}
        return call.replace(**changes)

    def _earlier(self) -> list[tuple[str, Roots]]:
        found = []
        for number, data in enumerate(self._streams):
            roots = Roots()
            roots.add(("earlier",), None, decode(data))
            found.append((f"earlier {number}", roots))
        return found
