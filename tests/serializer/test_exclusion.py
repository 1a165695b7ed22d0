"""What a person leaves out on purpose: by path, by type; and what a test puts there instead."""

from __future__ import annotations

import dataclasses
from collections import OrderedDict, namedtuple
from collections.abc import Iterator
from typing import Any

import pytest
from freezes import frozen, frozen_call, notes_by_path, round_trip, rules

from snapagent.core.signature import Parameters
from snapagent.errors import FacsimileError, PlaceholderError
from snapagent.placeholder import Placeholder, note_of
from snapagent.serializer.freezing.freeze import freeze_call, freeze_outcome
from snapagent.serializer.thawing.load import check_facsimiles, thaw


class Expensive:
    """Must never be asked for its pickle form."""

    def __reduce_ex__(self, protocol: Any) -> Any:
        raise AssertionError("an excluded object was pickled")


class Service:
    def __init__(self, **attributes: object) -> None:
        self.__dict__.update(attributes)


class Slotted:
    __slots__ = ("model", "name")

    def __init__(self) -> None:
        self.model = Expensive()
        self.name = "x"


@dataclasses.dataclass
class Row:
    owner: object
    amount: int


def place(self: object, rows: object, *rest: object, session: object = None, **kwargs: object) -> None: ...


@pytest.mark.parametrize(
    ("path", "call"),
    [
        ("self.model", lambda it: ((Service(model=it, rate=1), []), {})),
        ("session", lambda it: ((1, 2), {"session": it})),
        ("rows", lambda it: ((1, it), {})),
        ("kwargs.user", lambda it: ((1, 2), {"user": it, "other": 1})),
        ("rest[1]", lambda it: ((1, 2, 3, it), {})),
        ("rows[1].owner", lambda it: ((1, [Row(0, 1), Row(it, 2)]), {})),
        ("rows.table['odd key']", lambda it: ((1, {"table": {"odd key": it}}), {})),
        ("self.inner.cache.model", lambda it: ((Service(inner=Service(cache={"model": it})), 1), {})),
        ("self.cache.model", lambda it: ((Service(cache=OrderedDict(model=it)), 1), {})),
        ("**.secret_model", lambda it: ((1, [{"a": Service(secret_model=it)}]), {})),
        ("*.model", lambda it: ((Service(model=it), Service(model=it)), {})),
    ],
)
def test_what_a_path_names_is_left_out_unasked(path: str, call: Any) -> None:
    args, kwargs = call(Expensive())

    result = freeze_call(None, args, kwargs, Parameters.of(place), rules(exclude=(path,)))

    assert {note.kind for note in result.notes} == {"excluded"}
    assert {note.type for note in result.notes} == {f"{__name__}.Expensive"}


def test_the_bound_instance_goes_by_the_name_of_the_first_parameter() -> None:
    service = Service(model=Expensive(), rate=2)

    result = freeze_call(service, ([1],), {}, Parameters.of(place), rules(exclude=("self.model",)))

    instance, args, _ = thaw(result.data)
    assert (instance.rate, args) == (2, ([1],))
    assert note_of(instance.model).path == "self.model"


def test_a_wildcard_names_each_item() -> None:
    rows = [Row(Expensive(), index) for index in range(3)]

    result = frozen_call(place, None, rows, rules=rules(exclude=("rows[*].owner",)))

    assert list(notes_by_path(result)) == ["rows[0].owner", "rows[1].owner", "rows[2].owner"]
    assert [row.amount for row in thaw(result.data)[1][1]] == [0, 1, 2]


def test_slots_are_left_out_as_attributes_are() -> None:
    result = frozen_call(place, Slotted(), [], rules=rules(exclude=("self.model",)))

    assert thaw(result.data)[1][0].name == "x"
    assert list(notes_by_path(result)) == ["self.model"]


def test_an_outcome_is_pruned_by_its_own_paths() -> None:
    result = freeze_outcome({"model": Expensive(), "ok": 1}, False, rules(exclude=("result.model", "model")))

    assert thaw(result.data)["ok"] == 1
    assert list(notes_by_path(result)) == ["result.model"]


def test_a_parameter_called_result_is_no_outcome() -> None:
    def receive(result: object) -> None: ...

    call = frozen_call(receive, {"x": Expensive(), "y": 1}, rules=rules(exclude=("arguments.result.x",)))
    outcome = frozen({"x": 1}, rules(exclude=("arguments.result.x",)))

    assert list(notes_by_path(call)) == ["arguments.result.x"]
    assert outcome.notes == ()


def test_the_programs_own_values_are_not_changed() -> None:
    service = Service(model=Expensive(), rows=[{"owner": 1}])
    before = dict(service.__dict__)

    frozen_call(place, service, service.rows, rules=rules(exclude=("self.model", "rows[*].owner")))  # type: ignore[attr-defined]

    assert service.__dict__ == before
    assert service.rows == [{"owner": 1}]  # type: ignore[attr-defined]


def test_sharing_and_cycles_survive_next_to_what_is_left_out() -> None:
    shared = [1]
    data: dict[str, Any] = {"a": shared, "b": shared, "secret": Expensive()}
    data["me"] = data

    again = round_trip(data, rules(exclude=("**.secret",)))

    assert again["me"] is again
    assert again["a"] is again["b"]
    assert type(again["secret"]) is Placeholder


def test_a_path_that_names_nothing_changes_nothing() -> None:
    assert round_trip({"a": (1, [2])}, rules(exclude=("result.b", "self.x", "result.a[7].z"))) == {"a": (1, [2])}


def test_what_is_left_out_says_its_type_and_length() -> None:
    note = frozen({"rows": [1, 2, 3]}, rules(exclude=("result.rows",))).notes[0]

    assert (note.type, note.detail, note.reason) == ("list", "length 3", "its path is excluded")


class Base:
    pass


class Derived(Base, Expensive):
    pass


def test_types_are_left_out_with_their_subclasses() -> None:
    result = frozen([Derived(), 1], rules(exclude_types=(f"{__name__}.Base",)))

    assert [note.reason for note in result.notes] == ["its type is excluded"]
    assert thaw(result.data)[1] == 1


def test_a_type_may_be_named_as_its_package_exports_it() -> None:
    """`torch.nn.Module` lives in `torch.nn.modules.module`; here: a class of `json.decoder` exported by `json`."""
    import json

    result = frozen([json.JSONDecoder()], rules(exclude_types=("json.JSONDecoder",)))

    assert result.notes[0].type == "json.decoder.JSONDecoder"
    assert frozen([Base()]).notes == ()  # other targets are not affected


Point = namedtuple("Point", "x y")


def test_named_tuples_on_the_way_are_kept() -> None:
    again = round_trip({"p": Point(1, {"secret": 2})}, rules(exclude=("**.secret",)))

    assert type(again["p"]) is Point
    assert again["p"].x == 1


# facsimiles


def started() -> Iterator[str]:
    """A generator whose items cannot be read any more."""
    items = (item for item in "xy")
    next(items)
    return items


def sealed() -> bytes:
    service = Service(model=Expensive(), db=started(), rate=2)
    return frozen_call(place, service, [Row(Expensive(), 1)], rules=rules(exclude=("self.model", "rows[*].owner"))).data


def test_facsimiles_stand_in_their_places() -> None:
    _, (service, rows), _ = thaw(sealed(), facsimiles={"self.model": "tiny", "rows[*].owner": 7})

    assert (service.model, rows[0].owner, service.rate) == ("tiny", 7, 2)
    assert type(service.db) is Placeholder


def test_an_unknown_facsimile_is_an_error_that_lists_the_placeholders() -> None:
    with pytest.raises(FacsimileError, match=r"self\.modle.*self\.model.*rows\[0\]\.owner"):
        thaw(sealed(), facsimiles={"self.modle": 1})
    with pytest.raises(FacsimileError, match=r"self\.modle.*self\.model"):
        check_facsimiles({"self.modle": 1}, ["self.model"])
    check_facsimiles({"self.*": 1}, ["self.model"])


def test_facsimiles_for_the_outcome_are_no_concern_of_the_call() -> None:
    given = {"self.model": 1, "result.model": 2}

    assert thaw(sealed(), facsimiles=given, part="call")[1][0].model == 1
    with pytest.raises(FacsimileError):
        thaw(sealed(), facsimiles=given)


def test_each_loading_gives_a_fresh_copy() -> None:
    data = frozen([[1]]).data
    first = thaw(data)
    first[0].append(2)

    assert thaw(data) == [[1]]


def test_a_facsimile_reaches_into_code_that_is_stored_by_value() -> None:
    generator = (i for i in "x")
    data = frozen(lambda: generator).data

    assert thaw(data, facsimiles={"result.generator": 5})() == 5
    with pytest.raises(PlaceholderError):
        len(thaw(data)())
