"""Summaries from the beginning of a header: the same as from the whole header, or none."""

from __future__ import annotations

import pytest
from storing import TARGET, header_of, payload_of

from snapagent.bundle import Note, encode
from snapagent.errors import CorruptBundleError
from snapagent.store import Store
from snapagent.store.bundle_files import HeaderSummary, parse_summary

TREE = {"rows": {"type": "list", "text": "x" * 400}, "tree": {"type": "int", "text": "1"}}
TRICKY = {
    "rows": ',"tree":{"x":1},"exception":"no","parts":[1]',
    "tree": '"}]',
    "exception": "'\\'",
    "parts": "\ud800\x1b",
    "arguments.result": "{",
}


def encoded(**fields) -> tuple:
    payload = payload_of([1, 2])
    header = header_of(payload).replace(
        tree=TREE, parameters=tuple((name, "keyword") for name in TRICKY), previews=TRICKY, **fields
    )
    return header, encode(header, payload)


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"outcome": "raised", "exception": "shop.errors.NoRows"},
        {"notes": (Note("rows[0]", "redacted", "str", "a secret", ',"tree":{'),)},
        {"target": 'shop.evil:",\\"tree\\":{'},
        {"duration": 1e-9},
    ],
)
def test_a_summary_equals_the_whole_header_and_parses_no_tree(fields):
    header, data = encoded(**fields)

    found = parse_summary(data)

    assert found is not None
    assert found._replace(parameters=header.parameters) == HeaderSummary.of(header)
    assert [tuple(pair) for pair in found.parameters] == list(header.parameters)
    assert parse_summary(data[: data.index(b'"type":"list"')]) == found


@pytest.mark.parametrize(
    "change",
    [
        (b"snapagent-bundle 1", b"snapagent-bundle 3"),
        (b'"duration":', b'"_uration":'),
        (b'"parameters":[["', b'"parameters":["'),
        (b'"outcome":"returned"', b'"outcome":["eturned"]'),
        (b',"tree":{', b',"tree":[{'),
        (b'"previews":{', b'"previews":[{'),
    ],
)
def test_a_header_of_another_shape_gives_no_summary(change):
    _, data = encoded()

    assert parse_summary(data.replace(*change, 1)) is None


def test_the_whole_header_is_read_where_its_beginning_gives_no_summary(tmp_path):
    store = Store(str(tmp_path))
    header, data = encoded()
    payload = payload_of([1, 2])
    whole = store.publish(TARGET, header, payload, when=1.0)
    torn = store.publish(TARGET, header, payload, when=2.0)
    with open(torn.path, "wb") as file:
        file.write(data[:300])

    (_, found, size), (_, problem, torn_size) = store.summaries([whole, torn])

    assert found == parse_summary(data)
    assert size == len(data)
    assert isinstance(problem, CorruptBundleError)
    assert torn_size == 300
