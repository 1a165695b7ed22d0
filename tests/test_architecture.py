"""The rules of the package's structure, read off the source: who may import whom, and where each library lives.

Imports inside functions count like those at the top of a file; those for type checkers only do not.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path

import pytest

import snapagent

ROOT = Path(snapagent.__file__).parent

# Each room imports only rooms that stand before it; rooms of one line never import each other. The version, in the
# package's `__init__`, is open to all of them. A room that does not exist yet has its place already.
ORDER = (
    ("errors",),
    ("core",),
    ("bundle",),
    ("placeholder",),
    ("config",),
    ("serializer",),
    ("store",),
    ("sealing",),
    ("compare",),
    ("dependencies",),
    ("capture", "replay"),
    ("remote",),
    ("cli",),
)
RANK = {room: rank for rank, rooms in enumerate(ORDER) for room in rooms}
HALVES = ("capture", "replay")
ASKS_THE_PUBLIC_API = "cli.workers"  # its modules run in processes of their own, and may `import snapagent`
HOMES = {
    "yaml": ("config",),
    "dill": ("serializer",),
    "django": ("serializer",),
    "lxml": ("serializer",),
    "sqlalchemy": ("serializer",),
    "filelock": ("store",),
    "zstandard": ("store",),
    "wrapt": ("capture.instrument",),
    "pytest": ("replay.plugin",),
    "_pytest": (),
    "dotenv": ("replay.plugin",),
    "time_machine": ("replay",),
    "coverage": ("cli.workers.cover",),
    "obstore": ("remote",),
    "click": ("cli",),
    "rich": ("cli",),
    "textual": ("cli.viewer",),
}
NEVER_IN_PROGRAMS = {"click", "rich", "textual", "obstore", "pytest", "_pytest"}


@cache
def modules() -> dict[str, Path]:
    """Dotted name below the package -> file; the package itself is "", the main module aside."""
    found = {}
    for path in sorted(ROOT.rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    del found["__main__"]
    return found


@cache
def imports_of(name: str) -> frozenset[tuple[str, str]]:
    """What a module imports anywhere in it: absolute module, and the name taken from it ("" for `import module`)."""
    path = modules()[name]
    package = ("snapagent." + name).strip(".").split(".")
    if path.name != "__init__.py":
        package.pop()
    found = set()
    for node in runtime_nodes(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {(alias.name, "") for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            stem = ".".join([*base, *((node.module or "").split(".") if node.module else [])])
            found |= {(stem, alias.name) for alias in node.names}
    return frozenset(found)


def runtime_nodes(tree: ast.AST) -> Iterator[ast.AST]:
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            for other in node.orelse:
                yield other
                yield from runtime_nodes(other)
            continue
        yield node
        yield from runtime_nodes(node)


@cache
def ours(name: str) -> frozenset[str]:
    """The modules of this package that a module imports; `from package import module` means the module alone."""
    found = set()
    for stem, taken in imports_of(name):
        if stem.partition(".")[0] == "snapagent":
            inner = f"{stem}.{taken}".partition(".")[2]
            found.add(inner if inner in modules() else stem.partition(".")[2])
    return frozenset(found & set(modules())) - {name, ""}


def room_of(name: str) -> str:
    return name.partition(".")[0]


def belongs(name: str, home: str) -> bool:
    return name == home or name.startswith(home + ".")


def circles(graph: Mapping[str, Iterable[str]]) -> list[list[str]]:
    """Every group of modules that import each other in a ring."""
    reached = {name: reachable(graph, name) for name in graph}
    rings = {frozenset({name, *(other for other in reached[name] if name in reached[other])}) for name in graph}
    return sorted(sorted(ring) for ring in rings if len(ring) > 1)


def reachable(graph: Mapping[str, Iterable[str]], start: str) -> set[str]:
    seen: set[str] = set()
    todo = list(graph[start])
    while todo:
        name = todo.pop()
        if name not in seen:
            seen.add(name)
            todo.extend(graph[name])
    return seen


def graph() -> dict[str, frozenset[str]]:
    return {name: ours(name) for name in modules()}


INSIDE = [name for name in modules() if name]


@pytest.mark.parametrize("name", INSIDE)
def test_a_room_imports_only_rooms_that_stand_before_it(name: str) -> None:
    room = room_of(name)
    assert room in RANK, f"{room} has no place in the order of the rooms"
    assert not {other for other in ours(name) if room_of(other) != room and RANK[room_of(other)] >= RANK[room]}


@pytest.mark.parametrize("name", INSIDE)
def test_the_halves_are_reached_by_the_public_api_alone(name: str) -> None:
    inside = next((half for half in HALVES if belongs(name, half)), None)
    assert not {other for other in ours(name) if room_of(other) in HALVES and room_of(other) != inside}
    public = {taken for stem, taken in imports_of(name) if stem == "snapagent"}
    rooms = {taken for taken in public if taken in modules()}
    assert public <= {"__version__", *rooms} or belongs(name, ASKS_THE_PUBLIC_API)


def test_no_modules_import_each_other_in_a_circle() -> None:
    assert circles(graph()) == []


def test_a_circle_is_found_through_any_number_of_modules() -> None:
    assert circles({"a": ["b"], "b": ["c"], "c": ["b"], "d": ["a", "d"]}) == [["b", "c"]]
    assert circles({"a": ["b"], "b": ["c"], "c": ["a"]}) == [["a", "b", "c"]]
    assert circles({"a": ["b", "c"], "b": ["c"], "c": []}) == []


@pytest.mark.parametrize("name", INSIDE)
def test_each_third_party_library_is_imported_at_home_only(name: str) -> None:
    for stem, _ in imports_of(name):
        top = stem.partition(".")[0]
        if top in sys.stdlib_module_names or top == "snapagent":
            continue
        homes = HOMES.get(top, ())
        assert any(belongs(name, home) for home in homes), f"{name} imports {stem}; the home of {top} is {homes}"


def test_the_runtime_half_never_reaches_the_command_line_or_pytest() -> None:
    inside = {name for name in modules() if belongs(name, "capture")}
    met = inside.union(*(reachable(graph(), name) for name in inside))
    assert not {stem.partition(".")[0] for name in met for stem, _ in imports_of(name)} & NEVER_IN_PROGRAMS


def test_the_top_of_the_package_is_seen_at_a_glance() -> None:
    entries = [entry for entry in ROOT.iterdir() if entry.name not in ("__pycache__", "py.typed")]
    assert len([entry for entry in entries if entry.is_dir()]) <= 11
    assert len([entry for entry in entries if entry.is_file()]) <= 5


def test_every_folder_says_in_a_sentence_what_lives_there() -> None:
    folders = {path.parent for path in modules().values()}
    for folder in folders:
        text = ast.get_docstring(ast.parse((folder / "__init__.py").read_text("utf-8")))
        assert text is not None and "." in text, folder


def test_the_tests_of_a_room_lie_in_a_folder_of_its_name() -> None:
    rooms = {room_of(name) for name, path in modules().items() if name and path.parent != ROOT}
    assert {room for room in rooms if not (Path(__file__).parent / room).is_dir()} == set()


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
