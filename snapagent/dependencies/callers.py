"""The caller's path of an effect: qualified names from the caller of the dependency up to the target.

It tells equal calls apart whose order may change. Taken as code objects, which is cheap; names are made later.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import CodeType

LONGEST = 8
_OURS = ("<snapagent importlib._bootstrap>", __file__.rpartition("/dependencies/")[0] + "/")
_FOREIGN = ("/asyncio/", "/concurrent/futures/", "/threading.py", "/contextlib.py")  # what is above them is an accident
_frame = sys._getframe


def calling_codes(depth: int, stop: CodeType | None = None) -> tuple[CodeType, ...]:
    """The code of the frames above, the nearest first, up to the one that runs `stop`.

    `depth` frames are skipped, and those of this package.
    """
    found: list[CodeType] = []
    try:
        frame = _frame(depth)
    except ValueError:
        return ()
    while frame is not None and len(found) < LONGEST:
        code = frame.f_code
        if not code.co_filename.startswith(_OURS):
            found.append(code)
            if code is stop:
                break
        frame = frame.f_back  # type: ignore[assignment]  # None at the end
    return tuple(found)


def names_of(codes: Iterable[CodeType], target: CodeType | None) -> tuple[str, ...]:
    """The names of these frames up to the one that runs `target`, or up to a frame of a task or a thread."""
    names: list[str] = []
    for code in codes:
        if code is not target and any(part in code.co_filename for part in _FOREIGN):
            if code.co_filename.endswith("/contextlib.py"):
                continue
            break
        names.append(code.co_qualname)
        if code is target:
            break
    return tuple(names)
