"""Tests whose side effects version 0.1.0 recorded. pytest is given this file by name: it is no part of the suite."""

from __future__ import annotations

import asyncio

import gateway
import pytest


def test_returned_and_raised(side_effects):
    side_effects.patch("gateway:charge")

    assert gateway.charge("a", 3) == {"order": "a", "amount": 3}
    assert gateway.charge("a", 3) == {"order": "a", "amount": 3}
    with pytest.raises(gateway.Declined) as raised:
        gateway.charge("b", -1)
    assert (raised.value.order, raised.value.why) == ("b", "negative")
    side_effects.assert_calls(gateway.charge)


def test_an_exception_among_the_arguments(side_effects):
    side_effects.patch("gateway:send")

    assert gateway.send(gateway.Declined("c", "late"), text="sorry") == 5


def test_generator_that_raises(side_effects):
    side_effects.patch("gateway:pages")

    given = []
    with pytest.raises(gateway.Declined, match="no third page"):
        for page in gateway.pages(7):
            given.append(page)
    assert given == [7, 8]


def test_coroutine(side_effects):
    side_effects.patch("gateway:fetch")

    assert asyncio.run(gateway.fetch("d")) == ["d"]


@pytest.mark.captures("pinshop.enrich")
def test_with_a_bundle(bundle, side_effects):
    side_effects.patch("gateway:send")

    bundle.check()
    assert gateway.send("e") == 2
