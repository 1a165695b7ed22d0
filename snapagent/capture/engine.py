"""What a capturing process has one of: the store, the writer, the budget; and a recorder for each target.

An engine is made when the first target module has loaded, so that a process in which none does pays for the finder
alone.
"""

from __future__ import annotations

import os
import weakref

from ..config.environment import signing_keys
from ..core.paths import parse_path
from ..sealing.seal import RawCall, SealRules, seal
from ..serializer.freezing.freeze import FreezeRules
from ..store import Store
from ..store.keys import pseudonym_key
from .host_guard import log_once
from .recording.admission import Gate, Governor
from .recording.ledger import Ledger
from .recording.recorder import Pending, Recorder, capturing, forget_other_threads
from .reporting import PAUSED, Reporter
from .writing.writer import Writer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import FunctionType

    from ..bundle import Header
    from ..config.reading import Config
    from ..config.settings import Settings
    from ..config.targets import Target

SIGNED, OWNER = "signed", "owner"


class Engine:
    """Everything that captures into one folder; `base_path` is absolute. `strict` lets our own faults out, for tests.

    Raises ConfigError when a key cannot be used.
    """

    def __init__(self, config: Config, base_path: str, *, strict: bool = False) -> None:
        self.config = config
        self.base_path = base_path
        self.governor = Governor(config.budget)
        self.unreachable: dict[str, str] = {}
        self._strict = strict
        self._recorders: dict[str, Recorder] = {}
        self._freeze_rules: dict[Settings, FreezeRules] = {}
        self._keys = signing_keys(os.environ)
        self._pseudonym_key: bytes | None = None
        store = Store(
            base_path,
            keys=self._keys,
            trust=config.trust or (SIGNED if self._keys else OWNER),
            durability=config.durability,
            max_bytes=config.max_store_bytes,
        )
        self._reporter = Reporter(self)
        self.writer = Writer(
            store,
            self._seal,
            sync=config.sync,
            spent=self.governor.spend,
            companion=self._reporter,
            own_threads=capturing,
        )
        self.submit = self.writer.submit
        _engines.add(self)

    def recorder_for(
        self, target: Target, function: FunctionType, kind: str, flavor: str, settings: Settings
    ) -> Recorder:
        """A recorder of `function`. A target that was recorded before (a reload) goes on with its counts and quota."""
        earlier = self._recorders.get(str(target))
        ledger = earlier.ledger if earlier is not None else Ledger(target)
        if earlier is not None and earlier.settings == settings:
            gate = earlier.gate
        else:
            gate = Gate(settings, ledger, self.governor)
            self.writer.watch(target, settings, ledger, gate)
            if self._reporter.paused and gate.closed is None:
                gate.close(PAUSED)
        recorder = Recorder(target, function, kind, flavor, settings, ledger, gate, self, self._strict)
        self._recorders[str(target)] = recorder
        return recorder

    def recorders(self) -> list[Recorder]:
        """One for each target that was reached in this process."""
        return list(self._recorders.values())

    def note_unreachable(self, target: Target, reason: str) -> None:
        """A function that was asked for and cannot be captured, or not wholly, and why."""
        self.unreachable[str(target)] = reason
        log_once(f"target {target}", reason, "'snapagent check' tells more")

    def freeze_rules(self, settings: Settings) -> FreezeRules:
        """What these settings say about values; one object for all targets that share them."""
        rules = self._freeze_rules.get(settings)
        if rules is None:
            exclude = tuple(parse_path(path) for path in settings.exclude)
            rules = FreezeRules(settings.max_bytes, exclude, settings.exclude_types)
            self._freeze_rules[settings] = rules
        return rules

    def first_call(self) -> None:
        """A target is called for the first time: its counts must reach the index, whether or not it is captured."""
        self.writer.wake()

    def _seal(self, call: Pending) -> tuple[Header, Mapping[str, bytes]]:
        """In the writer: from frozen bytes to what is stored."""
        if self._pseudonym_key is None:
            self._pseudonym_key = pseudonym_key(self._keys, self.base_path)
        recorder = call.recorder
        defaults = recorder.defaults()
        raw = RawCall(
            target=call.target,
            kind=recorder.kind,
            flavor=recorder.flavor,
            parameters=recorder.parameters(),
            call=call.call.data,
            outcome=call.outcome.data,
            raised=call.raised,
            started=call.started,
            duration=call.duration,
            defaults=defaults.data if defaults is not None else None,
            call_notes=call.call.notes,
            outcome_notes=call.outcome.notes,
            by_value=tuple(dict.fromkeys(call.call.by_value + call.outcome.by_value)),
            packages=call.call.packages | call.outcome.packages,
            exception=call.exception,
            ended=call.ended,
        )
        return seal(raw, SealRules.of(call.settings, self._pseudonym_key))

    def flush(self, timeout: float = 2.0) -> bool:
        """Wait until all that was captured is stored; False when that took longer than `timeout` seconds."""
        return self.writer.flush(timeout)

    def close(self) -> None:
        """Store what there is and stop."""
        _engines.discard(self)
        self.writer.close()

    def restart(self) -> None:
        """In a forked child. Only assigns."""
        self.governor.restart()
        forget_other_threads(self.recorders())


_engines: weakref.WeakSet[Engine] = weakref.WeakSet()


def _restart_all() -> None:
    for engine in list(_engines):
        engine.restart()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_restart_all)
