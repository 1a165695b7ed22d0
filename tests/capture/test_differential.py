"""Nobody can tell that the agent is there: each row does one thing to a module, bare and instrumented, and compares.

Known divergences are strict xfails with their reason.
"""

from __future__ import annotations

import contextlib
import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import rows_calling  # noqa: F401 - importing them fills ROWS
import rows_identity  # noqa: F401
import rows_inspection  # noqa: F401
import rows_stepping  # noqa: F401
from recording import instrumented
from rows import ROWS

NAME = "every_kind"
SAMPLE = Path(__file__).parents[1] / "support" / "every_kind.py"


@contextlib.contextmanager
def loaded() -> Iterator[ModuleType]:
    spec = importlib.util.spec_from_file_location(NAME, SAMPLE)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[NAME] = module
    spec.loader.exec_module(module)
    try:
        yield module
    finally:
        del sys.modules[NAME]


def observe(name: str, mode: str | None) -> Any:
    with loaded() as module:
        if mode is None:
            return ROWS[name](module)
        with instrumented(module, mode=mode, keep=False) as memories:
            assert memories.made
            return ROWS[name](module)


DIVERGENCES = {
    ("wrap", "source_files"): "a function that others refer to has its code swapped, and the code names its file",
    ("inplace", "source_files"): "the swapped code names a file that `warnings` and `logging` skip",
    ("wrap", "the_exact_type"): "wrapt puts an object of its own class in the function's place",
    ("inplace", "the_callers_module"): "swapped code runs in the function's own module, and a look-up sees that",
}


@pytest.mark.parametrize("mode", ["wrap", "inplace"])
@pytest.mark.parametrize("name", ROWS)
def test_is_as_bare(name: str, mode: str, request: pytest.FixtureRequest) -> None:
    reason = DIVERGENCES.get((mode, name))
    if reason is not None:
        request.applymarker(pytest.mark.xfail(reason=reason, strict=True))
    assert observe(name, mode) == observe(name, None)


def test_uninstalling_gives_back_the_very_own_objects() -> None:
    with loaded() as module:
        taken = {name: id(value) for name, value in vars(module).items()}
        members = {name: id(value) for name, value in vars(module.Base).items()}
        inner = id(vars(module.Base)["made"].__func__), id(vars(module.Base)["prop"].fget)
        code = id(module.registered.__code__)
        with instrumented(module):
            pass
        assert {name: id(value) for name, value in vars(module).items()} == taken
        assert {name: id(value) for name, value in vars(module.Base).items()} == members
        assert (id(vars(module.Base)["made"].__func__), id(vars(module.Base)["prop"].fget)) == inner
        assert id(module.registered.__code__) == code
        assert vars(module.registered) == {}
