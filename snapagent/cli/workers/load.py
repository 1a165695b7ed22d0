"""The child process of `show --load`: unpickles one bundle and answers with the `repr` of its values.

The request is `{"path": [...], "target": ..., "name": ..., "base_path": ...}`, the answer `{"values": {...}}` or
`{"problem": ...}`. Loading runs code of the bundle and imports the program, which the command itself never does.
"""

from __future__ import annotations

import pprint
from typing import Any

import snapagent

from .children import answer

_WIDTH = 100
_LONGEST = 100_000  # characters of one value


def _values(request: dict[str, Any]) -> dict[str, str]:
    bundle = snapagent.load_capture(request["target"], hash=request["name"], base_path=request["base_path"])
    values: dict[str, object] = dict(bundle.arguments)
    ended = bundle.result if bundle.outcome == "returned" else bundle.exception
    texts = {name: _text(value) for name, value in values.items()}
    return {**texts, "result" if bundle.outcome == "returned" else "exception": _text(ended)}


def _text(value: object) -> str:
    try:
        text = pprint.pformat(value, width=_WIDTH, sort_dicts=False)
    except Exception as error:  # from a `__repr__` of the program
        return f"<{type(value).__qualname__}: its repr raised {type(error).__name__}>"
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]} ... {len(text) - _LONGEST:,} characters more"


def _respond(request: dict[str, Any]) -> dict[str, object]:
    try:
        return {"values": _values(request)}
    except BaseException as error:  # SystemExit of the program while it is imported, for instance
        return {"problem": f"{error}" if isinstance(error, snapagent.SnapagentError) else repr(error)}


if __name__ == "__main__":
    answer(_respond)
