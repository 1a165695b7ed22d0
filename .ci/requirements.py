"""Print pip requirements from pyproject.toml: the groups given as arguments, or the lowest versions allowed.

python .ci/requirements.py test demo      # dependency groups, for pips that do not know --group (before 25.1)
python .ci/requirements.py --lowest test  # the same, and each dependency of the package at its lower bound
"""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

PYPROJECT = Path(__file__).resolve().parent.parent / "pyproject.toml"


def group(project: dict[str, Any], name: str) -> Iterator[str]:
    for entry in project["dependency-groups"][name]:
        if isinstance(entry, str):
            yield entry
        else:
            yield from group(project, entry["include-group"])


def lowest(project: dict[str, Any]) -> Iterator[str]:
    """`name>=1.2` becomes `name==1.2`, for what the package and its `test` extra need."""
    for requirement in [*project["project"]["dependencies"], *project["project"]["optional-dependencies"]["test"]]:
        yield re.sub(r">=\s*", "==", requirement)


def main(arguments: list[str]) -> None:
    project = tomllib.loads(PYPROJECT.read_text())
    names = [name for name in arguments if name != "--lowest"]
    for name in names:
        print(*group(project, name), sep="\n")
    if "--lowest" in arguments:
        print(*lowest(project), sep="\n")


if __name__ == "__main__":
    main(sys.argv[1:])
