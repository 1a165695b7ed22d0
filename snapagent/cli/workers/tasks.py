"""The bundles to replay as tasks for the pool, and what their processes need to know."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Sequence

from ...bundle import SETTINGS_MODULE, Header
from ...config.environment import CONFIG
from ...errors import BundleNotFoundError, CorruptBundleError
from ...store.reader import FunctionFolder, StoreReader
from ..app import App
from ..choosing import name_of
from ..source.facsimiles import PLACEHOLDERS
from ..views.rows import has_outcome
from .pool import Task


def variables_for(app: App) -> dict[str, str]:
    """What the processes need to find the configuration that this command has."""
    path = app.find_config()
    return {CONFIG: os.path.abspath(path)} if path is not None and app.config is not None else {}


def with_settings(tasks: Sequence[Task]) -> list[Task]:
    """The tasks by settings module, so that few processes are needed. Calls without one get the commonest."""
    counts = Counter(task.settings for task in tasks if task.settings)
    commonest = counts.most_common(1)[0][0] if counts else ""
    complete = [task if task.settings else task.replace(settings=commonest) for task in tasks]
    return sorted(complete, key=lambda task: task.settings)


def tasks_of(
    store: StoreReader, folder: FunctionFolder, outcome: str | None = None, limit: int | None = None
) -> Iterator[Task]:
    """The selected bundles of a function, the newest first. An unreadable one becomes a task that fails."""
    found = 0
    for entry in reversed(store.entries(folder.name)):
        if limit is not None and found >= limit:
            return
        try:
            header = store.header(entry)
        except BundleNotFoundError:
            continue
        except CorruptBundleError:
            yield Task(name_of(folder), entry.name, entry.short_hash, "unreadable", store.base_path)
            continue
        if outcome is None or has_outcome(header, outcome):
            found += 1
            yield Task(
                header.target,
                entry.name,
                header.hash,
                header.outcome,
                store.base_path,
                _placeholders(header),
                str(header.origin.get(SETTINGS_MODULE, "")),
            )


def _placeholders(header: Header) -> tuple[str, ...]:
    return tuple(note.path for note in header.notes if note.kind in PLACEHOLDERS)
