"""Switching capture on in real interpreters, by every way to start a program, and in the children of programs."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

import pytest
import wrapt

from snapagent.cli import launch

CONFIG = "version: 1\nbudget: 100%\ntargets: ['shop:*']\n"
SHOP = "def quote(x, y=2):\n    return x * y\n"
USE = "import shop\nprint(shop.quote(3))\n"


@pytest.fixture
def app(tmp_path: Path) -> Path:
    """A program with one target, its config, and no word of snapagent."""
    (tmp_path / "shop.py").write_text(SHOP)
    (tmp_path / "main.py").write_text(USE)
    (tmp_path / "snapagent.yaml").write_text(CONFIG)
    return tmp_path


def run(
    app: Path, *command: str, on: bool = True, python: str = sys.executable, cwd: Path | None = None, **variables: str
) -> subprocess.CompletedProcess[str]:
    """Start an interpreter as `snapagent run` does."""
    environ = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    environ = launch.environment_for({**environ, "SNAPAGENT_CONFIG": str(app / "snapagent.yaml"), **variables}, on=on)
    return subprocess.run([python, *command], cwd=cwd or app, env=environ, capture_output=True, text=True, timeout=60)


def calls(app: Path, target: str = "shop.quote") -> int:
    """How many calls the index counts."""
    index = app / "captures" / target / "index.json"
    return json.loads(index.read_text())["calls"] if index.exists() else 0


def test_a_program_is_captured_without_a_change_to_it(app):
    done = run(app, "main.py")
    assert (done.stdout, done.stderr, done.returncode) == ("6\n", "", 0)
    assert calls(app) == 1


@pytest.mark.parametrize("value", ["1", "true", "Yes", "ON"])
def test_the_variable_or_its_alias_switches_capture_on(app, value):
    assert run(app, "main.py", on=False, SNAPY_CAPTURE_ENABLED=value).stdout == "6\n"
    assert calls(app) == 1


@pytest.mark.parametrize("value", ["", "0", "false", "off", "2", "y"])
def test_anything_else_leaves_capture_off_and_imports_nothing(app, value):
    show = "import sys, shop; print(shop.quote(3), type(shop.quote).__name__, [n for n in sys.modules if 'snap' in n])"
    done = run(app, "-c", show, on=False, SNAPAGENT_CAPTURE_ENABLED=value)
    assert (done.stdout, done.stderr) == ("6 function []\n", "")
    assert not (app / "captures").exists()


def test_starting_needs_no_heavy_module_before_a_target_is_loaded(app):
    heavy = ["wrapt", "dill", "inspect", "dataclasses", "typing", "logging", "threading", "asyncio", "pathlib"]
    show = f"import sys; print([name for name in {heavy} if name in sys.modules])"
    bare = subprocess.run([sys.executable, "-c", show], capture_output=True, text=True, timeout=20).stdout
    assert run(app, "-c", show).stdout == bare


def test_the_users_own_sitecustomize_still_runs(app):
    (app / "own").mkdir()
    (app / "own" / "sitecustomize.py").write_text("import builtins; builtins.greeting = __file__")
    done = run(app, "-c", "import sitecustomize, shop; print(greeting, sitecustomize.__file__, shop.quote(1))",
               PYTHONPATH=str(app / "own"))  # fmt: skip
    path = str(app / "own" / "sitecustomize.py")
    assert (done.stdout, done.stderr) == (f"{path} {path} 2\n", "")
    assert calls(app) == 1


def test_a_broken_sitecustomize_of_the_user_is_reported_as_without_us(app):
    (app / "own").mkdir()
    (app / "own" / "sitecustomize.py").write_text("raise ValueError('mine')")
    done = run(app, "main.py", PYTHONPATH=str(app / "own"))
    assert done.stdout == "6\n"
    assert "ValueError: mine" in done.stderr
    assert calls(app) == 1


def test_the_bootstrap_folder_does_not_stay_on_the_path(app):
    done = run(app, "-c", "import sys, os; print([p for p in sys.path if 'bootstrap' in p], os.environ['PYTHONPATH'])")
    assert done.stdout == f"[] {launch.bootstrap_folder()}\n"


def test_a_sitecustomize_of_two_lines_is_enough(app):
    (app / "site").mkdir()
    (app / "site" / "sitecustomize.py").write_text("from snapagent import install\ninstall()\n")
    environ = {**os.environ, "PYTHONPATH": str(app / "site"), "SNAPAGENT_CAPTURE_ENABLED": "1"}
    done = subprocess.run([sys.executable, "main.py"], cwd=app, env=environ, capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.stderr) == ("6\n", "")
    assert calls(app) == 1


def test_all_ways_at_once_capture_once(app):
    (app / "own").mkdir()
    (app / "own" / "sitecustomize.py").write_text("from snapagent import install\ninstall()\n")
    (app / "main.py").write_text("from snapagent import install\ninstall()\n" + USE)
    assert run(app, "main.py", PYTHONPATH=str(app / "own")).stdout == "6\n"
    assert calls(app) == 1


@pytest.mark.parametrize(
    "config",
    ["targets: [", "version: 1\ntargets: ['shop:*']\nqota: 3\n", "version: 1\ntargets: ['shop/x.py']\n", None],
    ids=["not yaml", "unknown key", "impossible target", "no such file"],
)
def test_a_bad_config_leaves_the_program_alone_and_says_why_in_one_line(app, config):
    if config is None:
        (app / "snapagent.yaml").unlink()
    else:
        (app / "snapagent.yaml").write_text(config)
    done = run(app, "-c", USE + "print(type(shop.quote).__name__)")
    assert done.stdout == "6\nfunction\n"
    assert len(done.stderr.splitlines()) == 1
    assert "capture stays off" in done.stderr and "snapagent.yaml" in done.stderr


def test_an_unwritable_store_leaves_the_program_alone(app):
    (app / "captures").write_text("a file, not a folder")
    done = run(app, "main.py")
    assert (done.stdout, done.returncode) == ("6\n", 0)


@pytest.mark.parametrize("called_before", [True, False])
def test_a_program_without_descriptors_ends_as_it_would(app, called_before):
    call = "shop.quote(3)\n"
    limit = "import resource\nresource.setrlimit(resource.RLIMIT_NOFILE, (3, 3))\n"
    (app / "main.py").write_text("import shop\n" + call * called_before + limit + "print(shop.quote(3))\n")

    done = run(app, "main.py")

    assert (done.stdout, done.returncode) == ("6\n", 0)
    assert "Traceback" not in done.stderr


CHILDREN = {
    "subprocess": "import subprocess, sys\nsubprocess.run([sys.executable, 'main.py'], check=True)",
    "module": "import subprocess, sys\nsubprocess.run([sys.executable, '-m', 'main'], check=True)",
    "another folder": (
        "import subprocess, sys, os, tempfile\nhere = os.getcwd()\n"
        "subprocess.run([sys.executable, '-c', 'import sys; sys.path.insert(0, sys.argv[1]); import main', here], "
        "check=True, cwd=tempfile.gettempdir())"
    ),
    "fork": "import os, shop\npid = os.fork()\nif not pid:\n    print(shop.quote(3), flush=True)\n"
    "    import sys; sys.exit()\nos.waitpid(pid, 0)",
    **{
        method: "import multiprocessing, shop\nif __name__ == '__main__':\n"
        f"    with multiprocessing.get_context('{method}').Pool(1) as pool:\n"
        "        print(pool.map(shop.quote, [3])[0], flush=True)\n        pool.close(); pool.join()"
        for method in ("spawn", "forkserver")
    },
}  # fmt: skip


@pytest.mark.parametrize("how", CHILDREN)
def test_children_are_captured(app, how):
    (app / "parent.py").write_text(CHILDREN[how])
    done = run(app, "parent.py", SNAPAGENT_CONFIG="snapagent.yaml")
    assert (done.stdout, done.stderr) == ("6\n", "")
    assert calls(app) == 1


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The interpreter of a virtual environment that `enable` prepared; it finds this checkout through a `.pth`."""
    folder = tmp_path_factory.mktemp("env")
    venv.create(folder, symlinks=True)
    python = str(folder / "bin" / "python")
    show = "import sysconfig; print(sysconfig.get_paths()['purelib'])"
    packages = Path(subprocess.run([python, "-c", show], capture_output=True, text=True, timeout=20).stdout.strip())
    entries = [entry for entry in sys.path if entry.endswith("site-packages")]
    (packages / "__editable__.snapagent.pth").write_text("\n".join([str(Path(launch.__file__).parents[2]), *entries]))
    subprocess.run([python, "-c", "from snapagent.cli import launch; launch.write_pth()"], check=True, timeout=20)
    return python


def start(python: str, app: Path, *command: str, **variables: str) -> subprocess.CompletedProcess[str]:
    environ = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return subprocess.run(
        [python, *command], cwd=app, env={**environ, **variables}, capture_output=True, text=True, timeout=60
    )


@pytest.mark.parametrize("flags", [(), ("-I",), ("-E",), ("-s",), ("-m",)])
def test_an_enabled_environment_obeys_the_variable_under_every_flag(site, app, flags):
    code = ("main",) if flags == ("-m",) else ("-c", f"import sys; sys.path.insert(0, {str(app)!r})\n" + USE)
    done = start(site, app, *flags, *code, SNAPAGENT_CAPTURE_ENABLED="1")
    assert (done.stdout, done.stderr) == ("6\n", "")
    assert calls(app) == 1


def test_an_enabled_environment_that_is_switched_off_imports_nothing(site, app):
    show = "import sys, shop; print(shop.quote(3), type(shop.quote).__name__, [n for n in sys.modules if 'snap' in n])"
    for variables in ({}, {"SNAPAGENT_CAPTURE_ENABLED": "0"}):
        done = start(site, app, "-c", show, **variables)
        assert (done.stdout, done.stderr) == ("6 function []\n", "")


def test_the_line_of_the_pth_is_one_line_that_python_runs(site):
    text = launch.pth_text()
    assert text.startswith("import ") and text.count("\n") == 1
    assert sorted(["__editable__.x.pth", launch.PTH_NAME])[1] == launch.PTH_NAME


def test_a_pth_without_snapagent_says_so_and_the_program_runs(site, app):
    code = (
        "import os, sys\nsys.modules['snapagent'] = None\nos.environ['SNAPAGENT_CAPTURE_ENABLED'] = '1'\n"
        "exec(sys.argv[1])\nprint('ran')"
    )
    done = start(site, app, "-c", code, launch.pth_text())
    assert done.stdout == "ran\n"
    assert done.stderr.startswith("snapagent: capture stays off") and done.stderr.count("\n") == 1


def test_disabling_removes_what_enabling_wrote(site, app):
    where = start(site, app, "-c", "from snapagent.cli import launch; print(launch.pth_path())").stdout.strip()
    assert os.path.exists(where)
    removed = start(
        site, app, "-c", "from snapagent.cli import launch; print(launch.remove_pth(), launch.remove_pth())"
    )
    assert removed.stdout == f"{where} None\n"
    assert not os.path.exists(where)
    start(site, app, "-c", "from snapagent.cli import launch; launch.write_pth()")
    assert os.listdir(os.path.dirname(where)).count(launch.PTH_NAME) == 1


def test_a_virtual_environment_inside_that_lacks_snapagent_goes_on(app, tmp_path):
    venv.create(tmp_path / "inner", symlinks=True)
    inner = str(tmp_path / "inner" / "bin" / "python")
    (app / "parent.py").write_text(f"import subprocess, shop\nshop.quote(1)\nsubprocess.run([{inner!r}, 'main.py'])")
    done = run(app, "parent.py")
    assert (done.stdout, done.stderr) == ("6\n", "")
    assert calls(app) == 1


def test_pytest_runs_with_capture_on_and_its_targets_are_captured(app):
    (app / "test_shop.py").write_text(
        "import shop\nfrom helpers import check\n\n\ndef test_quote():\n    assert shop.quote(3) == 6\n    check(6)\n"
    )
    (app / "helpers.py").write_text("def check(x):\n    assert x == 6\n")
    (app / "conftest.py").write_text("import pytest\npytest.register_assert_rewrite('helpers')\n")
    (app / "snapagent.yaml").write_text(CONFIG.replace("['shop:*']", "['shop:*', 'helpers:*']"))
    done = run(app, "-m", "pytest", "-q", "-W", "error", "-p", "no:cacheprovider", "test_shop.py")
    assert done.returncode == 0, done.stdout + done.stderr
    assert calls(app) == 1


def test_coverage_sees_the_same_lines(app):
    pytest.importorskip("coverage")
    (app / "main.py").write_text(USE + "print(shop.quote(4))")
    seen = []
    for on in (False, True):
        done = run(app, "-m", "coverage", "run", "--data-file", str(app / f"data{on}"), "main.py", on=on)
        assert done.stdout == "6\n8\n", done.stderr
        # An editable install of ours is no third-party package to coverage: it would be in the report as well.
        only = ("--include", "main.py,shop.py")
        report = run(app, "-m", "coverage", "report", *only, "--data-file", str(app / f"data{on}"), on=False)
        seen.append(report.stdout)
    assert seen[0] == seen[1]


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        (("shop.py",), "ran as the main program"),
        (("-m", "shop"), "ran as the main program"),
        (("-c", "import importlib.util as u, sys; spec = u.spec_from_file_location('shop', 'shop.py'); "
          "sys.modules['shop'] = shop = u.module_from_spec(spec); spec.loader.exec_module(shop); shop.quote(1)"),
         "loaded without the import system"),
        (("-m", "pytest", "-q", "-p", "shop", "-p", "no:cacheprovider", "test_one.py"), "pytest loaded its module"),
    ],
    ids=["script", "module", "by path", "pytest"],
)  # fmt: skip
def test_a_target_that_the_hook_cannot_reach_is_reported_with_a_remedy(app, command, reason):
    (app / "snapagent.yaml").write_text(CONFIG.replace("shop:*", "shop:quote"))
    (app / "test_one.py").write_text("def test_one(): ...")
    done = run(app, *command)
    assert done.returncode == 0
    assert "target shop:quote: " in done.stderr and reason in done.stderr and "@capture()" in done.stderr


def test_a_config_given_after_a_decorator_was_used_holds(app):
    (app / "other.yaml").write_text(CONFIG)
    (app / "snapagent.yaml").unlink()
    code = (
        "from snapagent import capture, install\n@capture(enabled=True)\ndef f(): ...\nf()\n"
        "install(enabled=True, config='other.yaml')\n" + USE
    )
    assert start(sys.executable, app, "-c", code).stdout == "6\n"
    assert calls(app) == 1


def test_installing_twice_and_uninstalling_gives_back_the_very_own_functions(app):
    code = """
import os, sys
import shop
kept = id(shop.quote)
meta = list(sys.meta_path)
environ = dict(os.environ)
from snapagent import install, uninstall
install(enabled=True); install(enabled=True)
assert len(sys.meta_path) == len(meta) + 1
assert shop.quote(2) == 4
uninstall(); uninstall()
assert id(shop.quote) == kept and type(shop.quote).__name__ == "function"
assert sys.meta_path == meta and dict(os.environ) == environ
install(enabled=True)
assert shop.quote(2) == 4
uninstall()
print("fine")
"""
    done = run(app, "-c", code, on=False)
    assert (done.stdout, done.stderr) == ("fine\n", "")
    assert calls(app) == 2


def test_install_obeys_its_arguments_before_the_environment(app):
    (app / "other.yaml").write_text(CONFIG.replace("shop:*", "shop:nothing"))
    off = "from snapagent import install\ninstall(enabled=False)\n" + USE
    assert start(sys.executable, app, "-c", off, SNAPAGENT_CAPTURE_ENABLED="1").stdout == "6\n"
    assert not (app / "captures").exists()
    on = f"from snapagent import install\ninstall(enabled=True, config={str(app / 'other.yaml')!r})\n" + USE
    done = start(sys.executable, app, "-c", on)
    assert done.stdout == "6\n"
    assert "shop:nothing: the module has no such function" in done.stderr


def test_warnings_as_errors_change_nothing(app):
    done = run(app, "-W", "error", "main.py")
    assert (done.stdout, done.stderr) == ("6\n", "")
    assert calls(app) == 1


def test_a_key_that_cannot_be_used_leaves_capture_off_with_one_line(app):
    (app / "other.py").write_text("def f(): ...")
    (app / "snapagent.yaml").write_text(CONFIG.replace("['shop:*']", "['shop:*', 'other:*']"))
    done = run(app, "-c", "import other\n" + USE + "print(type(shop.quote).__name__)", SNAPAGENT_KEY_FILE="missing")
    assert done.stdout == "6\nfunction\n"
    assert done.stderr.count("\n") == 1 and "capture stays off" in done.stderr


def captured(app: Path) -> set[str]:
    """The names of all functions with a folder in the store."""
    return {path.name for path in (app / "captures").iterdir() if not path.name.startswith(".")}


@pytest.mark.parametrize("glob", ["*:quote", "**:quote", "**.quote", "**"])
def test_a_glob_without_a_package_reaches_the_program_and_neither_the_standard_library_nor_us(app, glob):
    (app / "snapagent.yaml").write_text(f"version: 1\nbudget: 100%\ntargets: ['{glob}']\n")
    (app / "main.py").write_text("import json, http.client, logging, random\n" + USE)
    done = run(app, "main.py")
    assert (done.stdout, done.stderr, done.returncode) == ("6\n", "", 0)
    assert "shop.quote" in captured(app)
    assert not [name for name in captured(app) if name.partition(".")[0] in {*sys.stdlib_module_names, "snapagent"}]


STANDARD = [
    ("threading:Thread.start", "import logging, threading\nt = threading.Thread(target=int); t.start(); t.join()\n"),
    ("json:loads", "import json\njson.loads('1')\n"),
    ("asyncio.tasks:wait_for", "import asyncio\nasyncio.run(asyncio.wait_for(asyncio.sleep(0), 9))\n"),
    ("contextlib:suppress.__exit__", "import contextlib\nwith contextlib.suppress(): pass\n"),
    ("logging:getLogger", "import logging\nlogging.getLogger('mine')\n"),
]


@pytest.mark.parametrize(("target", "code"), STANDARD, ids=[target for target, _ in STANDARD])
def test_a_function_of_the_standard_library_can_be_a_target_also_where_we_need_its_module(app, target, code):
    (app / "snapagent.yaml").write_text(f"version: 1\nbudget: 100%\ntargets: ['shop:*', '{target}']\n")
    done = run(app, "-c", code + USE)
    assert (done.stdout, done.stderr) == ("6\n", "")
    assert calls(app) == 1
    assert calls(app, target.replace(":", ".")) >= 1


def test_a_module_that_loads_while_capture_is_getting_ready_is_captured_too(app):
    (app / "json5.py").write_text("def loads(text):\n    return text\n")
    (app / "wrapt").mkdir()
    (app / "snapagent.yaml").write_text("version: 1\nbudget: 100%\ntargets: ['shop:*', 'json5:*']\n")
    import wrapt

    # As if wrapt needed a module of the program's, which is a target.
    (app / "wrapt" / "__init__.py").write_text(
        f"import json5\n__path__ = {list(wrapt.__path__)!r}\nexec(open({wrapt.__file__!r}).read())\n"
    )
    done = run(app, "-c", USE + "import json5; json5.loads('1')", PYTHONPATH=str(app))
    assert (done.stdout, done.stderr) == ("6\n", "")
    assert (calls(app), calls(app, "json5.loads")) == (1, 1)


def test_capturing_loads_one_class_of_wrapt_and_a_program_that_imports_wrapt_gets_all_of_it_with_that_class(app):
    looks = """
import sys
loaded = {"asyncio", "importlib.metadata", "wrapt", "wrapt.exceptions"} & set(sys.modules)
import wrapt
whole = hasattr(wrapt, "exceptions") or "wrapt.exceptions" not in sys.modules  # older versions have none
print(sorted(loaded), isinstance(shop.quote, wrapt.FunctionWrapper), whole)
"""
    done = run(app, "-c", USE + looks)
    assert done.stdout == "6\n[] True True\n"


def test_capturing_uses_the_wrapt_that_the_program_has_loaded_and_its_python_half_where_that_is_asked_for(app):
    code = "import wrapt\n" + USE + "print(isinstance(shop.quote, wrapt.FunctionWrapper))"
    assert run(app, "-c", code).stdout == "6\nTrue\n"
    done = run(
        app,
        "-c",
        "import sys\n" + USE + "print('wrapt._wrappers' in sys.modules, shop.quote)",
        WRAPT_DISABLE_EXTENSIONS="1",
    )
    assert done.stdout.startswith("6\nFalse <function quote at"), done.stderr
    assert calls(app) == 2


def test_capturing_uses_the_python_half_of_a_wrapt_that_was_installed_without_its_extension(app):
    folder = Path(wrapt.__file__).parent
    shutil.copytree(folder, app / "wrapt", ignore=shutil.ignore_patterns("*.so", "*.pyd", "__pycache__"))
    done = run(app, "-c", "import sys\n" + USE + "print(sys.modules['wrapt'].__file__)", PYTHONPATH=str(app))
    assert (done.stdout, done.stderr) == (f"6\n{app / 'wrapt' / '__init__.py'}\n", "")
    assert calls(app) == 1


def test_capturing_that_begins_while_other_threads_run_loads_the_whole_of_wrapt(app):
    thread = "import sys, threading\nend = threading.Event()\nthreading.Thread(target=end.wait).start()\n"
    done = run(app, "-c", thread + USE + "print('wrapt' in sys.modules)\nend.set()")
    assert done.stdout == "6\nTrue\n"


def test_our_own_functions_are_no_targets(app):
    (app / "snapagent.yaml").write_text("version: 1\ntargets: ['shop:*', 'snapagent.config.targets:Target.parse']\n")
    done = run(app, "main.py")
    assert done.stdout == "6\n"
    assert "snapagent.config.targets:Target.parse" in done.stderr and "cannot capture itself" in done.stderr


@pytest.mark.parametrize("form", ["pathlib.Path({0!r})", "{0!r}", "os.fsencode({0!r})"])
def test_install_takes_every_form_of_a_path(app, form):
    code = "import os, pathlib, snapagent\nsnapagent.install(True, {})\n".format(form.format("other.yaml"))
    (app / "snapagent.yaml").rename(app / "other.yaml")
    done = subprocess.run([sys.executable, "-c", code + USE], cwd=app, capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.stderr) == ("6\n", "")
    assert calls(app) == 1


def test_a_config_that_is_no_path_is_refused_in_words(app):
    code = "import snapagent\nsnapagent.install(True, {'version': 1})\n"
    done = subprocess.run([sys.executable, "-c", code + USE], cwd=app, capture_output=True, text=True, timeout=60)
    assert done.stdout == "6\n"
    assert "capture stays off: config: expects the path of a file or a Config, not dict" in done.stderr


DOTTED = [
    ("shop.qoute", "shop:qoute: the module has no such function; the nearest names are quote"),
    ("shop.Cart.ad", "shop:Cart.ad: the module has no such function; the nearest names are Cart.add"),
    ("package.quote", "package:quote: it is defined in another module; name it there: shop:quote"),
    ("shop.quote", ""),
    ("shop.again", ""),
    ("shop.Cart.add", ""),
    ("package.absent.quote", ""),  # a submodule that this program does not import
    ("elsewhere.quote", ""),
]


@pytest.mark.parametrize(("target", "says"), DOTTED, ids=[target for target, _ in DOTTED])
def test_a_dotted_target_that_is_not_there_is_reported_when_the_program_ends(app, target, says):
    (app / "shop.py").write_text(SHOP + "again = quote\nclass Cart:\n    def add(self): ...\n")
    (app / "package").mkdir()
    (app / "package" / "__init__.py").write_text("from shop import quote\n")
    (app / "snapagent.yaml").write_text(f"version: 1\ntargets: [{target}]\n")
    done = run(app, "-c", "import package\n" + USE)
    assert done.stdout == "6\n"
    assert (says in done.stderr) if says else done.stderr == ""


def test_a_program_whose_working_directory_is_gone_is_captured_by_absolute_paths(app):
    start = "import os, subprocess, sys\nos.mkdir('gone'); os.chdir('gone'); os.rmdir('../gone')\n"
    (app / "start.py").write_text(start + f"subprocess.run([sys.executable, {str(app / 'main.py')!r}], check=True)\n")
    (app / "sitecustomize.py").write_text("from snapagent import install\ninstall()\n")
    environ = {**os.environ, "PYTHONPATH": str(app), "SNAPAGENT_CAPTURE_ENABLED": "1"}
    done = subprocess.run(
        [sys.executable, "start.py"], cwd=app, env=environ, capture_output=True, text=True, timeout=60
    )
    assert (done.stdout, done.stderr) == ("6\n", "")
    assert calls(app) == 1


def test_an_older_interpreter_among_the_children_goes_on_with_its_own_sitecustomize(app):
    (app / "snapagent").mkdir()
    (app / "snapagent" / "__init__.py").write_text("raise SyntaxError('too new for this interpreter')")
    (app / "sitecustomize.py").write_text("print('mine')")
    bootstrap = os.path.join(launch.bootstrap_folder(), "sitecustomize.py")
    code = f"import runpy, sys\nsys.version_info = (3, 8, 0)\nrunpy.run_path({bootstrap!r})\n"
    environ = {**os.environ, "SNAPAGENT_CAPTURE_ENABLED": "1"}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=app, env=environ, capture_output=True, text=True, timeout=60
    )
    assert (done.stdout, done.stderr) == ("mine\n", "")


def test_a_library_that_is_missing_is_named(app):
    (app / "yaml.py").write_text("raise ModuleNotFoundError('', name='yaml')")
    done = run(app, "main.py", PYTHONPATH=str(app))
    assert done.stdout == "6\n"
    assert "capture stays off: ModuleNotFoundError (no module 'yaml')" in done.stderr


def test_a_free_threaded_python_is_refused_in_one_line_and_the_program_runs(app):
    """The flag alone is set here: it is what a free-threaded build has in `sys.abiflags`."""
    script = (
        "import sys; sys.abiflags = 't'\n"
        "import snapagent; snapagent.install(enabled=True)\n"
        "@snapagent.capture(enabled=True)\n"
        "def own(x): return x\n"
        "import shop; print(shop.quote(3), type(shop.quote).__name__, own(1), type(own).__name__)"
    )
    done = run(app, "-c", script, on=False)

    assert (done.stdout, done.returncode) == ("6 function 1 function\n", 0)
    assert "capture stays off: capture needs the interpreter lock" in done.stderr
    assert all("free-threaded" in line for line in done.stderr.splitlines())
    assert not (app / "captures").exists()
