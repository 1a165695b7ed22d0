"""Code that no module can name comes along by value; nothing else does."""

from __future__ import annotations

import collections
import dataclasses
import enum
import functools
import json
import pickle
import subprocess
import sys
import textwrap
import threading
import types
from pathlib import Path
from typing import Any

import numpy
import pytest
from freezes import frozen, kept, round_trip

from snapagent.errors import BundleLoadError, PlaceholderError
from snapagent.placeholder import Placeholder
from snapagent.serializer.thawing.load import thaw

PLANTED = "planted-in-a-global-9f8e7d"


def test_lambdas_and_closures_are_kept() -> None:
    factor = 3
    double = lambda x: x * 2  # noqa: E731

    times, twice, bound = round_trip([lambda x: x * factor, double, functools.partial(double, 4)])

    assert (times(2), twice(2), bound()) == (6, 4, 8)


def test_their_names_are_told() -> None:
    result = frozen([lambda: 1])

    assert [name.rpartition(".")[2] for name in result.by_value] == ["<lambda>"]


def test_a_recursive_closure_is_kept() -> None:
    def factorial(n: int) -> int:
        return n * factorial(n - 1) if n else 1

    assert round_trip(factorial)(5) == 120


def test_instances_of_local_classes_are_kept_with_methods() -> None:
    class Base:
        def who(self) -> str:
            return "base"

    class Local(Base):
        limit = 3

        def __init__(self) -> None:
            self.rows = [1]

        def who(self) -> str:
            return "local " + super().who()

        @property
        def size(self) -> int:
            return len(self.rows)

        @staticmethod
        def fixed() -> int:
            return 7

        @classmethod
        def make(cls) -> Any:
            return cls()

    one, two = round_trip([Local(), Local()])

    assert type(one) is type(two)
    assert (one.who(), one.size, one.fixed(), one.limit) == ("local base", 1, 7, 3)
    assert type(one.make()) is type(one)


def test_local_named_tuples_and_enums_are_kept() -> None:
    Point = collections.namedtuple("Point", "x y")
    point = round_trip([Point(1, 2)])[0]
    assert (point.x, point.y) == (1, 2)

    class Color(enum.Enum):
        RED = 1
        ROT = 1  # noqa: PIE796 - an alias
        GREEN = "g"

        def shout(self) -> str:
            return self.name + "!"

        @classmethod
        def first(cls) -> Any:
            return cls.RED

    class Level(enum.IntFlag):
        LOW = 1
        HIGH = 2

    red, green, level = round_trip([Color.RED, Color.GREEN, Level.LOW | Level.HIGH])
    assert (red.value, green.value, red.shout(), int(level)) == (1, "g", "RED!", 3)
    assert type(red) is type(green)
    assert type(red).ROT is type(red).first() is red


def test_local_dataclasses_keep_their_fields() -> None:
    @dataclasses.dataclass
    class Row:
        x: int
        tags: list[str] = dataclasses.field(default_factory=list)

    row = round_trip(Row(1, ["a"]))

    assert dataclasses.asdict(row) == {"x": 1, "tags": ["a"]}
    assert row == type(row)(1, ["a"])
    assert type(row)(2).tags == []


def test_no_global_is_dragged_along() -> None:
    """S10."""

    def uses() -> str:
        return PLANTED

    data = frozen([uses]).data

    assert PLANTED.encode() not in data
    assert round_trip(uses)() == PLANTED


def test_no_module_content_is_dragged_along() -> None:
    module = sys.modules[__name__]

    data = frozen([lambda: module.PLANTED]).data

    assert PLANTED.encode() not in data
    assert round_trip(lambda: module.PLANTED)() == PLANTED


def test_a_large_namespace_of_no_module_is_not_dragged_along() -> None:
    namespace: dict[str, Any] = {f"name{index}": PLANTED for index in range(100)}
    exec("def made(): return name1", namespace)

    result = frozen([namespace["made"]])

    assert PLANTED.encode() not in result.data
    assert result.notes[0].kind == "unstorable"


def test_locks_and_files_in_a_closure_follow_the_same_rules(tmp_path: Path) -> None:
    lock = threading.Lock()
    lock.acquire()
    with (tmp_path / "x").open("w") as file:
        file.write("precious")
        file.flush()

        def work() -> Any:
            return lock, file

        data = frozen(work).data
    again_lock, again_file = thaw(data)()

    assert again_lock.acquire(timeout=2)
    assert type(again_file) is Placeholder
    assert (tmp_path / "x").read_text() == "precious"


def test_a_bundle_that_would_open_a_file_is_refused(tmp_path: Path) -> None:
    """F16: also when somebody else has made it."""
    victim = tmp_path / "victim"
    victim.write_text("precious")

    class Opens:
        def __reduce__(self) -> Any:
            from dill._dill import _create_filehandle

            return _create_filehandle, (str(victim), "w", 0, False, open, False, 0, "")

    with pytest.raises(BundleLoadError, match="open a file"):
        thaw(pickle.dumps([Opens()], 5))
    assert victim.read_text() == "precious"


def test_functions_and_classes_that_have_a_name_go_by_it() -> None:
    values = [json.dumps, json.JSONDecoder, json.JSONDecoder.decode, Path.cwd, len, "".join, dict.fromkeys, type(None)]

    result = frozen(values)

    assert result.by_value == ()
    assert thaw(result.data)[:3] == values[:3]
    assert "json" in result.packages


def test_a_function_of_a_module_that_is_not_loaded_is_not_imported_for_it() -> None:
    def stray() -> int:
        return 1

    stray.__module__ = "no_such_module_anywhere"
    stray.__qualname__ = "stray"
    sys.modules.pop("this", None)
    stray_in_this = types.FunctionType(stray.__code__, {"__name__": "this"}, "stray")
    stray_in_this.__module__ = "this"

    frozen([stray, stray_in_this])

    assert "this" not in sys.modules


class Meta(type):
    pass


class WithMeta(metaclass=Meta):
    pass


def test_classes_with_a_metaclass_go_by_name() -> None:
    assert kept([WithMeta, WithMeta()])[0] is WithMeta


def test_importing_dill_leaves_the_picklers_of_the_program_alone() -> None:
    script = """
        import pickle
        before = dict(pickle._Pickler.dispatch)
        from snapagent.serializer.freezing.freeze import FreezeRules, freeze_outcome
        import sys
        freeze_outcome({"a": [1]}, False, FreezeRules())
        assert "dill" not in sys.modules
        freeze_outcome(lambda: 1, False, FreezeRules())
        assert "dill" in sys.modules
        assert pickle._Pickler.dispatch == before
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(script)], check=True, timeout=60)


WORKER = """
    import sys
    from snapagent.serializer.freezing.freeze import FreezeRules, freeze_outcome

    class Job:
        def __init__(self, name):
            self.name = name

    def helper():
        return 1

    if __name__ == "__main__":
        value = {"job": Job("a"), "kind": Job, "helper": helper, "lambda": lambda: Job}
        result = freeze_outcome(value, False, FreezeRules())
        sys.stdout.buffer.write(result.data)
        print(result.by_value, file=sys.stderr)
"""


@pytest.fixture
def package(tmp_path: Path) -> Path:
    folder = tmp_path / "shop_for_main"
    folder.mkdir()
    (folder / "__init__.py").touch()
    (folder / "worker.py").write_text(textwrap.dedent(WORKER))
    return tmp_path


def test_what_lives_in_main_is_recorded_under_the_real_name(package: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "shop_for_main.worker"], cwd=package, capture_output=True, check=True, timeout=60
    )
    assert b"__main__" not in done.stdout
    assert done.stderr.decode().count("shop_for_main") + done.stderr.decode().count("__main__") == 1  # the lambda

    monkeypatch.syspath_prepend(str(package))
    import shop_for_main.worker as worker  # type: ignore[import-not-found]

    again = thaw(done.stdout)
    assert type(again["job"]) is worker.Job
    assert again["kind"] is worker.Job
    assert again["helper"] is worker.helper
    assert again["lambda"]() is worker.Job


def test_what_lives_in_a_script_comes_by_value(package: Path) -> None:
    script = package / "shop_for_main" / "worker.py"
    done = subprocess.run([sys.executable, str(script)], capture_output=True, check=True, timeout=60)

    again = thaw(done.stdout)

    assert again["job"].name == "a"
    assert type(again["job"]) is again["kind"]
    assert again["helper"]() == 1


DECORATED = """
    import sys
    from snapagent import capture
    from snapagent.serializer.freezing.freeze import FreezeRules, freeze_outcome

    class Job:
        @capture(enabled=True, base_path=sys.argv[1])
        def double(self, x):
            return x * 2

    @capture(enabled=True, base_path=sys.argv[1])
    def twice(x):
        return x * 2

    result = freeze_outcome([Job(), twice], False, FreezeRules())
    assert result.notes == (), result.notes
    sys.stdout.buffer.write(result.data)
"""


def test_decorated_code_of_a_script_comes_without_our_wrapper(tmp_path: Path) -> None:
    script = tmp_path / "job.py"
    script.write_text(textwrap.dedent(DECORATED))
    done = subprocess.run([sys.executable, str(script), str(tmp_path)], capture_output=True, timeout=60)
    assert done.returncode == 0, done.stderr

    job, twice = thaw(done.stdout)

    assert (job.double(4), twice(5)) == (8, 10)
    assert b"snapagent.capture" not in done.stdout


def plain(x: int) -> int:
    return x + 1


def test_a_bare_function_whose_place_our_wrapper_took_goes_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from snapagent import capture

    bare = plain
    wrapped = capture(enabled=True, base_path=str(tmp_path))(bare)
    monkeypatch.setattr(sys.modules[__name__], "plain", wrapped)

    result = frozen([bare, wrapped])

    assert result.by_value == ()
    assert thaw(result.data) == [wrapped, wrapped]
    monkeypatch.undo()
    assert thaw(result.data) == [bare, bare]


def test_code_that_cannot_be_rebuilt_costs_only_itself() -> None:
    data = frozen({"f": lambda: 1, "rows": [1, 2]}).data.replace(b"_create_function", b"_create_functiom")

    again = thaw(data)

    assert again["rows"] == [1, 2]
    with pytest.raises(PlaceholderError, match="cannot be rebuilt here"):
        again["f"]()


@pytest.mark.parametrize(
    "array", [numpy.arange(6.0).reshape(2, 3), numpy.arange(6.0)[::2], numpy.array(["a", None], object)],
    ids=["whole", "every other", "objects"],
)  # fmt: skip
def test_a_closure_over_an_array_is_kept(array: numpy.ndarray) -> None:
    def double() -> numpy.ndarray:
        return array

    assert (kept(double)() == array).all()
