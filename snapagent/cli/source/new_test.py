"""Generate the source of a test for the bundles of a function."""

from __future__ import annotations

import json
import keyword
import re
from collections.abc import Sequence

from ...bundle import Header
from ...core.records import Record
from .facsimiles import MissingValue, skeleton
from .side_effects import SideEffects


class NewTest(Record):
    """The input of the generator. `base_path` is None for the default folder; `snapshot` asks for a syrupy test."""

    target: str
    headers: tuple[Header, ...]
    missing_values: tuple[MissingValue, ...]
    side_effects: SideEffects
    base_path: str | None = None
    snapshot: bool = False

    def source(self) -> str:
        """The text of the file. It imports only pytest and runs as it is unless stand-ins must be filled in."""
        parts = [f'"""Calls {_safe(self.target)} with what was captured."""', "import pytest"]
        if self._everywhere:
            parts.append("\n" + skeleton(self.target, self._everywhere).rstrip())
        parts.append("\n" + "\n".join(self._test()))
        return "\n\n".join(parts) + "\n"

    @property
    def _everywhere(self) -> tuple[MissingValue, ...]:
        """The values that every bundle lacks: the loader refuses a stand-in where a bundle has its own value."""
        paths = [{note.path for note in header.notes} for header in self.headers]
        return tuple(value for value in self.missing_values if all(value.path in found for found in paths))

    def _test(self) -> Sequence[str]:
        arguments = [f'"{_safe(self.target.replace(":", ".", 1))}"']
        if self.base_path is not None:
            arguments.append(f'base_path="{_safe(self.base_path)}"')
        if self._everywhere:
            arguments.append("facsimiles=FACSIMILES")
        fixtures = [
            "bundle",
            *(["side_effects"] if self.side_effects.patches else []),
            *(["snapshot"] if self.snapshot else []),
        ]
        lines = [f"@pytest.mark.captures({', '.join(arguments)})", f"def {self._name}({', '.join(fixtures)}):"]
        lines += [f'    side_effects.patch("{target}")' for target in self.side_effects.patches]
        sometimes = [value.path for value in self.missing_values if value not in self._everywhere]
        if sometimes:
            lines.append(f"    # Only some bundles have placeholders: {', '.join(map(_safe, sometimes))}.")
        if self.side_effects.unsteady:
            names = ", ".join(self.side_effects.unsteady)
            lines.append(f"    # It calls {names}: list paths that differ in ignore=[...].")
        return [*lines, "    assert bundle.replay() == snapshot" if self.snapshot else "    bundle.check()"]

    @property
    def _name(self) -> str:
        words = self.target.partition(":")[2].split(".")
        name = "_".join(re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", word).lower() for word in words)
        name = re.sub(r"\W+", "_", name).strip("_")
        return f"test_{name}" if name and not keyword.iskeyword(name) else "test_captured_calls"


def _safe(text: str) -> str:
    """Text as it may stand inside double quotes of Python source."""
    return json.dumps(text, ensure_ascii=not text.isprintable())[1:-1]
