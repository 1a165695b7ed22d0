"""Records behave as frozen dataclasses do, and cost nothing at start-up."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys

import pytest

from snapagent.core.records import Record


class Point(Record):
    x: int
    y: int = 2


class Named(Point):
    name: str = "origin"


def test_fields_are_given_by_position_or_name_with_defaults() -> None:
    assert Point(1) == Point(x=1, y=2)
    assert Named(1, 3, "p").as_dict() == {"x": 1, "y": 3, "name": "p"}


@pytest.mark.parametrize("made", [0, 100])
@pytest.mark.parametrize(("positional", "named"), [((), {}), ((1,), {"z": 2}), ((1,), {"x": 2}), ((1, 2, 3), {})])
def test_missing_unknown_and_repeated_fields_are_refused(
    made: int, positional: tuple[int, ...], named: dict[str, int]
) -> None:
    class Fresh(Record):
        x: int
        y: int = 2

    for number in range(made):  # the constructor of a record that is made often is compiled
        assert Fresh(number) == Fresh(x=number, y=2)
    with pytest.raises(TypeError):
        Fresh(*positional, **named)


def test_a_record_cannot_be_changed_only_replaced() -> None:
    point = Point(1)
    with pytest.raises(AttributeError, match="frozen"):
        point.x = 5  # type: ignore[misc]
    with pytest.raises(AttributeError, match="frozen"):
        del point.x
    assert point.replace(y=9) == Point(1, 9)
    assert point == Point(1)


def test_equality_and_hash_go_by_class_and_values() -> None:
    assert hash(Point(1)) == hash(Point(1, 2))
    assert Point(1) != Point(2)
    assert Point(1, 2) != Named(1, 2)
    assert repr(Point(1)) == "Point(x=1, y=2)"


def test_records_survive_copy_and_pickle() -> None:
    assert copy.deepcopy(Point(1)) == pickle.loads(pickle.dumps(Point(1))) == Point(1)


def test_records_do_not_import_dataclasses_or_typing() -> None:
    code = "import sys; import snapagent.core.records; print({'dataclasses', 'inspect'} & set(sys.modules))"
    printed = subprocess.run(
        [sys.executable, "-I", "-S", "-c", f"import sys; sys.path[:0] = {sys.path!r}; {code}"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert printed.strip() == "set()"
