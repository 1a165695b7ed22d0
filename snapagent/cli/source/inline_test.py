"""The source of plain pytest tests with literal values: one function for each bundle, and the imports of the file."""

from __future__ import annotations

import builtins
import keyword
import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from ...bundle import SETTINGS_MODULE
from ...core.records import Record
from .layout import WIDTH, Pieces, call, flat, names_in, quoted, statement

# How a result is compared: `==`, by `repr` (it is not equal to a copy of itself, as with NaN), or by attributes.
EQUAL, BY_REPR, BY_STATE = "equal", "repr", "state"
_LOCALS = ("instance", "result", "expected", "caught", "pytest", "asyncio")


class InlineTest(Record):
    """One bundle as expressions: the call, the instance that it is made on, and how it ends.

    A call that returns has `expected` and `compared`; one that raises has the class in `raises`, and its `args` where
    these can be written. `setup` prepares the program (`module:callable`, or django with its `settings` module).
    """

    target: str
    hash: str
    call: Pieces
    instance: Pieces | None = None
    expected: Pieces | None = None
    compared: str = EQUAL
    raises: Pieces | None = None
    args: Pieces | None = None
    is_async: bool = False
    setup: str = ""
    settings: str = ""

    @property
    def expressions(self) -> list[Pieces]:
        return [each for each in (self.instance, self.call, self.expected, self.raises, self.args) if each is not None]


class Names:
    """The imports of one file, and how the tests call what they import."""

    def __init__(self, taken: Iterable[str] = ()) -> None:
        self._taken = {*_LOCALS, *taken, *dir(builtins)}
        self._names: dict[tuple[str, str], str] = {}  # (module, top-level name) -> name in the file
        self.modules: set[str] = set()

    def spell(self, module: str, qualname: str) -> str:
        top, dot, rest = qualname.partition(".")
        key = (module, top)
        if key not in self._names:
            words = [*module.replace("-", "_").split("."), top]
            tries = ["_".join(words[-count:]).lstrip("_") for count in range(1, len(words) + 1)]
            tries = [top, *tries[1:], *(f"{top}_{number}" for number in range(2, 1000))]
            self._names[key] = next(each for each in tries if each not in self._taken and not keyword.iskeyword(each))
            self._taken.add(self._names[key])
        return self._names[key] + dot + rest

    def take(self, module: str) -> None:
        """Import a module by its whole name; no other import gets the name that this binds."""
        self.modules.add(module)
        self._taken.add(module.partition(".")[0])

    def lines(self, preparing: Sequence[str] = ()) -> list[str]:
        """The import statements: those of the standard library first.

        The statements in `preparing` come after whole modules, and before the names that the program defines.
        """
        own: list[str] = []
        modules: list[str] = []
        names: list[str] = []
        for module in sorted(self.modules):
            (own if _is_standard(module) else modules).append(f"import {module}")
        by_module: dict[str, list[str]] = {}
        for (module, top), known in sorted(self._names.items()):
            by_module.setdefault(module, []).append(top if known == top else f"{top} as {known}")
        for module, found in by_module.items():
            late = bool(preparing) and not _is_standard(module)
            (own if _is_standard(module) else names).append(_import(module, found, "  # noqa: E402" if late else ""))
        parts = [own, modules, preparing, names] if preparing else [own, [*modules, *names]]
        return "\n\n".join("\n".join(part) for part in parts if part).splitlines()


def _is_standard(module: str) -> bool:
    return module.partition(".")[0] in sys.stdlib_module_names


def _import(module: str, names: Sequence[str], comment: str = "") -> str:
    line = f"from {module} import {', '.join(names)}"
    if len(line) <= WIDTH:
        return line + comment
    return "\n".join([f"from {module} import ({comment}", *(f"    {name}," for name in names), ")"])


def file_source(tests: Sequence[tuple[str, InlineTest]], about: str) -> str:
    """The text of a file with these tests, by the names of their functions."""
    names = Names([name for name, _ in tests])
    if any(test.raises is not None for _, test in tests):
        names.take("pytest")
    setups = dict.fromkeys((test.setup, test.settings) for _, test in tests if test.setup)
    preparing = [line for setup, settings in setups for line in _prepared(setup, settings, names)]
    for _, test in tests:
        for module, qualname in sorted(one for each in test.expressions for one in names_in(each)):
            names.spell(module, qualname)
    functions = [_function(name, test, names) for name, test in tests]
    head = "\n".join([f'"""{about}"""', "", *names.lines(preparing)])
    return "\n\n\n".join([head, *functions]) + "\n"


def _prepared(setup: str, settings: str, names: Names) -> Iterator[str]:
    """The statements that prepare the program, as a replay does."""
    if settings:
        names.take("os")
        yield f'os.environ.setdefault("{SETTINGS_MODULE}", {quoted(settings)})'
    module, _, qualname = setup.partition(":")
    names.take(module)
    yield f"{module}.{qualname or 'setup'}()"


def _function(name: str, test: InlineTest, names: Names) -> str:
    called = test.call
    if test.is_async:
        names.take("asyncio")
        called = call(["asyncio.run"], [called])
    lines = [f"def {name}():"]
    if test.instance is not None:
        lines.append(statement("instance =", test.instance, names.spell))
    if test.raises is not None:
        manager = [*call(["pytest.raises"], [test.raises]), " as caught:"]
        lines += [statement("with", manager, names.spell), statement("", called, names.spell, indent=8)]
        lines += _about_exception(test, names)
    else:
        lines.append(statement("result =", called, names.spell))
        lines += _about_result(test, names)
    return "\n".join(lines)


def _about_exception(test: InlineTest, names: Names) -> list[str]:
    lines = [statement("assert type(caught.value) is", test.raises or [], names.spell)]
    if test.args is not None:
        return [*lines, *_compared("caught.value.args", test.args, names)]
    return lines


def _about_result(test: InlineTest, names: Names) -> list[str]:
    expected: Any = test.expected
    if test.compared == EQUAL:
        return _compared("result", expected, names)
    lines = [statement("expected =", expected, names.spell)]
    if test.compared == BY_REPR:
        return [*lines, "    assert repr(result) == repr(expected)"]
    return [*lines, "    assert type(result) is type(expected)", "    assert vars(result) == vars(expected)"]


def _compared(value: str, expected: Pieces, names: Names) -> list[str]:
    text = flat(expected, names.spell)
    operator = "is" if text in ("None", "True", "False") else "=="
    line = f"    assert {value} {operator} {text}"
    if len(line) <= WIDTH:
        return [line]
    return [statement("expected =", expected, names.spell), f"    assert {value} == expected"]
