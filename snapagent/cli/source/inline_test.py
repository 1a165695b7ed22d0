"""The source of plain pytest tests with literal values: one function for each bundle, and the imports of the file."""

from __future__ import annotations

import builtins
import keyword
import sys
from collections.abc import Iterable, Sequence
from typing import Any

from ...core.records import Record
from .layout import WIDTH, Pieces, call, flat, names_in, statement

# How a result is compared: `==`, by `repr` (it is not equal to a copy of itself, as with NaN), or by attributes.
EQUAL, BY_REPR, BY_STATE = "equal", "repr", "state"
_LOCALS = ("instance", "result", "expected", "caught", "pytest", "asyncio")


class InlineTest(Record):
    """One bundle as expressions: the call, the instance that it is made on, and how it ends.

    A call that returns has `expected` and `compared`; one that raises has the class in `raises`, and its `args` where
    these can be written.
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

    def lines(self) -> list[str]:
        """The import statements: those of the standard library first."""
        own, others = [f"import {module}" for module in sorted(self.modules)], ["import pytest"]
        by_module: dict[str, list[str]] = {}
        for (module, top), known in sorted(self._names.items()):
            by_module.setdefault(module, []).append(top if known == top else f"{top} as {known}")
        for module, names in by_module.items():
            is_standard = module.partition(".")[0] in sys.stdlib_module_names
            (own if is_standard else others).append(_import(module, names))
        return [*own, *([""] if own else []), *others]


def _import(module: str, names: Sequence[str]) -> str:
    line = f"from {module} import {', '.join(names)}"
    if len(line) <= WIDTH:
        return line
    return "\n".join([f"from {module} import (", *(f"    {name}," for name in names), ")"])


def file_source(tests: Sequence[tuple[str, InlineTest]], about: str) -> str:
    """The text of a file with these tests, by the names of their functions."""
    names = Names([name for name, _ in tests])
    for _, test in tests:
        for module, qualname in sorted(one for each in test.expressions for one in names_in(each)):
            names.spell(module, qualname)
    functions = [_function(name, test, names) for name, test in tests]
    head = "\n".join([f'"""{about}"""', "", *names.lines()])
    return "\n\n\n".join([head, *functions]) + "\n"


def _function(name: str, test: InlineTest, names: Names) -> str:
    called = test.call
    if test.is_async:
        names.modules.add("asyncio")
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
