"""Find and parse modules without importing or running them.

Parent packages are not executed either: their `__path__` comes from their spec, which is right unless a package changes
it at run time.
"""

from __future__ import annotations

import ast
import os
import sys
from collections.abc import Iterator, Sequence
from importlib.machinery import ModuleSpec, PathFinder
from pkgutil import get_importer

from ...core.records import Record

SOURCE, EXTENSION, BUILTIN, NAMESPACE, UNREADABLE = "source", "extension", "builtin", "namespace", "unreadable"


class Definition(Record):
    """A name that a module's source binds at module or class level.

    `kind` is function, method, classmethod, staticmethod, property, class, imported or assigned; `origin` is
    `module:name` of an import; `bases` are a class's bases as written.
    """

    qualname: str
    kind: str
    line: int
    node: ast.AST
    decorators: tuple[str, ...] = ()
    bases: tuple[str, ...] = ()
    origin: str = ""

    @property
    def is_function(self) -> bool:
        """Whether it is defined with `def`; a property counts."""
        return self.kind in ("function", "method", "classmethod", "staticmethod", "property")


class ModuleSource(Record):
    """A module as its files define it. `folders` are the search path for submodules of a package."""

    name: str
    origin: str  # source | extension | builtin | namespace | unreadable
    path: str | None = None
    folders: tuple[str, ...] = ()
    definitions: dict[str, Definition] = {}  # noqa: RUF012 - a default of a frozen record
    stars: tuple[str, ...] = ()  # modules imported with `from module import *`
    problem: str = ""
    tree: ast.Module | None = None


class SourceFinder:
    """Finds and parses modules on a search path, each one once."""

    def __init__(self, search_path: Sequence[str]) -> None:
        self._search_path = list(search_path)
        self._modules: dict[str, ModuleSource | None] = {}

    def module(self, name: str) -> ModuleSource | None:
        """The module of this name, or None when it is not found."""
        if name not in self._modules:
            self._modules[name] = self._find_module(name)
        return self._modules[name]

    def _find_module(self, name: str) -> ModuleSource | None:
        parent, _, _ = name.rpartition(".")
        if not parent:
            spec = _find(name, None, self._search_path)
        else:
            package = self.module(parent)
            spec = _find(name, package.folders, self._search_path) if package is not None and package.folders else None
        return None if spec is None else _read_module(name, spec)

    def submodules(self, name: str) -> Iterator[str]:
        """Full names of the direct submodules and subpackages of a package."""
        package = self.module(name)
        if package is not None:
            yield from sorted(
                {f"{name}.{tail}" for folder in package.folders for tail in _module_names_in(folder, True)}
            )

    def top_level(self, folder: str) -> tuple[str, ...]:
        """Names of the modules and packages directly in a folder."""
        return tuple(sorted(set(_module_names_in(folder))))

    def definition(self, module: str, qualname: str, depth: int = 0) -> tuple[ModuleSource, Definition] | None:
        """Where a name is defined, through imports and base classes; None when the source does not say."""
        source = self.module(module)
        if source is None or depth > 20:
            return None
        found = source.definitions.get(qualname)
        if found is not None:
            if found.kind != "imported":
                return source, found
            origin, _, name = found.origin.partition(":")
            return self.definition(origin, name, depth + 1) if name else None
        outer, _, name = qualname.rpartition(".")
        if outer:
            return self._member(module, outer, name, depth)
        for star in source.stars:
            found_there = self.definition(star, qualname, depth + 1)
            if found_there is not None:
                return found_there
        return None

    def _member(self, module: str, outer: str, name: str, depth: int) -> tuple[ModuleSource, Definition] | None:
        """A member of an imported class, or of a base class."""
        holder = self.definition(module, outer, depth + 1)
        if holder is None or holder[1].kind != "class":
            return None
        source, cls = holder
        if (source.name, cls.qualname) != (module, outer):
            return self.definition(source.name, f"{cls.qualname}.{name}", depth + 1)
        for base in cls.bases:
            found_there = self.definition(source.name, f"{base}.{name}", depth + 1) or self._member_of_imported(
                source, base, name, depth
            )
            if found_there is not None:
                return found_there
        return None

    def _member_of_imported(
        self, source: ModuleSource, base: str, name: str, depth: int
    ) -> tuple[ModuleSource, Definition] | None:
        """A member of a base such as `models.Base`, where the first word is an imported module."""
        first, _, rest = base.partition(".")
        imported = source.definitions.get(first)
        if not rest or imported is None or imported.kind != "imported":
            return None
        return self.definition(imported.origin.replace(":", ".").rstrip("."), f"{rest}.{name}", depth + 1)


def default_search_path(cwd: str) -> list[str]:
    """The working directory first, as under `python -m`; then `sys.path`; then `src`, for a package not installed."""
    path = [cwd, *(entry for entry in sys.path if entry and entry != cwd)]
    source = os.path.join(cwd, "src")
    return [*path, source] if os.path.isdir(source) and source not in path else path


def _find(name: str, folders: Sequence[str] | None, search_path: Sequence[str]) -> ModuleSpec | None:
    if folders is None and name in sys.builtin_module_names:
        return ModuleSpec(name, None, origin=BUILTIN)
    try:
        return _on_path(name, search_path if folders is None else folders) or (
            _from_meta_path(name) if not folders else None
        )
    except (ImportError, OSError, ValueError, KeyError):
        return None


def _on_path(name: str, folders: Sequence[str]) -> ModuleSpec | None:
    """As `PathFinder` finds it, which would need the parent of a nested namespace package in `sys.modules`."""
    portions: list[str] = []
    for folder in folders:
        finder = get_importer(folder)
        spec = finder.find_spec(name) if finder is not None else None
        if spec is not None and spec.loader is not None:
            return spec
        portions += (spec.submodule_search_locations or ()) if spec is not None else ()
    if not portions:
        return None
    namespace = ModuleSpec(name, None, is_package=True)
    namespace.submodule_search_locations = portions
    return namespace


def _from_meta_path(name: str) -> ModuleSpec | None:
    """Frozen modules, and those that finders of editable installs know. Only for top-level names: no package runs."""
    for finder in sys.meta_path:
        spec = finder.find_spec(name, None, None) if finder is not PathFinder else None
        if spec is not None:
            return spec
    return None


def _read_module(name: str, spec: ModuleSpec) -> ModuleSource:
    folders = tuple(spec.submodule_search_locations or ())
    path = spec.origin
    if path is None or path in (BUILTIN, "built-in", "frozen"):
        return ModuleSource(name, NAMESPACE if folders else BUILTIN, None, folders)
    if not path.endswith((".py", ".pyw")):
        return ModuleSource(name, EXTENSION, path, folders)
    try:
        with open(path, "rb") as file:
            tree = ast.parse(file.read(), path)
    except (OSError, SyntaxError, ValueError, RecursionError) as error:
        return ModuleSource(name, UNREADABLE, path, folders, problem=f"{type(error).__name__}: {error}")
    reader = _BindingCollector(name, is_package=bool(folders))
    reader.read(tree.body, "")
    return ModuleSource(name, SOURCE, path, folders, reader.found, tuple(reader.stars), tree=tree)


def _module_names_in(folder: str, inside_a_package: bool = False) -> Iterator[str]:
    """Names of modules in a folder; inside a package, folders with sources need no `__init__.py`."""
    try:
        entries = list(os.scandir(folder))
    except OSError:
        return
    for entry in entries:
        stem, dot, suffix = entry.name.partition(".")
        if not stem.isidentifier():
            continue
        if (dot and suffix in ("py", "so", "pyd")) or (dot and suffix.endswith((".so", ".pyd"))):
            if stem != "__init__":
                yield stem
        elif not dot and stem != "__pycache__" and _is_package(entry.path, inside_a_package):
            yield stem


def _is_package(folder: str, inside_a_package: bool) -> bool:
    if os.path.isfile(os.path.join(folder, "__init__.py")):
        return True
    try:
        return inside_a_package and any(name.endswith(".py") for name in os.listdir(folder))
    except OSError:
        return False


class _BindingCollector:
    """Collects what statements bind; the last binding of a name wins, as it does at run time."""

    def __init__(self, module: str, is_package: bool) -> None:
        self.found: dict[str, Definition] = {}
        self.stars: list[str] = []
        self._package = module if is_package else module.rpartition(".")[0]

    def read(self, body: Sequence[ast.stmt], inside: str, unconditional: bool = True) -> None:
        """Read statements at module or class level; `unconditional` is False inside if, try and the like."""
        for node in body:
            match node:
                case ast.FunctionDef() | ast.AsyncFunctionDef():
                    kind, decorators = _function_kind(node, inside), _names(node.decorator_list)
                    self._add(Definition(inside + node.name, kind, node.lineno, node, decorators))
                case ast.ClassDef():
                    decorators, bases = _names(node.decorator_list), _names(node.bases)
                    self._add(Definition(inside + node.name, "class", node.lineno, node, decorators, bases))
                    self.read(node.body, f"{inside}{node.name}.")
                case ast.Import() | ast.ImportFrom():
                    self._imports(node, inside)
                case ast.Assign(targets=targets):
                    for target in targets:
                        self._assigned(target, node, inside, unconditional)
                case ast.AnnAssign(target=target, value=value) if value is not None:
                    self._assigned(target, node, inside, unconditional)
                case _:
                    for nested in _blocks(node):
                        self.read(nested, inside, False)

    def _add(self, definition: Definition) -> None:
        rest_of_a_property = any(name.endswith((".setter", ".getter", ".deleter")) for name in definition.decorators)
        if not (rest_of_a_property and definition.qualname in self.found):
            self.found[definition.qualname] = definition

    def _assigned(self, target: ast.expr, node: ast.stmt, inside: str, unconditional: bool) -> None:
        # `except ImportError: helper = None` is the fallback of a definition, not its replacement.
        if isinstance(target, ast.Name) and (unconditional or inside + target.id not in self.found):
            self._add(Definition(inside + target.id, "assigned", node.lineno, node))

    def _imports(self, node: ast.Import | ast.ImportFrom, inside: str) -> None:
        for alias in node.names:
            if isinstance(node, ast.Import):
                bound = alias.asname or alias.name.partition(".")[0]
                origin = f"{alias.name if alias.asname else bound}:"
            else:
                module = self._absolute(node)
                if alias.name == "*":
                    self.stars.append(module)
                    continue
                bound, origin = alias.asname or alias.name, f"{module}:{alias.name}"
            self._add(Definition(inside + bound, "imported", node.lineno, node, origin=origin))

    def _absolute(self, node: ast.ImportFrom) -> str:
        if not node.level:
            return node.module or ""
        parts = self._package.split(".") if self._package else []
        base = parts[: len(parts) - (node.level - 1)]
        return ".".join([*base, *([node.module] if node.module else [])])


def _blocks(node: ast.stmt) -> Iterator[list[ast.stmt]]:
    """Statements that run in the same scope: the branches of if, try, with, for, while and match."""
    for name in ("body", "orelse", "finalbody"):
        block = getattr(node, name, None)
        if isinstance(block, list):
            yield block
    for holder in (*getattr(node, "handlers", ()), *getattr(node, "cases", ())):
        yield holder.body


def _names(nodes: Sequence[ast.expr]) -> tuple[str, ...]:
    """Decorators or bases as dotted names; for a call or a subscript, the name before the bracket."""
    return tuple(dotted(node) for node in nodes)


def dotted(node: ast.expr) -> str:
    """`a.b.c` of a name, an attribute, a call or a subscript; `?` of anything else."""
    while isinstance(node, (ast.Call, ast.Subscript)):
        node = node.func if isinstance(node, ast.Call) else node.value
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else "?"


def full_name(name: str, source: ModuleSource) -> str:
    """A name with its first word as the module imported it: `requests.get`, `shop.gateway.charge`."""
    first, dot, rest = name.partition(".")
    imported = source.definitions.get(first)
    if imported is None or imported.kind != "imported":
        return name
    return imported.origin.replace(":", ".").rstrip(".") + dot + rest


def _function_kind(node: ast.FunctionDef | ast.AsyncFunctionDef, inside: str) -> str:
    if not inside:
        return "function"
    last_words = [name.rpartition(".")[2] for name in _names(node.decorator_list)]
    for word in last_words:
        if word in ("classmethod", "staticmethod"):
            return word
        if word in ("property", "cached_property", "abstractproperty"):
            return "property"
    return "staticmethod" if node.name == "__new__" else "method"
