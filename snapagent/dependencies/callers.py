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
_skipped: dict[str, dict[str, bool]] = {}  # by library, then by file: looking it up is faster than comparing prefixes


def library_of(module: str) -> str:
    """Where the files of a library are: the folder of the top-level package of a module, or its one file."""
    top = sys.modules.get(module.partition(".")[0])
    file = getattr(top, "__file__", None) or ""
    return file.rpartition("/")[0] + "/" if file and hasattr(top, "__path__") else file


def calling_codes(depth: int, stop: CodeType | None = None, library: str = "") -> tuple[CodeType, ...]:
    """The code of the frames above, the nearest first, up to the one that runs `stop`.

    `depth` frames are skipped, and those of this package. So are those of `library`, a folder or a file: the frames
    inside a library tell nothing about the program, and change with its release.
    """
    try:
        frame = _frame(depth)
    except ValueError:
        return ()
    if stop is not None and frame.f_code is stop:  # called by the target itself, as most are
        return (stop,)
    skipped = _skipped.get(library)
    if skipped is None:
        skipped = _skipped[library] = {}
    found: list[CodeType] = []
    while frame is not None and len(found) < LONGEST:
        code = frame.f_code
        name = code.co_filename
        is_skipped = skipped.get(name)
        if is_skipped is None:
            is_skipped = skipped[name] = name.startswith((*_OURS, library) if library else _OURS)
        if not is_skipped:
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
