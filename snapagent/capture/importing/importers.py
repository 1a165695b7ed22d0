"""Which modules were importing a target's module when it was first imported: a replay may have to import them first.

Circular imports often work in one order only, that of the program.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import FrameType

_MOST_FRAMES = 1000
_IMPORT_SYSTEM = "<frozen importlib"
_IMPORT_MODULE = "importlib"

_importers: dict[str, tuple[str, ...]] = {}


def note_importers(name: str, frame: FrameType | None) -> None:
    """Remember who imports the module `name`, at its first import; `frame` is the caller's."""
    if name not in _importers:
        _importers[name] = _importing(name, frame)


def importers_of(name: str) -> tuple[str, ...]:
    """The modules whose code was running when module `name` was first imported, outermost first; `__main__` aside.

    The one that imports it from inside a function is among them.
    """
    return _importers.get(name, ())


def _importing(name: str, frame: FrameType | None) -> tuple[str, ...]:
    found: dict[str, None] = {}
    nearest = True
    for _ in range(_MOST_FRAMES):
        if frame is None:
            break
        module, code = frame.f_globals.get("__name__"), frame.f_code
        if module != _IMPORT_MODULE and not code.co_filename.startswith(_IMPORT_SYSTEM):
            if (nearest or code.co_name == "<module>") and type(module) is str:
                found[module] = None
            nearest = False
        frame = frame.f_back
    # A parent package is imported first anyway. Nothing may import the main program again: it would run.
    return tuple(reversed([one for one in found if one != "__main__" and not f"{name}.".startswith(f"{one}.")]))
