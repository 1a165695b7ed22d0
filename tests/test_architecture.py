"""The four rules of the house, read off the source: who may import whom, and where each library lives."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import snapagent

ROOT = Path(snapagent.__file__).parent
HALVES = ("capture", "replay")
HOMES = {
    "yaml": ("config",),
    "wrapt": ("capture.instrument",),
    "dill": ("serializer",),
    "filelock": ("store",),
    "zstandard": ("store",),
    "pytest": ("replay.plugin",),
    "_pytest": (),
    "dotenv": ("replay.plugin",),
    "click": ("cli",),
    "rich": ("cli",),
    "textual": ("cli.viewer",),
}


def modules() -> dict[str, Path]:
    """Dotted name below the package -> file."""
    found = {}
    for path in sorted(ROOT.rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imports_of(name: str, path: Path) -> Iterator[str]:
    """Every module that a file imports anywhere in it, absolute; names for type checkers only are left out."""
    package = ("snapagent." + name).strip(".").split(".")
    if path.name != "__init__.py":
        package.pop()
    for node in runtime_nodes(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            stem = ".".join([*base, *((node.module or "").split(".") if node.module else [])])
            yield stem
            yield from (f"{stem}.{alias.name}" for alias in node.names)


def runtime_nodes(tree: ast.AST) -> Iterator[ast.AST]:
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            for other in node.orelse:
                yield other
                yield from runtime_nodes(other)
            continue
        yield node
        yield from runtime_nodes(node)


def belongs(name: str, home: str) -> bool:
    return name == home or name.startswith(home + ".")


INSIDE = [(name, path) for name, path in modules().items() if name not in ("", "__main__")]


def ours(name: str, path: Path) -> set[str]:
    """The modules of this package that a file imports, below the package; only names that are modules."""
    known = modules()
    stems = {other.removeprefix("snapagent.") for other in imports_of(name, path) if other.startswith("snapagent.")}
    return {stem for stem in stems if stem in known}


@pytest.mark.parametrize(("name", "path"), INSIDE, ids=[name for name, _ in INSIDE])
def test_top_level_imports_top_level_and_the_halves_never_import_each_other(name: str, path: Path) -> None:
    half = next((half for half in HALVES if belongs(name, half)), None)
    forbidden = [other for other in HALVES if other != half]
    wrong = {other for other in ours(name, path) if any(belongs(other, place) for place in forbidden)}
    assert not wrong


@pytest.mark.parametrize(("name", "path"), INSIDE, ids=[name for name, _ in INSIDE])
def test_each_third_party_library_is_imported_at_home_only(name: str, path: Path) -> None:
    known = set(sys.stdlib_module_names) | {"snapagent", "__future__"}
    for stem in imports_of(name, path):
        top = stem.partition(".")[0]
        if top in known or not top:
            continue
        homes = HOMES.get(top, ())
        assert any(belongs(name, home) for home in homes), f"{name} imports {stem}; the home of {top} is {homes}"


def test_the_runtime_half_never_reaches_the_command_line_or_pytest() -> None:
    seen: set[str] = set()
    todo = [name for name in modules() if belongs(name, "capture")]
    while todo:
        name = todo.pop()
        if name in seen:
            continue
        seen.add(name)
        todo.extend(ours(name, modules()[name]))
    tops = {stem.partition(".")[0] for name in seen for stem in imports_of(name, modules()[name])}
    assert not tops & {"click", "rich", "pytest", "_pytest", "textual"}


def test_no_global_handler_reads_or_writes_bundles_without_a_base_path() -> None:
    from inspect import signature

    from snapagent.replay.load import load_capture, load_captures
    from snapagent.store import Store

    for opener in (Store, load_capture, load_captures):
        assert "base_path" in signature(opener).parameters
    instances = [name for name, path in modules().items() if makes_a_store_at_import(path)]
    assert instances == []


def makes_a_store_at_import(path: Path) -> bool:
    return any(
        isinstance(node, (ast.Assign, ast.AnnAssign))
        and isinstance(node.value, ast.Call)
        and isinstance(node.value.func, ast.Name)
        and node.value.func.id in ("Store", "Engine", "Writer")
        for node in ast.parse(path.read_text("utf-8")).body
    )
