"""Generate the source of a test file for the bundles of functions."""

from __future__ import annotations

import json
import keyword
import re
from collections.abc import Iterator, Sequence

from ...core.records import Record
from .facsimiles import MissingValue, class_names, class_source
from .side_effects import SideEffects

_LINE = 88  # characters: formatters leave such lines alone


class NewTest(Record):
    """The test of one function. `snapshot` asks for a syrupy test, `base_path` is None for the default folder.

    `missing_values` are those that stand-ins supply, `patches` the side effects that must be recorded for it to pass,
    `ignore` the places of the outcome that vary, and `causes` the calls in the source that may be the reason.
    """

    target: str
    bundles: int
    missing_values: tuple[MissingValue, ...] = ()
    patches: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    causes: SideEffects = SideEffects()
    base_path: str | None = None
    snapshot: bool = False


def file_source(tests: Sequence[NewTest]) -> str:
    """The text of a file with these tests. It imports only pytest, and runs unless stand-ins must be filled in."""
    names = ", ".join(_safe(test.target) for test in tests[:3]) + (" ..." if len(tests) > 3 else "")
    parts = [f'"""Calls {names} with what was captured."""\n\nimport pytest']
    classes = class_names([(test.target, value) for test in tests for value in test.missing_values])
    functions = _unique([name_of_test(test.target) for test in tests])
    for test, function in zip(tests, functions, strict=True):
        own = {value.path: classes[test.target, value.path] for value in test.missing_values}
        parts += [class_source(value, own[value.path]).rstrip() for value in test.missing_values]
        maker = "stand_ins" if len(tests) == 1 else function.replace("test_", "stand_ins_of_", 1)
        if own:
            parts.append("\n".join(_maker(maker, own)))
        parts.append("\n".join(_test(test, function, maker if own else None)))
    return "\n\n\n".join(parts) + "\n"


def name_of_test(target: str) -> str:
    """`test_order_service_place` for `shop.orders:OrderService.place`."""
    words = target.partition(":")[2].split(".")
    name = "_".join(re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", word).lower() for word in words)
    name = re.sub(r"\W+", "_", name).strip("_")
    return f"test_{name}" if name and not keyword.iskeyword(name) else "test_captured_calls"


def file_name_of(target: str) -> str:
    """The file for the tests of a module's functions: `test_shop_pricing.py`."""
    return "test_" + re.sub(r"\W+", "_", target.partition(":")[0]).strip("_") + ".py"


def _unique(names: Sequence[str]) -> Iterator[str]:
    """The names, later ones of the same name with a number."""
    seen: dict[str, int] = {}
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        yield name if seen[name] == 1 else f"{name}_{seen[name]}"


def _maker(name: str, classes: dict[str, str]) -> Iterator[str]:
    yield f"def {name}():"
    yield '    """New ones for each bundle, so that no test sees what another one did."""'
    yield "    return {"
    yield from (f'        "{_safe(path)}": {made}(),' for path, made in classes.items())
    yield "    }"


def _test(test: NewTest, function: str, maker: str | None) -> Iterator[str]:
    arguments = [f'"{_safe(test.target.replace(":", ".", 1))}"']
    if test.base_path is not None:
        arguments.append(f'base_path="{_safe(test.base_path)}"')
    if maker is not None:
        arguments.append(f"facsimiles={maker}")
    fixtures = ["bundle", *(["side_effects"] * bool(test.patches)), *(["snapshot"] * test.snapshot)]
    yield from _call("@pytest.mark.captures", arguments)
    yield f"def {function}({', '.join(fixtures)}):"
    yield from (f'    side_effects.patch("{_safe(target)}")' for target in test.patches)
    if test.snapshot:
        yield "    assert bundle.replay() == snapshot"
    elif test.ignore:
        yield from _about_noise(test.causes)
        yield from _call("    bundle.check", _ignored(test.ignore))
    else:
        if test.causes.unsteady:
            yield f"    # It calls {', '.join(test.causes.unsteady)}: list paths that differ in ignore=[...]."
        yield "    bundle.check()"


def _about_noise(causes: SideEffects) -> Iterator[str]:
    yield "    # These places differed between two replays of the same code."
    if causes.unsteady:
        yield f"    # It calls {', '.join(causes.unsteady)}."
    if causes.patches:
        yield "    # Declare under `dependencies:` what it asks, or take the fixture `side_effects` and record:"
        yield from (f'    # side_effects.patch("{_safe(target)}")' for target in causes.patches)


def _ignored(paths: Sequence[str]) -> list[str]:
    return [f"ignore=[{', '.join(json.dumps(path, ensure_ascii=False) for path in paths)}]"]


def _call(function: str, arguments: Sequence[str]) -> Iterator[str]:
    """A call in one line, or with an argument on each line."""
    line = f"{function}({', '.join(arguments)})"
    if len(line) <= _LINE:
        yield line
        return
    indent = " " * (len(function) - len(function.lstrip()))
    yield f"{function}("
    yield from (f"{indent}    {argument}," for argument in arguments)
    yield f"{indent})"


def _safe(text: str) -> str:
    """Text as it may stand inside double quotes of Python source."""
    return json.dumps(text, ensure_ascii=not text.isprintable())[1:-1]
