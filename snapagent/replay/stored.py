"""A stored call: its header, and its parts, which every access unpickles again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..bundle import BOUND_KINDS, OUTCOME, BundleFile, Header, Note
from ..core.paths import EXCEPTION, RESULT, parameter_key
from ..core.replaying import REPLAYING
from ..core.signature import Parameters
from ..errors import BundleLoadError, FacsimileError, NotReplayableError
from ..placeholder import PRESENT, Placeholder, note_of, set_path
from ..sealing.portability import refused_globals, verdict
from ..serializer.freezing.children import Locator
from ..serializer.thawing.load import check_facsimiles, thaw
from ..store import BundleEntry, StoreReader
from .application import prepare
from .captures_dir import config_in_force
from .functions import set_up_remedy

RAISED = "raised"
_NAMED = 3  # objects that an error names
_CHANGED_REMEDY = "map it under renames: in the YAML if its class or module has moved, else capture the call again"
PICKLE = "pickle"  # the serializer of all bundles so far


def placeholder_paths(header: Header) -> list[str]:
    """The paths where a bundle holds a placeholder instead of the value."""
    return [note.path for note in header.notes if note.kind not in PRESENT and not is_of_effect(header, note.path)]


def is_of_effect(header: Header, path: str) -> bool:
    """Whether a path of a note leads into an effect; a parameter may be called `effects` too."""
    return bool(header.effects) and path.startswith("effects[")


def applicable_facsimiles(header: Header, facsimiles: Mapping[str, object]) -> dict[str, object]:
    """The facsimiles that this bundle has a placeholder for."""
    return {path: value for path, value in facsimiles.items() if _fits(path, placeholder_paths(header))}


def _fits(path: str, placeholders: Sequence[str]) -> bool:
    try:
        check_facsimiles({path: None}, placeholders)
    except FacsimileError:
        return False
    return True


class StoredCall:
    """One bundle of a library. The file is read once; it is checked and trusted before any of it is unpickled."""

    def __init__(
        self,
        library: StoreReader,
        entry: BundleEntry,
        header: Header,
        facsimiles: Mapping[str, object],
        file: BundleFile | None = None,
    ) -> None:
        self.entry = entry
        self.header = header
        self._library = library
        self._facsimiles = dict(facsimiles)
        check_facsimiles(self._facsimiles, placeholder_paths(header))
        self._file = file
        self._lost: dict[str, tuple[Note, ...]] = {}  # by part: what could not be rebuilt when it was last loaded

    @property
    def has_instance(self) -> bool:
        """Whether the first argument is the bound instance or class."""
        return self.header.kind in BOUND_KINDS

    def read(self) -> BundleFile:
        """The content of the file; from now on the file may be pruned.

        Raises:
            CorruptBundleError, UntrustedBundleError: nothing of it was unpickled.
        """
        if self._file is None:
            self._file = self._library.read(self.entry)
        return self._file

    @property
    def base_path(self) -> str:
        """The folder of the library."""
        return self._library.base_path

    def holding(self, file: BundleFile) -> StoredCall:
        """The same place with another file."""
        fitting = applicable_facsimiles(file.header, self._facsimiles)
        return StoredCall(self._library, self.entry, file.header, fitting, file)

    def part(self, name: str) -> bytes:
        """The inflated bytes of a part; nothing is unpickled. Raises KeyError when there is no such part."""
        return self._library.part(self.read(), name, self.entry.path)

    @property
    def facsimiles(self) -> Mapping[str, object]:
        """Those that the test supplies, by path."""
        return self._facsimiles

    def is_supplied(self, path: str) -> bool:
        """Whether the test supplies a facsimile for the placeholder at `path`."""
        return any(_fits(given, [path]) for given in self._facsimiles)

    def load(self, part: str, stand_ins: Mapping[str, object] | None = None) -> Any:
        """A fresh copy of a part: `call` is (instance, args, kwargs), `outcome` the value or the exception.

        `stand_ins` are further values for placeholders, by path.

        Raises:
            NotReplayableError: this interpreter cannot load it, judged by the header.
            BundleLoadError: unpickling failed.
        """
        prepare(self.header)
        problem = verdict(self.header)
        if problem is not None:
            raise NotReplayableError(self.header.target, *problem)
        data = self.part(part)
        harmful = refused_globals(data)
        if harmful:
            reason = f"loading its {part} would open files ({', '.join(harmful)})"
            raise NotReplayableError(self.header.target, reason, "exclude that value and capture the call again")
        serializer = next(each.serializer for each in self.header.parts if each.name == part)
        if serializer != PICKLE:
            reason = f"its {part} was written by the serializer {serializer!r}, and only {PICKLE!r} can be read"
            raise NotReplayableError(self.header.target, reason, "use the version of snapagent that wrote it")
        supplied = {**(stand_ins or {}), **self._facsimiles}
        renames = dict(config_in_force().renames)
        lost: list[Placeholder] = []
        try:
            with REPLAYING:  # loading runs code of the program too
                value = thaw(
                    data, facsimiles=supplied, renames=renames, target=self.header.target, part=part, lost=lost
                )
        except BundleLoadError as error:
            raise BundleLoadError(error.target, error.reason, _remedy(error)) from error.__cause__
        self._note_lost(part, value, lost)
        return value

    def _note_lost(self, part: str, value: Any, lost: Sequence[Placeholder]) -> None:
        """Find the places of the objects that could not be rebuilt."""
        if lost:
            locator = Locator(self._roots(part, value))
            for placeholder in lost:
                set_path(placeholder, locator.path_of(placeholder))
        self._lost[part] = tuple(map(note_of, lost))

    def _roots(self, part: str, value: Any) -> list[tuple[tuple[object, ...], Any]]:
        if part == OUTCOME:
            return [((EXCEPTION if self.header.outcome == RAISED else RESULT,), value)]
        instance, args, kwargs = value
        positional = (instance, *args) if self.has_instance else args
        bound = Parameters(self.header.parameters).bind(positional, kwargs)
        return [((parameter_key(name),), each) for name, each in bound.items()]

    def lost(self, part: str) -> tuple[Note, ...]:
        """What could not be rebuilt when this part was last loaded, with its places."""
        return self._lost.get(part, ())

    def not_rebuilt(self, notes: Sequence[Note]) -> NotReplayableError:
        """The error that names objects which could not be rebuilt, the first few."""
        reasons = list(dict.fromkeys(f"{note.path} ({note.type}): {note.reason}" for note in notes))
        more = [f"and {len(reasons) - _NAMED} more"] if len(reasons) > _NAMED else []
        return NotReplayableError(self.header.target, "; ".join([*reasons[:_NAMED], *more]), _CHANGED_REMEDY)


def _remedy(error: BundleLoadError) -> str:
    """Advice that fits the cause. Most often the bundle is whole, and the program around it is another one."""
    cause = error.__cause__
    if isinstance(cause, ImportError | AttributeError) and "cannot be found" in error.reason:
        return "put its folder on sys.path, or name its new place under renames: in the YAML if it has moved"
    if cause is None or isinstance(cause, RecursionError):
        return error.remedy
    return set_up_remedy(cause)
