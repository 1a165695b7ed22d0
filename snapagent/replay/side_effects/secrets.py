"""Redacts secrets that one recorded call returns and the next one takes, such as the token of a log-in.

Each recording is redacted on its own. While a test records, the code under test passes the real token; when the
recordings are served, it passes the pseudonym. Every value that was redacted in one call is therefore searched for in
the calls after it: the token is not stored there either, and the argument hash is the same in both runs.
"""

from __future__ import annotations

from ...bundle import CALL, OUTCOME
from ...sealing.opened_call import OpenedCall
from ...sealing.raw_call import RawCall
from ...sealing.redaction.redact import Redaction
from ...sealing.seal import SealRules
from ...serializer.inert.decode import decode
from ...serializer.inert.encode import encode
from ...serializer.inert.walk import Roots


class Secrets:
    """The values that were redacted in the calls that one test has recorded so far."""

    def __init__(self) -> None:
        self._streams: list[bytes] = []  # pickles in which something was redacted

    def remember(self, call: RawCall, rules: SealRules) -> None:
        """Keep the values of a recorded call in which something is redacted."""
        opened = _opened(call)
        redaction = opened.redact(rules.redactor)
        if redaction is not None:
            self._streams += [
                data for name, data in ((CALL, call.call), (OUTCOME, call.outcome)) if name in redaction.changed
            ]

    def redacted(self, call: RawCall, rules: SealRules) -> RawCall:
        """The call with pseudonyms in place of values that were redacted in an earlier one."""
        if not self._streams:
            return call
        opened = _opened(call)
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


def _opened(call: RawCall) -> OpenedCall:
    return OpenedCall(call.parameters, False, call.call, call.defaults, call.outcome, call.raised)
