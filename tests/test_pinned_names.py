"""What version 0.1.0 left on disk is read, replayed and continued, wherever the code behind it lives today.

Pickle streams, hashes and `.pth` files hold dotted names of this package. Whoever moves one of them must leave it
importable, and go on writing it: these tests use nothing but the public interface and the pinned names themselves.
The data was made by `data/v0_1_0/make.py`.
"""

from __future__ import annotations

import importlib
import json
import os
import pickle
import pickletools
import pkgutil
import shutil
import subprocess
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import snapagent
from snapagent.placeholder import Placeholder, note_of

DATA = Path(__file__).resolve().parent / "data" / "v0_1_0"
STORES = ("store", "store_zlib", "store_signed", "promoted")
KEY = "a key for the data of version 0.1.0"
SECRET = "correct-horse-battery"
HASHES = json.loads((DATA / "hashes.json").read_text())
CODE_FITS = sys.version_info[:2] == (3, 11) and sys.implementation.name == "cpython"

IN_STREAMS = {  # what the pickle streams in bundles and recordings name
    "snapagent.errors:OutcomeError",  # as any error of ours that a call passes on
    "snapagent.placeholder:restore_placeholder",
    "snapagent.replay.side_effects.recording:RaisedAfter",
    "snapagent.serializer.by_value:load_by_value",
    "snapagent.serializer.enums:build_enum",
    "snapagent.serializer.exceptions:rebuild_exception",
}
SINCE_0_1_0 = {  # what streams of later versions name as well
    "snapagent.serializer.exceptions:rebuild_compiled_exception",
    *(
        f"snapagent.serializer.rebuild:{name}"
        for name in (
            "bind_method",
            "class_namespace",
            "find_mapper",
            "find_model",
            "find_table",
            "identity_of",
            "load_item",
            "load_named",
            "load_parametrized",
            "load_singleton",
            "make_object",
            "make_query_set",
            "rebuild_element",
            "rebuild_match",
            "rebuild_memory",
            "rebuild_row",
            "rebuild_ssl_context",
            "rebuild_view",
            "reopen_file",
            "set_attributes",
            "set_query",
        )
    ),
}
ONLY_IN_RECORDINGS = {"snapagent.replay.side_effects.recording:RaisedAfter"}
IN_PICKLES_OF_PROGRAMS = {"snapagent.capture.instrument.wrapper:_same"}
IN_FILES = {
    "snapagent.capture.activation:install",  # .pth and sitecustomize files
    "snapagent.cli:main",  # scripts of environments
    "snapagent.replay.plugin:pytest_configure",  # the plugin as entry points name it
}
WRAPPERS = "snapagent.capture."  # where the types live by which wrappers are known


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A copy of the data, with the modes that the store gives: a checkout has those of the umask."""
    folder = tmp_path / "data"
    shutil.copytree(DATA, folder, copy_function=shutil.copyfile)
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o700 if path.is_dir() else 0o600)
    return folder


@pytest.fixture
def pinshop(data: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """The module that was captured, in this process."""
    monkeypatch.syspath_prepend(str(data))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    yield importlib.import_module("pinshop")
    sys.modules.pop("pinshop", None)


def run(data: Path, *command: str | os.PathLike[str], status: int = 0, **environment: str) -> str:
    """The standard output of a Python program that finds the modules of the data."""
    done = subprocess.run(
        [sys.executable, *command],
        cwd=data,
        env={**os.environ, "PYTHONPATH": str(data), "PYTHONDONTWRITEBYTECODE": "1", **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout


def snap(data: Path, store: str, *command: str, status: int = 0, **environment: str) -> str:
    return run(data, "-m", "snapagent", *command, "--captures-dir", store, status=status, **environment)


def parts_of(path: Path) -> Iterator[bytes]:
    """The pickle streams of a bundle, read as the format is documented."""
    line, _, rest = path.read_bytes().partition(b"\n")
    size = int(line.split(b" ")[2])
    header, rest = json.loads(rest[:size]), rest[size:]
    for part in header["parts"]:
        stored, rest = rest[: part["size"]], rest[part["size"] :]
        yield zlib.decompress(stored) if part["compression"] == "zlib" else stored


def names_in(stream: bytes) -> Iterator[str]:
    """The globals of this package that a stream names, also in the streams within it."""
    memo: list[object] = []
    pushed: list[Any] = []
    for opcode, argument, _ in pickletools.genops(stream):
        if opcode.name == "MEMOIZE":
            memo.append(pushed[-1])
        elif opcode.name in ("BINGET", "LONG_BINGET"):
            pushed.append(memo[argument])
        elif opcode.name == "STACK_GLOBAL":
            pushed.append(f"{pushed[-2]}:{pushed[-1]}")
        else:
            pushed.append(argument.replace(" ", ":") if opcode.name == "GLOBAL" else argument)
        if opcode.name in ("STACK_GLOBAL", "GLOBAL") and pushed[-1].startswith("snapagent."):
            yield pushed[-1]
        if isinstance(argument, bytes) and argument.startswith(b"\x80\x05") and argument.endswith(b"."):
            yield from names_in(argument)


def names_below(*folders: Path) -> set[str]:
    paths = [path for folder in folders for path in folder.rglob("*.pkl")]
    assert paths
    return {name for path in paths for stream in parts_of(path) for name in names_in(stream)}


def capture_calls(data: Path, store: str) -> dict[str, dict[str, Any]]:
    """Make the calls again, captured by this version into another folder. Returns what `hashes.json` says of them."""
    options = ("--on", "--captures-dir", store, "--config", "snapagent.yaml")
    found: dict[str, dict[str, Any]] = json.loads(
        run(data, "-m", "snapagent", "run", *options, "--", sys.executable, "calls.py", store)
    )
    return found


# -- the names -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(IN_STREAMS | SINCE_0_1_0 | IN_PICKLES_OF_PROGRAMS | IN_FILES))
def test_a_pinned_name_can_be_imported(name: str) -> None:
    assert callable(pkgutil.resolve_name(name))


@pytest.mark.parametrize("name", sorted(IN_STREAMS | SINCE_0_1_0))
def test_a_pinned_function_or_class_is_pickled_by_its_pinned_name(name: str) -> None:
    found: Any = pkgutil.resolve_name(name)

    assert f"{found.__module__}:{found.__qualname__}" == name
    assert list(names_in(pickle.dumps(found, 5))) == [name]


def test_streams_of_version_0_1_0_name_what_is_in_the_table() -> None:
    assert names_below(*(DATA / store for store in STORES)) == IN_STREAMS


def test_streams_of_today_name_the_same(data: Path) -> None:
    capture_calls(data, "today")

    assert names_below(data / "today") == IN_STREAMS - ONLY_IN_RECORDINGS


def test_a_wrapper_that_a_program_has_pickled_comes_back_as_the_function(pinshop: ModuleType) -> None:
    stream = (DATA / "wrapper.pickle").read_bytes()

    assert set(names_in(stream)) == IN_PICKLES_OF_PROGRAMS
    assert pickle.loads(stream) is pinshop.quote


def test_wrappers_are_known_by_the_home_of_their_type(data: Path) -> None:
    source = "import pinshop; print(type(pinshop.quote).__module__)"
    options = ("--on", "--captures-dir", "today", "--config", "snapagent.yaml")

    assert run(data, "-m", "snapagent", "run", *options, "--", sys.executable, "-c", source).startswith(WRAPPERS)


def test_replaying_where_capture_is_on_records_nothing(data: Path) -> None:
    source = "import snapagent; snapagent.load_capture('pinshop.quote', base_path='store').check()"
    options = ("--on", "--captures-dir", "today", "--config", "snapagent.yaml")

    run(data, "-m", "snapagent", "run", *options, "--", sys.executable, "-c", source)

    assert not list(data.glob("today/**/*.pkl"))


# -- hashes ----------------------------------------------------------------------------------------------------------


def test_equal_calls_have_the_hashes_that_they_had(data: Path) -> None:
    assert capture_calls(data, "today") == HASHES


def test_a_bundle_is_found_by_an_exception_among_its_arguments(data: Path, pinshop: ModuleType) -> None:
    found = snapagent.load_capture("pinshop.explain", args=(ValueError("no", 3),), base_path=data / "store")

    assert found.hash == HASHES["exception"]["hash"]


# -- bundles ---------------------------------------------------------------------------------------------------------


def test_every_bundle_is_listed_with_the_counts_of_its_function(data: Path) -> None:
    rows = {row["target"]: row for row in json.loads(snap(data, "store", "list", "--json"))}

    expected: dict[str, int] = {}
    for call in HASHES.values():
        target = call["target"].replace(".", ":", 1)
        expected[target] = expected.get(target, 0) + 1
    assert {target: row["bundles"] for target, row in rows.items()} == expected
    quote = rows["pinshop:quote"]  # two of its calls were counted by a process that could not reach the index
    assert (quote["calls"], quote["captured"], quote["skipped"]) == (4, 2, {"quota_met": 2})


def test_a_bundle_that_was_pinned_is_pinned(data: Path) -> None:
    rows = json.loads(snap(data, "store", "list", "pinshop.quote", "--json"))

    assert {row["hash"]: row["pinned"] for row in rows} == {
        HASHES["objects"]["hash"]: False,
        HASHES["keywords"]["hash"]: True,
    }


@pytest.mark.parametrize("store", STORES)
def test_every_file_is_found_whole(data: Path, store: str) -> None:
    key = {"SNAPAGENT_KEY": KEY} if store in ("store_signed", "promoted") else {}

    snap(data, store, "verify", **key)


@pytest.mark.parametrize("target", sorted({call["target"] for call in HASHES.values()}))
def test_bundles_are_shown(data: Path, target: str) -> None:
    for name in [call["hash"] for call in HASHES.values() if call["target"] == target]:
        assert name[3:11] in snap(data, "store", "show", target, name)


def test_what_the_streams_name_is_shown_as_what_it_stands_for(data: Path) -> None:
    shown = snap(data, "store", "show", "pinshop.explain", HASHES["exception with chain and notes"]["hash"])
    assert "Rejected" in shown and "rebuild_exception" not in shown

    shown = snap(data, "store", "show", "pinshop.upload")
    assert "restore_placeholder" not in shown and "too big" in shown.replace("_", " ")

    shown = snap(data, "store", "show", "pinshop.apply", HASHES["lambda"]["hash"])
    assert "lambda" in shown and "load_by_value" not in shown


@pytest.mark.parametrize("store", ["store", "store_zlib", "store_signed"])
def test_every_bundle_replays(data: Path, store: str) -> None:
    key = {"SNAPAGENT_KEY": KEY} if store == "store_signed" else {}
    held = {call["hash"] for call in HASHES.values() if call["by_value"]}

    found = json.loads(snap(data, store, "replay", "--json", status=0 if CODE_FITS else 1, **key))

    assert found["results"]
    for result in found["results"]:
        is_refused = result["hash"] in held and not CODE_FITS
        assert result["kind"] == ("not replayable" if is_refused else "equal"), result


def load(data: Path, label: str, **options: Any) -> snapagent.Bundle:
    call = HASHES[label]
    return snapagent.load_capture(call["target"], hash=call["hash"], base_path=data / "store", **options)


def test_an_exception_comes_back_with_its_chain_and_notes(data: Path, pinshop: ModuleType) -> None:
    (error,) = load(data, "exception with chain and notes").args
    assert type(error) is pinshop.Rejected
    assert (error.order, error.why, error.__notes__) == ("a17", "no stock", ["third try"])
    assert type(error.__cause__) is LookupError and error.__cause__.args == ("shelf", 7)

    raised = load(data, "raised").exception
    assert type(raised) is pinshop.Rejected
    assert raised.__notes__ == ["asked twice"] and type(raised.__cause__) is KeyError

    (group,) = load(data, "exception group").args
    assert [type(member) for member in group.exceptions] == [ValueError, KeyError]

    (error,) = load(data, "exception of the system").args
    assert type(error) is FileNotFoundError and error.filename == "a.txt"


def test_placeholders_come_back(data: Path, pinshop: ModuleType) -> None:
    model = load(data, "excluded").arguments["model"]
    assert type(model) is Placeholder
    assert (note_of(model).path, note_of(model).kind) == ("model", "excluded")

    uploaded = load(data, "too big and open").arguments
    kinds = {name: note_of(value).kind for name, value in uploaded.items()}
    assert kinds == {"data": "too_big", "handle": "unstorable"}

    assert load(data, "excluded", facsimiles={"model": 3}).arguments["model"] == 3


def test_locks_come_back_unlocked(data: Path, pinshop: ModuleType) -> None:
    found = load(data, "locks").arguments

    assert not found["lock"].locked()
    assert all(found[name].acquire(blocking=False) for name in ("lock", "again", "few", "changed"))


def test_bound_methods_and_partials_come_back(data: Path, pinshop: ModuleType) -> None:
    method = load(data, "bound method").arguments["function"]
    assert method.__func__ is pinshop.Line.times

    partial = load(data, "partial").arguments["function"]
    assert partial.func is pinshop.add and partial.keywords == {"other": 50}


def test_an_error_of_the_package_comes_back(data: Path, pinshop: ModuleType) -> None:
    error = load(data, "error of the package").result

    assert type(error) is snapagent.OutcomeError
    assert (error.target, error.exception) == ("shop:quote", "ValueError")


@pytest.mark.skipif(not CODE_FITS, reason="the bundles hold bytecode of CPython 3.11")
def test_code_that_was_stored_by_value_runs(data: Path, pinshop: ModuleType) -> None:
    assert load(data, "lambda").arguments["function"](10) == 21
    assert load(data, "closure").arguments["function"](10) == 13
    text, error = load(data, "closure over an exception").arguments["function"](1)[1:]
    assert (text, type(error), error.args) == ("held", ValueError, ("held",))
    assert type(load(data, "closure over an open file").arguments["function"](1)[1]) is Placeholder
    assert load(data, "closure as outcome").result(1) == 10
    assert load(data, "class by value").arguments["kind"](4).doubled() == 8
    assert [member.name for member in load(data, "enum class by value").arguments["kind"]] == ["RED", "GREEN"]
    assert load(data, "enum member by value").result.name == "GREEN"
    lost = load(data, "exception class by value").result
    assert (str(lost), lost.where) == ("key", "sofa")


@pytest.mark.skipif(CODE_FITS, reason="this is the interpreter that the bytecode was made by")
@pytest.mark.parametrize("label", sorted(label for label, call in HASHES.items() if call["by_value"]))
def test_code_of_another_interpreter_is_refused_by_name(data: Path, pinshop: ModuleType, label: str) -> None:
    with pytest.raises(snapagent.NotReplayableError, match=r"bytecode of (pinshop|__main__)\..*cpython 3\.11"):
        _ = load(data, label).arguments


# -- keys, signatures, manifests ---------------------------------------------------------------------------------------


def test_signed_bundles_are_accepted_by_their_key_alone(data: Path, pinshop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SNAPAGENT_KEY", KEY)
    load_signed = snapagent.load_capture("pinshop.enter", base_path=data / "store_signed")
    load_signed.check()

    monkeypatch.setenv("SNAPAGENT_KEY", KEY + "!")
    with pytest.raises(snapagent.UntrustedBundleError):
        _ = snapagent.load_capture("pinshop.enter", base_path=data / "store_signed").args


def test_a_manifest_vouches_for_what_it_lists(data: Path, pinshop: ModuleType) -> None:
    """Others may write the file, so that its mode alone would have it refused."""
    (path,) = (data / "promoted" / "pinshop.enter").glob("*.pkl")
    path.chmod(0o666)

    snapagent.load_capture("pinshop.enter", base_path=data / "promoted").check()


@pytest.mark.parametrize(("store", "key"), [("store", {}), ("store_signed", {"SNAPAGENT_KEY": KEY})])
def test_equal_secrets_keep_their_pseudonym(data: Path, store: str, key: dict[str, str]) -> None:
    options = ("--on", "--captures-dir", store, "--config", "snapagent.yaml")
    source = f"import pinshop; pinshop.enter('ann', password={SECRET!r})"

    run(data, "-m", "snapagent", "run", *options, "--", sys.executable, "-c", source, **key)

    rows = json.loads(snap(data, store, "list", "pinshop.enter", "--json", **key))
    assert len(rows) == 2
    assert len({row["arguments"] for row in rows}) == 1 and "redacted-" in rows[0]["arguments"]


def test_a_store_goes_on_where_it_stood(data: Path) -> None:
    options = ("--on", "--captures-dir", "store", "--config", "snapagent.yaml")
    source = "import pinshop; pinshop.quote([], 'GBP')"

    run(data, "-m", "snapagent", "run", *options, "--", sys.executable, "-c", source)

    (row,) = [row for row in json.loads(snap(data, "store", "list", "--json")) if row["target"] == "pinshop:quote"]
    assert (row["bundles"], row["calls"], row["captured"], row["skipped"]) == (3, 5, 3, {"quota_met": 2})
    assert not list((data / "store" / "pinshop.quote").glob(".counts/*.json"))
    quota = "store/pinshop.quote/.quota"  # a byte for each capture
    assert (data / quota).stat().st_size == (DATA / quota).stat().st_size + 1


# -- recordings of side effects ----------------------------------------------------------------------------------------


def run_checkout(data: Path, **environment: str) -> None:
    for file in (data / "effects").iterdir():
        shutil.copy(file, data)
    options = ("-p", "no:cacheprovider", "-q", "--captures-dir", "store", "--captures-strict")
    run(data, "-m", "pytest", *options, "--rootdir", str(data), "checkout_cases.py", NO_REAL="1", **environment)


def test_recorded_side_effects_are_served(data: Path) -> None:
    run_checkout(data)


def test_the_plugin_explains_a_difference_of_outcomes(data: Path) -> None:
    names = [HASHES[label]["hash"] for label in ("objects", "keywords")]
    (data / "cases.py").write_text(
        "import snapagent\n"
        "def test_it():\n"
        f"    one, other = [snapagent.load_capture('pinshop.quote', hash=name) for name in {names}]\n"
        "    assert one.call() == other.expected\n"
    )
    options = ("-p", "no:cacheprovider", "--captures-dir", "store", "--rootdir", str(data))

    said = run(data, "-m", "pytest", *options, "cases.py", status=1)

    assert "the outcomes differ" in said


# -- ways to switch capture on -----------------------------------------------------------------------------------------


@pytest.fixture
def environment_of_its_own(tmp_path: Path) -> tuple[Path, Path]:
    """The python and the site-packages folder of a virtual environment that sees the packages of this one."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "venv"], check=True)
    python = tmp_path / "venv" / "bin" / "python"
    query = [python, "-c", "import sysconfig; print(sysconfig.get_paths()['purelib'])"]
    site = subprocess.run(query, capture_output=True, text=True, check=True).stdout.strip()
    seen = [entry for entry in sys.path if entry and os.path.isdir(entry)]
    (Path(site) / "here.pth").write_text("\n".join([*seen, str(Path(snapagent.__file__).parent.parent)]))
    return python, Path(site)


CALL = "import pinshop; print(pinshop.quote([])['total'])"


def captured_by(data: Path, python: Path, **environment: str) -> int:
    """How many bundles a plain program leaves. The folder of the data is not on PYTHONPATH but the working one."""
    plain = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    settings = {"SNAPAGENT_CAPTURE_DIR": str(data / "today"), "SNAPAGENT_CONFIG": str(data / "snapagent.yaml")}
    done = subprocess.run(
        [python, "-c", CALL],
        cwd=data,
        env={**plain, **settings, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "0\n", "")
    return len(list(data.glob("today/**/*.pkl")))


def test_the_line_that_enable_wrote_switches_capture_on(data: Path, environment_of_its_own: tuple[Path, Path]) -> None:
    python, site = environment_of_its_own
    shutil.copyfile(DATA / "snapagent-capture.pth", site / "snapagent-capture.pth")

    assert captured_by(data, python) == 0
    assert captured_by(data, python, SNAPAGENT_CAPTURE_ENABLED="1") == 1
    assert captured_by(data, python, SNAPY_CAPTURE_ENABLED="yes") == 2


def test_disable_removes_the_line_that_enable_wrote(data: Path, environment_of_its_own: tuple[Path, Path]) -> None:
    python, site = environment_of_its_own
    shutil.copyfile(DATA / "snapagent-capture.pth", site / "snapagent-capture.pth")

    subprocess.run([python, "-m", "snapagent", "disable"], check=True, capture_output=True)

    assert not (site / "snapagent-capture.pth").exists()


def test_the_folder_that_run_put_on_the_path_of_children_switches_capture_on(data: Path) -> None:
    """A supervisor that was started by version 0.1.0 starts children after the upgrade, with this PYTHONPATH."""
    folder = Path(snapagent.__file__).parent / "capture" / "bootstrap"
    path = os.pathsep.join([str(folder), str(data)])

    assert captured_by(data, Path(sys.executable), PYTHONPATH=path, SNAPAGENT_CAPTURE_ENABLED="1") == 1
