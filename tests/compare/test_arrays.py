"""numpy and pandas, if installed: dtype, shape, labels, NaN, tolerance, and the first places that differ."""

from __future__ import annotations

import subprocess
import sys

import pytest

from snapagent.compare import compare
from snapagent.compare.outcomes import Returned

numpy = pytest.importorskip("numpy")


def test_arrays_are_compared_by_dtype_shape_and_elements() -> None:
    assert compare(numpy.array([1.0, numpy.nan]), numpy.array([1.0, numpy.nan])) == []
    assert [d.path for d in compare(numpy.array([1, 2]), numpy.array([1.0, 2.0]))] == ["result.dtype"]
    assert [d.path for d in compare(numpy.zeros((2, 1)), numpy.zeros(2))] == ["result.shape"]
    paths = [d.path for d in compare({"a": numpy.zeros((2, 2))}, {"a": numpy.eye(2)})]
    assert paths == ["result.a", "result.a[0][0]", "result.a[1][1]"]


def test_tolerance_reaches_into_arrays_and_scalars() -> None:
    assert compare(numpy.array([1.0, 2.0]), numpy.array([1.0, 2.0 + 1e-12]))
    assert compare(numpy.array([1.0, 2.0]), numpy.array([1.0, 2.0 + 1e-12]), rtol=1e-9) == []
    assert compare(numpy.float32(1.0), numpy.float32(1.5), atol=1.0) == []
    assert compare(numpy.float64(1.0), 1.0)  # another type


def test_object_masked_and_structured_arrays_are_looked_into() -> None:
    left = numpy.array([{"a": 1}, None], dtype=object)
    right = numpy.array([{"a": 2}, None], dtype=object)
    assert [d.path for d in compare(left, right)] == ["result[0].a"]
    masked = [numpy.ma.array([1, value], mask=[False, True]) for value in (2, 3)]
    assert compare(*masked) == []
    rows = [numpy.array([(1, value)], dtype=[("x", "i8"), ("y", "f8")]) for value in (2.0, 3.0)]
    assert [d.path for d in compare(*rows)] == ["result.y"]


def test_an_expected_array_survives_being_compared_with_one_on_either_side() -> None:
    expected = Returned(numpy.arange(3))
    assert numpy.arange(3) == expected
    assert expected == numpy.arange(3)
    assert numpy.arange(3) + 1 != expected
    assert numpy.arange(3.0) != expected
    assert Returned([numpy.arange(2)]) == [numpy.arange(2)]


def test_frames_and_series() -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"price": [1.0, None, 3.0], "name": ["a", None, "c"]})
    assert compare(frame, frame.copy()) == []
    changed = frame.copy()
    changed.loc[2, "price"] = 4.0
    assert [d.path for d in compare(frame, changed)] == ["result.price[2]"]
    assert compare(frame, changed, atol=2.0) == []
    assert [d.path for d in compare(frame, frame.rename(columns={"name": "n"}))] == ["result.columns[1]"]
    assert [d.path for d in compare(frame["price"], changed["price"])] == ["result[2]"]
    assert compare(pandas.Timestamp("2026-01-01"), pandas.Timestamp("2026-01-02"))
    assert compare(pandas.NaT, pandas.NaT) == []
    assert frame == Returned(frame.copy())
    assert pandas.Series([1]) == Returned(pandas.Series([1]))


def test_neither_library_is_imported_by_a_comparison() -> None:
    program = """if True:
        import sys
        from snapagent.compare import compare
        compare([1], [2])
        print({'numpy', 'pandas'} & {*sys.modules})
    """
    out = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert out.strip() == "set()"
