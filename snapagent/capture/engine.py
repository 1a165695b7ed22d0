"""Holds what a capturing process has one of per folder: the store, the writer, the budget, and a recorder per target.

An engine is made when the first target module has been loaded. A process that loads none pays for the finder alone.
"""

from __future__ import annotations

import weakref
from functools import partial

from ..config.environment import signing_keys, trust_policy
from ..core.paths import parse_path
from ..core.replaying import REPLAYING
from ..core.system import os
from ..serializer.freezing.freeze import FreezeRules
from ..serializer.freezing.pickler import SLOWEST
from ..serializer.freezing.time_limit import SECONDS
from ..store import Store
from .host_guard import log_unreachable
from .recording.admission import Gate
from .recording.budget import Governor
from .recording.lazy_recorder import PLAIN, LazyRecorder
from .recording.ledger import Ledger
from .recording.pending import Pending
from .recording.recorder import Recorder, capturing, forget_other_threads
from .reporting import PAUSED, Reporter
from .writing.seal_call import CallSealer
from .writing.writer import Writer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import FunctionType
    from typing import Any

    from ..config.reading import Config
    from ..config.settings import Settings
    from ..config.targets import Target
    from .effects.dependencies import Dependencies


REPLAYED = "replayed"  # the reason of calls that a replay in this process makes


class Engine:
    """Everything that captures into one folder; `base_path` is absolute. `strict` raises internal errors, for tests.

    Raises ConfigError when a key cannot be used.
    """

    def __init__(
        self, config: Config, base_path: str, *, strict: bool = False, dependencies: Dependencies | None = None
    ) -> None:
        self.config = config
        self._dependencies = dependencies
        self.base_path = base_path
        self.governor = Governor(config.budget)
        self.unreachable: dict[str, str] = {}
        self._strict = strict
        self.wrapped: set[str] = set()  # targets that were reached in this process
        self._recorders: dict[str, Recorder] = {}  # of those that were called, or were not left to their first call
        self._freeze_rules: dict[int, tuple[Settings, FreezeRules]] = {}  # by identity, because hashing takes long
        keys = signing_keys(os.environ)
        store = Store(
            base_path,
            keys=keys,
            trust=trust_policy(config.trust, keys),
            durability=config.durability,
            max_bytes=config.max_store_bytes,
        )
        self._reporter = Reporter(base_path, self.wrapped, self._recorders, self.unreachable, self.governor)
        sealer = CallSealer(base_path, keys)
        self.writer = Writer(
            store,
            sealer,
            sync=config.sync,
            spent=self.governor.spend,
            settle=Pending.settle,
            periodic=self._reporter,
            exit_wait=config.exit_wait,
            own_threads=capturing,
            shape_of=sealer.shape_of,
        )
        # One object of each for all recorders.
        self._submit, self._wake, self._make_recorder = self.writer.submit, self.writer.wake, self.recorder_for
        _engines.add(self)

    def recorder_for(
        self, target: Target, function: FunctionType, kind: str, flavor: str, settings: Settings
    ) -> Recorder:
        """A recorder of `function`. A target that was recorded before (a reload) keeps its counts and quota."""
        name = str(target)
        self.wrapped.add(name)
        earlier = self._recorders.get(name)
        ledger = earlier.ledger if earlier is not None else Ledger(target)
        if earlier is not None and earlier.settings == settings:
            gate = earlier.gate
        else:
            gate = Gate(settings, ledger, self.governor)
            self.writer.watch(target, settings, ledger, gate)
            self._close_when_idle(gate)
        recorder = self._recorder_class(settings)(
            target,
            function,
            kind,
            flavor,
            settings,
            ledger,
            gate,
            self._rules(settings),
            self._submit,
            self._wake,
            strict=self._strict,
        )
        self._recorders[name] = recorder
        return recorder

    def lazy_recorder_for(
        self, target: Target, function: FunctionType, kind: str, flavor: str, settings: Settings
    ) -> Recorder:
        """The same, made by the first call of a plain function."""
        if flavor != PLAIN:
            return self.recorder_for(target, function, kind, flavor, settings)
        self.wrapped.add(str(target))
        lazy: Any = LazyRecorder(self._make_recorder, target, function, kind, settings)  # it has the same interface
        made: Recorder = lazy
        return made

    def _close_when_idle(self, gate: Gate) -> None:
        """Close a gate that is open while a bundle is replayed, or while capture is paused."""
        if gate.closed is None and (REPLAYING.active or self._reporter.paused):
            gate.close(REPLAYED if REPLAYING.active else PAUSED)

    def replay_changed(self, active: bool) -> None:
        """A replay begins in this process, or the last one has ended: what it calls is not captured."""
        for recorder in self.recorders():
            gate = recorder.gate
            if not active and gate.closed == REPLAYED:
                gate.open()
            self._close_when_idle(gate)

    def _recorder_class(self, settings: Settings) -> type[Recorder]:
        """That of a target with dependencies records its effects too."""
        return Recorder if self._dependencies is None else self._dependencies.recorder_class(settings)

    def recorders(self) -> list[Recorder]:
        """Those that were made in this process: of plain functions, one for each that was called."""
        return list(self._recorders.values())

    def note_unreachable(self, target: Target, reason: str) -> None:
        """Record and log why a function that was named cannot be captured, or not by every reference."""
        self.unreachable[str(target)] = reason
        log_unreachable(target, reason)

    def _rules(self, settings: Settings) -> FreezeRules:
        """One object for all targets that share these settings."""
        known = self._freeze_rules.get(id(settings))
        if known is None:
            exclude = tuple(parse_path(path) for path in settings.exclude)
            most = partial(self.governor.most_for_one, max(SECONDS, settings.max_bytes / SLOWEST))
            rules = FreezeRules(settings.max_bytes, exclude, settings.exclude_types, allowance=most)
            known = self._freeze_rules[id(settings)] = settings, rules
        return known[1]

    def flush(self, timeout: float = 2.0) -> bool:
        """Wait until all captured calls are stored; False when that took longer than `timeout` seconds."""
        return self.writer.flush(timeout)

    def close(self) -> None:
        """Store the calls that are queued, and stop."""
        _engines.discard(self)
        self.writer.close()

    def restart(self) -> None:
        """In a forked child. Only assigns: another thread may have held any lock at the fork."""
        self.governor.restart()
        forget_other_threads(self.recorders())


_engines: weakref.WeakSet[Engine] = weakref.WeakSet()


def _replay_changed(active: bool) -> None:
    for engine in list(_engines):
        engine.replay_changed(active)


REPLAYING.listeners.append(_replay_changed)


def _restart_all() -> None:
    for engine in list(_engines):
        engine.restart()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_restart_all)
