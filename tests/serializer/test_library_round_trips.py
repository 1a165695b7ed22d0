"""Values of the usual libraries come back, where those are installed."""

from __future__ import annotations

import pytest
from freezes import kept


def test_numpy_comes_back() -> None:
    numpy = pytest.importorskip("numpy")
    arrays = [
        numpy.arange(10),
        numpy.arange(12.0).reshape(3, 4).T,
        numpy.arange(10)[::2],
        numpy.array(["a", None, {"x": 1}], dtype=object),
        numpy.zeros(3, dtype=[("a", "i4"), ("b", "f8")]),
        numpy.ma.masked_array([1, 2], mask=[True, False]),
        numpy.array(3),
    ]
    for array, again in zip(arrays, kept(arrays), strict=True):
        assert (again.dtype, again.shape) == (array.dtype, array.shape)
        assert again.tolist() == array.tolist()
    assert kept(numpy.float64(1.5)) == 1.5
    assert kept(numpy.dtype("f4")) == numpy.dtype("f4")
    assert kept(numpy.random.default_rng(3)).integers(100) == numpy.random.default_rng(3).integers(100)


def test_pandas_comes_back() -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(
        {
            "a": [1, 2],
            "b": ["x", None],
            "c": pandas.to_datetime(["2026-01-01", None]),
            "d": pandas.Categorical(["u", "v"]),
        }
    )

    again, column, moment = kept([frame, frame["b"], pandas.Timestamp("2026-01-01", tz="UTC")])

    pandas.testing.assert_frame_equal(again, frame)
    pandas.testing.assert_series_equal(column, frame["b"])
    assert moment == pandas.Timestamp("2026-01-01", tz="UTC")


def test_attrs_come_back() -> None:
    pytest.importorskip("attrs")
    from attrs_and_pydantic import Defined, FrozenAttrs

    for value in (Defined(1, [2]), FrozenAttrs(3)):
        assert kept(value) == value


def test_pydantic_models_come_back() -> None:
    pytest.importorskip("attrs")
    pytest.importorskip("pydantic")
    from attrs_and_pydantic import FrozenAttrs, Model

    for value in (Model(x=1), Model(x=2, inner=[FrozenAttrs(1)]), Model(x=1, extra=3)):
        assert kept(value) == value
    assert kept(Model(x=1)).model_fields_set == {"x"}
