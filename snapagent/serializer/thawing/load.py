"""Loads the bytes of a part as live objects, with facsimiles in place of placeholders. Loading runs stored code.

The C unpickler loads nearly all of them. When it fails, or would run hooks of a class too early, `load_slowly` loads
the part again in Python: a step that fails because of a placeholder returns a placeholder, any other failure is a
`BundleLoadError` that names the class.
"""

from __future__ import annotations

import io
import pickle

from ...bundle import OUTCOME, Note
from ...core.paths import OUTCOME_ROOTS, PathPattern, parse_path
from ...core.type_facts import is_class
from ...errors import BundleLoadError, FacsimileError
from ...placeholder import BY_VALUE, ITEM, MAKES_QUERY, NAMED, PLACEHOLDER, SINGLETON, Placeholder
from ..by_value import FORBIDDEN, load_dill
from ..rebuild import load_item, load_named, load_singleton, make_query_set
from .load_slowly import LoadFailure, identity, load_slowly, sets_fields_in_order
from .object_state import hooks_may_fail
from .renames import find_global

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any

_AGAIN = "capture the call again, or load it where its code is installed"


class Facsimiles:
    """The replacements for placeholders that a test supplies, by path; records which of them were used."""

    def __init__(self, given: Mapping[str, object]) -> None:
        self._given = [(text, parse_path(text), value) for text, value in given.items()]
        self._met: dict[str, None] = {}
        self._used: set[str] = set()

    def __call__(self, path: str, kind: str, type_name: str, reason: str, detail: str = "") -> object:
        """The value for a placeholder in the stream. The unpickler calls this in place of `restore_placeholder`."""
        return self.at(path, Placeholder(Note(path, kind, type_name, reason, detail)))

    def at(self, path: str, stored: object) -> object:
        """The value supplied for a place that holds a stored value, which a facsimile may replace; else that value."""
        self._met[path] = None
        for text, pattern, value in self._given:
            if _fits(pattern, path):
                self._used.add(text)
                return value
        return stored

    def check(self, part: str | None) -> None:
        """Raises FacsimileError for one that fits no placeholder of this part."""
        for text, pattern, _ in self._given:
            if text not in self._used and _is_for(pattern, part):
                raise FacsimileError(text, tuple(self._met))


class CodeLoader:
    """Called in place of `load_by_value`, so that globals inside the code are found as in the rest of the bundle."""

    loads_code = True

    def __init__(self, find: Callable[[str, str], Any]) -> None:
        self._find = find

    def __call__(self, data: bytes) -> Any:
        return load_dill(data, self._find)


def _fits(pattern: PathPattern, path: str) -> bool:
    if not pattern.is_concrete:
        try:
            return pattern.matches_keys(parse_path(path).tokens)
        except ValueError:
            return False
    return str(pattern) == path


def _is_for(pattern: PathPattern, part: str | None) -> bool:
    is_outcomes = pattern.tokens[0] in OUTCOME_ROOTS
    return part is None or (is_outcomes if part == OUTCOME else not is_outcomes)


def check_facsimiles(facsimiles: Mapping[str, object], placeholders: Sequence[str]) -> None:
    """Raises FacsimileError for a path that fits none of `placeholders` (the paths of a bundle's notes)."""
    for text in facsimiles:
        pattern = parse_path(text)
        if not any(_fits(pattern, path) for path in placeholders):
            raise FacsimileError(text, tuple(placeholders))


def thaw(
    data: bytes,
    *,
    facsimiles: Mapping[str, object] | None = None,
    renames: Mapping[str, str] | None = None,
    target: str = "the bundle",
    part: str | None = None,
    lost: list[Placeholder] | None = None,
) -> Any:
    """The value of one part, made anew. `renames` maps old names to new ones, modules or `module:name`.

    An object whose class has changed becomes a placeholder, which is added to `lost`; its path is not known yet.
    `part` ("call" or "outcome") says which facsimiles must fit: those for the other part are passed over.

    Raises:
        FacsimileError: a facsimile fits no placeholder.
        BundleLoadError: a class is gone, or rebuilding an object failed with an error that other code can mend.
    """
    supplied = Facsimiles(facsimiles or {})
    find = _finder(supplied, renames or {})
    try:
        value = _Thawer(io.BytesIO(data), find).load()
    except (KeyboardInterrupt, SystemExit, MemoryError):
        raise
    except BaseException as error:
        value = _thaw_slowly(data, find, target, error, [] if lost is None else lost)
    supplied.check(part)
    return value


def _finder(supplied: Facsimiles, renames: Mapping[str, str]) -> Callable[[str, str], Any]:
    def find(module: str, name: str) -> Any:
        asked = f"{module}:{name}"
        if asked == PLACEHOLDER:
            return supplied
        if asked == BY_VALUE:
            return CodeLoader(find_in_code)
        if asked == NAMED:
            return lambda name: load_named(name, find)
        if asked == ITEM:
            return lambda name, steps, text: load_item(name, steps, text, find)
        if asked == SINGLETON:
            return lambda name, cls, base, state: load_singleton(name, cls, base, state, find)
        if asked == MAKES_QUERY:
            return lambda cls, path: make_query_set(cls, path, supplied.at)
        if (module, name) in FORBIDDEN:
            raise pickle.UnpicklingError(f"{module}.{name} would open a file")
        return find_global(module, name, renames)

    def find_in_code(module: str, name: str) -> Any:
        if name == "__dict__" or module == "__builtin__" or module.startswith("dill."):
            return None  # names that are dill's own
        return find(module, name)

    return find


class _NeedsCare(Exception):
    """The stream has objects that the C unpickler would rebuild wrongly, or whose hooks it would run too early."""


class _Thawer(pickle.Unpickler):
    def __init__(self, file: io.BytesIO, find: Callable[[str, str], Any]) -> None:
        super().__init__(file)
        self._find = find

    def find_class(self, module: str, name: str) -> Any:
        found = self._find(module, name)
        if is_class(found) and (sets_fields_in_order(found) or hooks_may_fail(found)):
            raise _NeedsCare(f"objects of {module}.{name} are rebuilt one by one")
        return found

    def persistent_load(self, number: Any) -> int:
        return identity(number)


def _thaw_slowly(
    data: bytes, find: Callable[[str, str], Any], target: str, error: BaseException, lost: list[Placeholder]
) -> Any:
    try:
        return load_slowly(data, find, lost)
    except LoadFailure as failure:
        raise BundleLoadError(target, str(failure), _AGAIN) from (failure.__cause__ or error)
