"""`@capture(...)`: off unless the environment or the program says so, with the same engine as the YAML."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest

from snapagent import ConfigError, capture, load_capture, load_captures, uninstall


@pytest.fixture
def make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], ModuleType]]:
    """Imports a module with the given source; the working directory is the test's own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    made: list[str] = []

    def make(source: str) -> ModuleType:
        name = f"decorated_{tmp_path.name}_{len(made)}"
        (tmp_path / f"{name}.py").write_text("from snapagent import capture\n" + textwrap.dedent(source))
        made.append(name)
        return __import__(name)

    yield make
    uninstall()
    for name in made:
        sys.modules.pop(name, None)


def test_off_returns_the_very_function(monkeypatch):
    def f(): ...

    assert capture()(f) is f
    assert capture(f) is f
    monkeypatch.setenv("SNAPAGENT_CAPTURE_ENABLED", "1")
    assert capture(enabled=False)(f) is f


def test_calls_are_captured_where_base_path_says(make, tmp_path):
    module = make("""
        @capture(enabled=True, base_path="here", keep=float("inf"))
        def f(x, y=2):
            return x * y
    """)
    for x in range(3):
        assert module.f(x) == 2 * x
    uninstall()
    bundles = load_captures(f"{module.__name__}.f", base_path=str(tmp_path / "here"))
    assert [(bundle.args, bundle.result) for bundle in bundles] == [((x,), 2 * x) for x in range(3)]


def test_the_environment_decides_when_the_function_is_decorated(make, tmp_path, monkeypatch):
    monkeypatch.setenv("SNAPAGENT_CAPTURE_ENABLED", "true")
    module = make("""
        @capture
        def f(x):
            return x
    """)
    module.f(4)
    uninstall()
    assert load_capture(f"{module.__name__}.f", base_path=str(tmp_path / "captures")).result == 4


@pytest.mark.parametrize("order", ["capture first", "capture last"])
def test_methods_of_every_kind(make, order, tmp_path):
    above, below = ("@capture(enabled=True)", "") if order == "capture first" else ("", "@capture(enabled=True)")
    lines = ["class C:"]
    for decorator, name, first in (
        ("", "m", "self"),
        ("@classmethod", "c", "cls"),
        ("@staticmethod", "s", ""),
        ("@property", "p", "self"),
    ):
        lines += [f"    {line}" for line in (above, decorator, below) if line]
        lines += [f"    def {name}({', '.join(filter(None, (first, '' if name == 'p' else 'x=1')))}): return 7"]
    module = make("\n".join(lines))
    one = module.C()
    assert (one.m(2), module.C.c(3), one.s(4), one.p) == (7, 7, 7, 7)
    uninstall()
    for name, args in (("m", (2,)), ("c", (3,)), ("s", (4,)), ("p", ())):
        bundle = load_capture(f"{module.__name__}.C.{name}", base_path=str(tmp_path / "captures"))
        assert (bundle.args, bundle.result) == (args, 7)


def test_a_decorated_target_of_the_yaml_is_captured_once(make, tmp_path, monkeypatch):
    from snapagent import install

    module = make("@capture(enabled=True)\ndef f(x): return x")
    (tmp_path / "snapagent.yaml").write_text(f"version: 1\ntargets: ['{module.__name__}:f']\n")
    install(enabled=True, config=str(tmp_path / "snapagent.yaml"))
    module.f(1)
    uninstall()
    assert len(load_captures(f"{module.__name__}.f", base_path=str(tmp_path / "captures"))) == 1


def test_an_unknown_option_is_refused_with_the_near_match_even_when_off():
    with pytest.raises(ConfigError, match="keep"):
        capture(kep=3)
    with pytest.raises(ConfigError, match="quota"):
        capture(quota=-1)


def test_a_class_is_refused():
    with pytest.raises(TypeError, match="methods"):
        capture(enabled=True)(int)


def test_a_bad_config_returns_the_very_function(make, tmp_path):
    (tmp_path / "snapagent.yaml").write_text("nonsense: [")
    module = make("def f(x): return x\ng = capture(enabled=True)(f)")
    assert module.g is module.f


def test_a_call_is_there_for_whoever_loads_it_in_the_next_line(tmp_path):
    @capture(enabled=True, base_path=tmp_path, keep=float("inf"))
    def f(x):
        return x

    f(1)
    assert load_capture(f, base_path=tmp_path).args == (1,)
    f(2)
    assert [bundle.args for bundle in load_captures(f, base_path=tmp_path)] == [(1,), (2,)]
    uninstall()


def test_the_folder_is_the_one_that_is_named_when_the_function_is_decorated(tmp_path, monkeypatch):
    """A test session decorates in one test after another, each with a folder of its own."""
    for name in ("one", "two"):
        folder = tmp_path / name
        folder.mkdir()
        monkeypatch.chdir(folder)
        capture(enabled=True)(in_the_folder)(name)
        assert load_capture(in_the_folder).path.parent.parent == folder / "captures"
        (folder / "snapagent.yaml").write_text("version: 1\ncapture_dir: from_config\n")
        capture(enabled=True)(in_the_folder)(name)
        assert load_capture(in_the_folder).path.parent.parent == folder / "from_config"
        monkeypatch.setenv("SNAPAGENT_CAPTURE_DIR", str(folder / "from_environment"))
        capture(enabled=True)(in_the_folder)(name)
        assert load_capture(in_the_folder).path.parent.parent == folder / "from_environment"
        monkeypatch.delenv("SNAPAGENT_CAPTURE_DIR")
    uninstall()


def in_the_folder(x):
    return x
