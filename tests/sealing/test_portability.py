"""Whether a bundle can run here is told from its header, before anything of it is loaded."""

from __future__ import annotations

import importlib
import importlib.metadata
import io
import pickle
import sys
from pathlib import Path
from typing import Any

import dill
import pytest
from sealing_support import sealed

from snapagent.bundle import Header
from snapagent.sealing import portability
from snapagent.sealing.portability import differences, interpreter, package_versions, refused_globals, verdict


def anything(*args: Any) -> Any: ...


def header(**fields: Any) -> Header:
    return sealed(anything, 1).header.replace(**fields)


def test_data_and_names_load_on_every_python() -> None:
    assert verdict(header(python="3.99.0", implementation="other")) is None


def test_code_inside_needs_the_python_that_wrote_it() -> None:
    assert verdict(sealed(anything, lambda x: x).header) is None

    found = verdict(header(by_value=("app.<lambda>",), python="3.9.1"))

    assert found is not None
    reason, remedy = found
    assert "app.<lambda>" in reason and "cpython 3.9" in reason and "capture the call again" in remedy
    assert verdict(header(by_value=("app.<lambda>",), implementation="pypy")) is not None


def test_another_patch_release_of_the_same_python_will_do() -> None:
    major, minor = sys.version_info[:2]

    assert verdict(header(by_value=("x",), python=f"{major}.{minor}.99")) is None


def test_the_header_names_python_and_packages() -> None:
    found = sealed(anything, dill.Pickler)

    assert found.header.python == interpreter().python
    assert found.header.packages.keys() == {"dill"}
    assert differences(found.header) == ()


def test_versions_are_of_distributions_not_of_modules() -> None:
    assert package_versions(["yaml", "os", "no_such_package", "__main__", ""]).keys() == {"PyYAML"}


def test_differences_name_both_versions() -> None:
    found = differences(header(python="3.9.1", packages={"dill": "0.0.1", "never-heard-of-it": "2"}))

    assert [line.split(",")[0] for line in found] == ["Python 3.9.1", "dill 0.0.1", "never-heard-of-it 2"]
    assert "not installed" in found[2]


def test_streams_that_would_open_files_are_known_without_loading(tmp_path: Path) -> None:
    victim = tmp_path / "victim.txt"
    with victim.open("w") as handle:
        harmful = dill.dumps([1, handle])
    victim.write_text("precious")

    assert refused_globals(harmful) == ("dill._dill:_create_filehandle",)
    assert victim.read_text() == "precious"


class Opening:
    def __init__(self, opener: Any, path: Path) -> None:
        self.call = opener, (str(path), "w")

    def __reduce__(self) -> Any:
        return self.call


@pytest.mark.parametrize("opener", [open, io.open, io.FileIO])
def test_streams_that_call_an_opener_are_known(opener: Any, tmp_path: Path) -> None:
    victim = tmp_path / "victim.txt"

    assert refused_globals(pickle.dumps([Opening(opener, victim)])) != ()
    assert not victim.exists()


def test_an_opener_that_is_only_mentioned_is_fine() -> None:
    assert refused_globals(pickle.dumps([open, {"open": "builtins:open", "x": "_create_filehandle"}])) == ()


def test_the_distribution_of_a_loaded_package_is_found_beside_it(monkeypatch: pytest.MonkeyPatch) -> None:
    import markdown_it
    import yaml

    def nothing() -> dict[str, list[str]]:
        raise AssertionError("all installed distributions were read")

    monkeypatch.setattr(portability, "_distributions", nothing)
    portability._version_of.cache_clear()
    found = package_versions(["yaml", "markdown_it", "dill"])
    assert found["PyYAML"] == yaml.__version__
    assert found["markdown-it-py"] == markdown_it.__version__
    assert found == {name: importlib.metadata.version(name) for name in found}


def test_a_package_without_metadata_beside_it_has_no_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "lonely_package.py").write_text("")
    (tmp_path / "lonely_package-1.dist-info").mkdir()
    monkeypatch.syspath_prepend(str(tmp_path))
    importlib.import_module("lonely_package")
    assert package_versions(["lonely_package"]) == {}
    monkeypatch.delitem(sys.modules, "lonely_package")
