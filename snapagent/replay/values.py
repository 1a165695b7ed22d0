"""The values of a bundle, as tests read them: from its header, and from its parts, unpickled anew at every access."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Self

from ..bundle import CALL, OUTCOME, BundleFile, Header
from ..compare.outcomes import Outcome, Raised, Returned
from ..core.short_hashes import short_hash
from ..core.signature import Parameters
from ..errors import OutcomeError
from ..store import BundleEntry, StoreReader
from .call import StoredArguments, check_names, override
from .effects.effect import Effect
from .effects.served_tape import read_effects
from .missing_inputs import MissingInputs
from .stored import RAISED, StoredCall


class StoredValues:
    """One captured call without the methods that make it again; the public names are those of `Bundle`."""

    def __init__(
        self,
        library: StoreReader,
        entry: BundleEntry,
        header: Header,
        facsimiles: Mapping[str, object] | None = None,
        file: BundleFile | None = None,
    ) -> None:
        self._stored = StoredCall(library, entry, header, facsimiles or {}, file)
        self._overrides: dict[str, Any] = {}

    # -- from the header -----------------------------------------------------------------------------------------

    @property
    def header(self) -> Header:
        return self._stored.header

    @property
    def target(self) -> str:
        """`module:qualname` of the function."""
        return self.header.target

    @property
    def hash(self) -> str:
        """`h1:` or `h2:` and hexadecimal digits over all arguments by parameter name, the bound instance included."""
        return self.header.hash

    @property
    def outcome(self) -> str:
        """`returned` or `raised`."""
        return self.header.outcome

    @property
    def timestamp(self) -> datetime:
        """When the call began, UTC."""
        return datetime.fromisoformat(self.header.timestamp)

    @property
    def path(self) -> Path:
        """The file it was loaded from."""
        return Path(self._stored.entry.path)

    @property
    def name(self) -> str:
        """The file's name without suffix: `load_capture(..., hash=name)` finds it again."""
        return self.path.stem

    @property
    def metadata(self) -> dict[str, Any]:
        """The whole header as plain data: versions, previews, excluded values and the reasons."""
        fields = self.header.as_dict()
        for name in ("parts", "notes"):
            fields[name] = [item.as_dict() for item in fields[name]]
        return fields

    @property
    def redacted_arguments(self) -> tuple[str, ...]:
        """The paths of texts and bytes among the arguments that were redacted, those of `using` aside."""
        return self.missing.redacted

    def __repr__(self) -> str:
        return f"<Bundle {self.target} {short_hash(self.hash)} {self.header.outcome_kind} {self.header.timestamp}>"

    # -- stored values, each a fresh copy ------------------------------------------------------------------------

    @property
    def args(self) -> tuple[Any, ...]:
        return self.passed()[1]

    @property
    def kwargs(self) -> dict[str, Any]:
        return self.passed()[2]

    @property
    def instance(self) -> Any:
        return self.passed()[0]

    @property
    def arguments(self) -> dict[str, Any]:
        """Everything that was passed, by parameter name, `self` included."""
        instance, args, kwargs = self.passed()
        first = (instance,) if self._stored.has_instance else ()
        return self.parameters.bind((*first, *args), kwargs)

    @property
    def result(self) -> Any:
        """The returned value; for a generator the list of its items. Raises OutcomeError when it raised."""
        match self.expected:
            case Returned(value=value):
                return value
        raise OutcomeError(self.target, self.header.exception or "an exception")

    @property
    def exception(self) -> BaseException | None:
        """The exception that the call raised, None when it returned."""
        match self.expected:
            case Raised(exception=error):
                return error
        return None

    @property
    def expected(self) -> Outcome:
        """The outcome as `Returned` or `Raised`, which compare with arrays too: `assert array == bundle.expected`."""
        value = self._stored.load(OUTCOME)
        return Raised(value) if self.outcome == RAISED else Returned(value)

    @property
    def effects(self) -> list[Effect]:
        """The recorded calls of dependencies below this call, in the order in which they began."""
        return [Effect(index, self.target, stored) for index, stored in enumerate(read_effects(self._stored))]

    def using(self, /, **arguments: Any) -> Self:
        """The same call with other values for some arguments, by parameter name: `bundle.using(gateway=mock).call()`.

        The values are used as they are, not copied. Raises TypeError for a name that the target does not take.
        """
        check_names(self.parameters, arguments, self.target)
        found = copy.copy(self)
        found._overrides = {**self._overrides, **arguments}
        return found

    def read(self) -> Self:
        """Read, check and trust the file now, so that it may be pruned later. Returns the bundle itself.

        Raises:
            CorruptBundleError, UntrustedBundleError: nothing of it was unpickled.
        """
        self._stored.read()
        return self

    # -- for a replay --------------------------------------------------------------------------------------------

    @property
    def stored(self) -> StoredCall:
        """The file behind the values."""
        return self._stored

    def holding(self, file: BundleFile) -> Self:
        """The same call with another file in place of the stored one."""
        found = copy.copy(self)
        found._stored = self._stored.holding(file)
        return found

    @property
    def given(self) -> Mapping[str, Any]:
        """The arguments that `using` put in place of stored ones."""
        return self._overrides

    @property
    def parameters(self) -> Parameters:
        """The names and kinds of the target's parameters."""
        return Parameters(self.header.parameters)

    @property
    def missing(self) -> MissingInputs:
        """The arguments that the bundle does not have as they were."""
        return MissingInputs(self.header, self.parameters, self._overrides)

    def passed(self, stand_ins: Mapping[str, Any] | None = None) -> StoredArguments:
        """A fresh copy of (instance, args, kwargs); `stand_ins` are values for placeholders, by path."""
        stored = self._stored.load(CALL, stand_ins)
        if self._overrides:
            return override(stored, self.parameters, self._stored.has_instance, self._overrides)
        instance, args, kwargs = stored
        return instance, args, kwargs
