"""The mode of a test run: may it record side effects, and which remedy does an error name when it may not."""

from __future__ import annotations

from ...core.records import Record

HOW_TO_RECORD = "to record it: SIDE_EFFECT_CAPTURE=True pytest (or put SIDE_EFFECT_CAPTURE=True into .env)"
NOT_IN_CI = "CI is set, and there nothing is recorded unless SIDE_EFFECT_CAPTURE=force; record it on your machine"
NOT_RENEWED_IN_CI = f"with --snapshot-update it would be recorded anew; {NOT_IN_CI}"


class Mode(Record):
    """With `record` a call without a recording is made and recorded; with `renew` every call is, and none is served.

    `remedy` is the part of the error for a call without a recording that says what to do.
    """

    record: bool = False
    renew: bool = False
    remedy: str = HOW_TO_RECORD

    @classmethod
    def of(cls, allowed: bool, forced: bool, in_ci: bool, updates: bool) -> Mode:
        """From SIDE_EFFECT_CAPTURE (true, or `force`), the presence of CI, and `--snapshot-update`."""
        if not (allowed or forced):
            return cls()
        if in_ci and not forced:
            return cls(False, updates, NOT_RENEWED_IN_CI if updates else NOT_IN_CI)
        return cls(True, updates, "")
