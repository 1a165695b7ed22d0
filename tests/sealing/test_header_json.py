"""A sealed header is written in pieces: its bytes are those that the JSON encoder gives for all of it at once."""

from __future__ import annotations

import json
import pickle
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from sealing_support import raw_call

from snapagent.bundle import Header
from snapagent.core.json_text import JsonMapping
from snapagent.sealing.hashing.canonical import Canonical
from snapagent.sealing.preview import preview_text
from snapagent.sealing.preview_tree import previews
from snapagent.sealing.seal import SealRules, seal
from snapagent.serializer.inert.decode import decode

atoms = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=30)
    | st.binary(max_size=20)
    | st.sampled_from(["x" * 300, "\x1b[31m" * 60, "Grüße", "\ud800", 'it\'s "so"', bytearray(b"x" * 250)])
)
keys = st.sampled_from(["id", "name", "a b", "é", "_x", "%s", '"', ""]) | st.text(max_size=4) | st.integers(0, 9)
values = st.recursive(
    atoms,
    lambda inner: (
        st.lists(inner, max_size=25)
        | st.dictionaries(keys, inner, max_size=14)
        | st.tuples(inner)
        | st.tuples(inner, inner)
        | st.sets(st.integers() | st.text(max_size=3), max_size=4)
        | st.builds(complex, st.floats(allow_nan=False))
    ),
    max_leaves=60,
)


def anything(*args: Any, **kwargs: Any) -> Any: ...


def as_encoded(header: Header) -> bytes:
    fields = {
        name: dict(value) if isinstance(value, JsonMapping) else value for name, value in header.as_dict().items()
    }
    fields["parts"] = [part.as_dict() for part in header.parts]
    fields["notes"] = [note.as_dict() for note in header.notes]
    fields = {name: value for name, value in fields.items() if value or name not in ("effects", "accepted")}
    return json.dumps(fields, separators=(",", ":")).encode()


@given(st.lists(values, max_size=3), st.dictionaries(st.text(max_size=5), values, max_size=3), values)
@settings(max_examples=40, deadline=None)
def test_a_sealed_header_is_written_as_the_encoder_writes_it(args: list[Any], kwargs: Any, result: Any) -> None:
    header, _ = seal(raw_call(anything, *args, result=result, **kwargs), SealRules(b"k"))

    for changed in (
        header,
        header.replace(accepted={"by": "x\n"}, effects={"rows": 1}, opaque=('a["b"]',), duration=3),
    ):
        assert changed.to_json() == as_encoded(changed)
        again = Header.from_json(changed.to_json())
        assert again == changed
        assert again.to_json() == changed.to_json()


def test_facts_of_other_types_are_written_as_well() -> None:
    """A file that somebody has edited can have a number for a text, and it may be promoted."""
    header, _ = seal(raw_call(anything, 1), SealRules(b"k"))

    for changes in ({"timestamp": 5}, {"target": ["x"]}, {"duration": True}, {"platform": None}, {"exception": 1.5}):
        changed = header.replace(**changes)
        assert changed.to_json() == as_encoded(changed)


@given(values)
@settings(max_examples=150, deadline=None)
def test_the_preview_of_a_literal_is_the_text_of_any_value(value: Any) -> None:
    """A short literal is shown by its `repr`; the walk over its tree finds out whether it is one."""
    graph = decode(pickle.dumps(value, 5))

    texts, _ = previews({"value": graph}, Canonical())

    assert texts["value"] == preview_text(graph)


def test_literals_at_the_limits_are_shown_as_any_value() -> None:
    around = [
        *(["x" * length] for length in range(60, 90)),
        *([[["x" * length]], "y", {"a": ()}] for length in range(40, 80)),
        *(list(range(length)) for length in range(30)),
        *({str(number): number for number in range(length)} for length in range(20)),
        [[[[1]]]],
        [[[[[1]]]]],
        [[[[[]]]]],
        *([[]] * length for length in range(20)),
        *({"k": [{}] * length} for length in range(14)),
        10**5000,
        [1, {"huge": 10**5000}, 2],
    ]
    for value in around:
        assert previews({"value": value}, Canonical())[0]["value"] == preview_text(value)
