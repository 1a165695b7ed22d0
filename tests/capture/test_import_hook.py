"""The finder and the import hook: modules load exactly as without capture, and each load of a target is noticed."""

from __future__ import annotations

import importlib
import importlib.machinery
import importlib.resources
import importlib.util
import pkgutil
import subprocess
import sys
import threading
import traceback
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from snapagent.capture.importing import TargetFinder


class Hook:
    """The finder with a list of what it reported."""

    def __init__(self, *names: str) -> None:
        self.loaded: list[str] = []
        self.others: list[Any] = []  # finders that a test adds
        self.finder = TargetFinder(frozenset(names).__contains__, lambda module: self.loaded.append(module.__name__))


@pytest.fixture
def hook(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hook]:
    monkeypatch.syspath_prepend(str(tmp_path))
    before = set(sys.modules)
    hook = Hook("hooked", "hooked.sub", "hooked.deep.leaf", "hooked_broken", "spaced", "spaced.inner", "hooked_zip")
    hook.finder.install()
    yield hook
    hook.finder.uninstall()
    for finder in hook.others:
        sys.meta_path.remove(finder)
    for name in set(sys.modules) - before:
        del sys.modules[name]


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def add_finder(hook: Hook, find_spec: Callable[..., Any]) -> None:
    """Another finder, second on `sys.meta_path`, until the test ends."""
    hook.others.append(SimpleNamespace(find_spec=find_spec))
    sys.meta_path.insert(1, hook.others[-1])


def loader_names(module: ModuleType) -> tuple[str, str]:
    return type(module.__loader__).__name__, type(module.__spec__.loader).__name__


def test_a_module_is_reported_after_it_has_run(hook, tmp_path):
    write(tmp_path / "hooked.py", "x = 1")
    import hooked

    assert hooked.x == 1
    assert hook.loaded == ["hooked"]


def test_the_module_sees_its_real_loader_and_spec_while_it_runs_and_afterwards(hook, tmp_path):
    write(tmp_path / "hooked.py", "seen = type(__loader__).__name__, type(__spec__.loader).__name__, vars(__loader__)")
    import hooked

    assert hooked.seen[:2] == loader_names(hooked) == ("SourceFileLoader", "SourceFileLoader")
    assert "exec_module" not in hooked.seen[2]
    assert hooked.__loader__ is hooked.__spec__.loader


def test_reload_and_a_second_import_are_reported_again(hook, tmp_path):
    write(tmp_path / "hooked.py", "x = 1")
    import hooked

    importlib.reload(hooked)
    del sys.modules["hooked"]
    importlib.import_module("hooked")
    assert hook.loaded == ["hooked"] * 3


def test_a_namespace_package_is_left_alone(hook, tmp_path):
    write(tmp_path / "spaced" / "inner.py", "x = 1")
    import spaced.inner

    assert hook.loaded == ["spaced.inner"]
    assert spaced.__file__ is None


def test_a_module_in_a_zip_file_keeps_its_shared_loader(hook, tmp_path, monkeypatch):
    with zipfile.ZipFile(tmp_path / "code.zip", "w") as archive:
        archive.writestr("hooked_zip.py", "seen = type(__loader__).__name__, type(__spec__.loader).__name__")
    monkeypatch.syspath_prepend(str(tmp_path / "code.zip"))
    import hooked_zip

    assert hook.loaded == ["hooked_zip"]
    assert hooked_zip.seen == loader_names(hooked_zip) == ("zipimporter", "zipimporter")


def test_resources_of_a_hooked_package_are_read(hook, tmp_path):
    write(tmp_path / "hooked" / "__init__.py", "")
    write(tmp_path / "hooked" / "data.txt", "words")
    import hooked

    assert (importlib.resources.files("hooked") / "data.txt").read_text() == "words"
    assert pkgutil.get_data("hooked", "data.txt") == b"words"
    assert hook.loaded == ["hooked"]
    assert hooked is sys.modules["hooked"]


def test_a_lazy_module_is_reported_when_it_runs_and_not_before(hook, tmp_path):
    write(tmp_path / "hooked.py", "x = 1")
    spec = importlib.util.find_spec("hooked")
    assert spec is not None and spec.loader is not None
    spec.loader = importlib.util.LazyLoader(spec.loader)
    module = importlib.util.module_from_spec(spec)
    sys.modules["hooked"] = module
    spec.loader.exec_module(module)
    assert hook.loaded == []
    assert module.x == 1
    assert hook.loaded == ["hooked"]


def test_a_lazy_loader_that_another_finder_gives_is_followed(hook, tmp_path):
    write(tmp_path / "hooked.py", "x = 1")

    def find_spec(name, path=None, target=None):
        if name != "hooked":
            return None
        spec = importlib.util.spec_from_file_location("hooked", tmp_path / "hooked.py")
        spec.loader = importlib.util.LazyLoader(spec.loader)
        return spec

    add_finder(hook, find_spec)
    import hooked

    assert hook.loaded == []
    assert hooked.x == 1
    assert hook.loaded == ["hooked"]


def test_asking_for_a_spec_changes_nothing(hook, tmp_path):
    write(tmp_path / "hooked.py", "x = 1")
    spec = importlib.util.find_spec("hooked")
    assert spec is not None and type(spec.loader).__name__ == "SourceFileLoader"
    assert spec.loader.get_code("hooked") is not None
    assert isinstance(spec.loader, importlib.machinery.SourceFileLoader)
    import hooked

    assert hooked.__spec__ == spec and importlib.util.find_spec("hooked") == spec
    assert hook.loaded.pop() == "hooked"
    assert type(hooked.__loader__) is importlib.machinery.SourceFileLoader
    assert hook.loaded == []


def test_python_m_runs_a_hooked_module(tmp_path):
    write(tmp_path / "hooked.py", "print('ran as', __name__)")
    write(
        tmp_path / "start.py",
        "import runpy\nfrom snapagent.capture.importing import TargetFinder\n"
        "TargetFinder({'hooked'}.__contains__, print).install()\nrunpy.run_module('hooked', run_name='__main__')",
    )
    done = subprocess.run([sys.executable, "start.py"], cwd=tmp_path, capture_output=True, text=True, timeout=20)
    assert (done.stdout, done.stderr) == ("ran as __main__\n", "")


def test_a_failing_import_raises_its_own_error_with_no_frame_of_ours(hook, tmp_path):
    write(tmp_path / "hooked_broken.py", "raise ZeroDivisionError('its own')")
    with pytest.raises(ZeroDivisionError) as caught:
        import hooked_broken  # noqa: F401
    frames = [Path(frame.filename).name for frame in traceback.extract_tb(caught.value.__traceback__)]
    assert frames == ["test_import_hook.py", "hooked_broken.py"]
    assert hook.loaded == []


def test_warnings_at_import_point_at_the_importing_line(hook, tmp_path):
    write(tmp_path / "hooked.py", "import warnings\nwarnings.warn('old', DeprecationWarning, stacklevel=2)")
    with pytest.warns(DeprecationWarning) as caught:
        import hooked  # noqa: F401
    assert caught[0].filename == __file__


@pytest.mark.skipif(sys.version_info >= (3, 14), reason="this import hangs there without us too")
def test_a_package_that_waits_for_a_thread_which_imports_a_target_does_not_hang(hook, tmp_path):
    write(
        tmp_path / "hooked" / "__init__.py",
        "import threading, importlib\n"
        "thread = threading.Thread(target=importlib.import_module, args=('hooked.sub',), daemon=True)\n"
        "thread.start(); thread.join(5)\nhung = thread.is_alive()",
    )
    write(tmp_path / "hooked" / "sub.py", "x = 1")
    import hooked

    assert not hooked.hung
    assert sorted(hook.loaded) == ["hooked", "hooked.sub"]


def test_a_finder_that_asks_us_back_gets_an_answer(hook, tmp_path):
    write(tmp_path / "hooked.py", "x = 1")

    def find_spec(name, path=None, target=None):
        if name == "hooked":
            assert hook.finder.find_spec(name) is None
        return None

    add_finder(hook, find_spec)
    import hooked

    assert hooked.x == 1
    assert hook.loaded == ["hooked"]


def test_two_threads_that_import_one_target_report_it_once(hook, tmp_path):
    write(tmp_path / "hooked.py", "import time; time.sleep(0.05)")
    threads = [threading.Thread(target=importlib.import_module, args=("hooked",)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert hook.loaded == ["hooked"]


def test_installing_twice_leaves_one_finder_and_uninstalling_none(hook):
    hook.finder.install()
    assert sys.meta_path.count(hook.finder) == 1
    assert sys.meta_path[0] is hook.finder
    hook.finder.uninstall()
    assert hook.finder not in sys.meta_path
