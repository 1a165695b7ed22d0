"""The static look at modules: it finds what a module defines without running a line of it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from snapagent.cli.source.modules import BUILTIN, EXTENSION, NAMESPACE, UNREADABLE, SourceFinder, default_search_path

BOOM = "raise SystemExit('imported')\n"


@pytest.fixture
def write(tmp_path):
    def write(name: str, text: str) -> None:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    return write


@pytest.fixture
def finder(tmp_path):
    return SourceFinder([str(tmp_path)])


def test_a_module_and_its_parents_are_found_without_being_run(write, finder):
    write("parent/__init__.py", BOOM)
    write("parent/deep/__init__.py", BOOM)
    write("parent/deep/pricing.py", BOOM + "def quote(): return 1\n")

    look = finder.module("parent.deep.pricing")

    assert look.definitions["quote"].kind == "function"
    assert look.definitions["quote"].line == 2
    assert not any(name.startswith("parent") for name in sys.modules)


def test_a_namespace_package_without_init_is_entered_at_every_level(write, finder):
    write("spread/inner/leaf.py", "def f(): pass\n")

    assert finder.module("spread").origin == NAMESPACE
    assert finder.module("spread.inner.leaf").definitions["f"].kind == "function"


def test_kinds_of_methods_and_nested_classes_are_told_apart(write, finder):
    write(
        "m.py",
        """
class Outer:
    def plain(self): pass
    @classmethod
    def made(cls): pass
    @staticmethod
    def free(): pass
    @property
    def size(self): pass
    @size.setter
    def size(self, value): pass
    class Inner:
        async def deep(self): pass
""",
    )

    kinds = {name: found.kind for name, found in finder.module("m").definitions.items()}

    assert kinds == {
        "Outer": "class",
        "Outer.plain": "method",
        "Outer.made": "classmethod",
        "Outer.free": "staticmethod",
        "Outer.size": "property",
        "Outer.Inner": "class",
        "Outer.Inner.deep": "method",
    }


def test_definitions_inside_branches_count_and_a_fallback_does_not_hide_them(write, finder):
    write("m.py", "try:\n    def fast(): pass\nexcept ImportError:\n    fast = None\nif True:\n    def other(): pass\n")

    kinds = {name: found.kind for name, found in finder.module("m").definitions.items()}

    assert kinds == {"fast": "function", "other": "function"}


def test_an_imported_name_is_followed_to_its_home_through_relative_and_star_imports(write, finder):
    write("shop/__init__.py", "from .pricing import quote as price\nfrom .stars import *\n")
    write("shop/pricing.py", "def quote(): pass\n")
    write("shop/stars.py", "def shine(): pass\n")

    assert finder.definition("shop", "price")[0].name == "shop.pricing"
    assert finder.definition("shop", "shine")[0].name == "shop.stars"


def test_an_inherited_method_is_followed_to_the_class_that_defines_it(write, finder):
    write("base.py", "class Base:\n    def place(self): pass\n")
    write("m.py", "import base\nfrom base import Base\nclass A(Base): pass\nclass B(base.Base): pass\n")

    for name in ("A.place", "B.place"):
        look, definition = finder.definition("m", name)
        assert (look.name, definition.qualname) == ("base", "Base.place")


def test_circular_imports_and_bases_end(write, finder):
    write("a.py", "from b import f\nclass C(C): pass\n")
    write("b.py", "from a import f\n")

    assert finder.definition("a", "f") is None
    assert finder.definition("a", "C.method") is None


def test_extensions_builtins_and_broken_files_say_what_they_are(write, finder, tmp_path):
    write("broken.py", "def f(:\n")
    (tmp_path / "fast.so").write_bytes(b"")

    assert finder.module("broken").origin == UNREADABLE
    assert "SyntaxError" in finder.module("broken").problem
    assert finder.module("fast").origin == EXTENSION
    assert finder.module("sys").origin == BUILTIN
    assert finder.module("nowhere") is None
    assert finder.module("broken.below") is None


def test_submodules_are_listed_from_the_folders(write, finder):
    write("shop/__init__.py", "")
    write("shop/a.py", "")
    write("shop/sub/__init__.py", "")
    write("shop/__pycache__/x.pyc", "")
    write("shop/not-a-module.py", "")

    assert list(finder.submodules("shop")) == ["shop.a", "shop.sub"]


def test_the_working_directory_comes_first_and_src_last(tmp_path: Path):
    (tmp_path / "src").mkdir()

    path = default_search_path(str(tmp_path))

    assert path[0] == str(tmp_path)
    assert path[-1] == str(tmp_path / "src")
