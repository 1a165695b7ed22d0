"""Canonical texts of numpy arrays and scalars and of pandas frames: by dtype, shape and values, never by memory layout.

Values are compared in C order, with one zero and one NaN; a frame column by column, however its blocks are laid out.
numpy itself is used only where it is loaded already, on copies of the stored bytes.
"""

from __future__ import annotations

import math
import struct
import sys
from collections.abc import Callable, Iterator, Sequence
from hashlib import sha256

from ...serializer.inert.stand_ins import Inert, StandIn
from .atoms import HINT, text_of_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .atoms import TextWriter

_NDARRAY = "numpy:ndarray"


class Array:
    """An array as a pickle describes it: `data` are the bytes in `order`, or the list of objects in C order."""

    __slots__ = ("cls", "code", "data", "dtype", "order", "shape")

    def __init__(self, cls: str, dtype: Inert, shape: tuple[int, ...], order: str, data: Any) -> None:
        self.cls = cls
        self.dtype = dtype
        self.shape = shape
        self.order = order
        self.data = data
        self.code = _code(dtype)

    @property
    def values(self) -> Any:
        """The bytes in C order, floats with one zero and one NaN; a view of them. The array holds no objects."""
        if self.code[1:2] in ("f", "c"):
            return _folded(self.data, self.code, self.shape, self.order)
        if self.order == "F" and sum(size > 1 for size in self.shape) > 1:
            return _in_c_order(self.data, self.shape)
        return memoryview(self.data)

    @property
    def rows(self) -> list[Any]:
        """The values at each index of the first axis: bytes, or lists of objects."""
        count = self.shape[0]
        values = self.data if type(self.data) is list else self.values
        size = len(values) // count if count else 0
        return [values[row * size : (row + 1) * size] for row in range(count)]


def array_of(node: Any) -> Array | None:
    """The array that a node of a graph describes, or None."""
    if not isinstance(node, Inert):
        return None
    name = type(node).qualname
    if name == "_frombuffer" and len(node.args) == 4:
        data, dtype, shape, order = node.args
        cls = _NDARRAY
    elif name == "_reconstruct" and type(node.state) is tuple and len(node.state) == 5 and node.args:
        _, shape, dtype, is_fortran, data = node.state
        order = "F" if is_fortran else "C"
        cls = node.args[0].name if isinstance(node.args[0], StandIn) else ""
    else:
        return None
    known = type(data) in (bytes, bytearray, list) and type(shape) is tuple and cls and isinstance(dtype, Inert)
    return Array(cls, dtype, shape, order, data) if known and _code(dtype) else None


def packed_in(node: Any) -> tuple[str, Any] | None:
    """Type code and bytes of an array or scalar that keeps its values as bytes; None for anything else."""
    array = array_of(node)
    if array is not None:
        return (array.code, array.data) if type(array.data) is not list else None
    is_scalar = isinstance(node, Inert) and type(node).qualname == "scalar" and len(node.args) == 2
    if not is_scalar or not isinstance(node.args[0], Inert) or type(node.args[1]) is not bytes:
        return None
    code = _code(node.args[0])
    return (code, node.args[1]) if code else None


def _code(dtype: Inert) -> str:
    """Byte order and type code, such as `<f8`; empty for a dtype of another kind."""
    if type(dtype).name != "numpy:dtype" or type(dtype.state) is not tuple or not dtype.args:
        return ""
    return f"{dtype.state[1]}{dtype.args[0]}"


def _dtype_text(writer: TextWriter, dtype: Inert) -> str:
    names, fields = dtype.state[3], dtype.state[4]
    rest = [dtype.state[2], names, fields, dtype.state[8] if len(dtype.state) > 8 else None]
    detail = writer.of_made(rest) if any(part is not None for part in rest) else ""
    return f"{text_of_name(_code(dtype))}{detail}"


def _numpy() -> Any:
    return sys.modules.get("numpy")


def _folded(data: Any, code: str, shape: tuple[int, ...], order: str) -> Any:
    """Floats in C order, with one zero and one NaN; copied only where something must be changed."""
    numpy = _numpy()
    if numpy is None:
        return memoryview(data)
    array = numpy.frombuffer(data, dtype=code)
    if order == "F":
        array = numpy.ascontiguousarray(array.reshape(shape, order="F"))
    array = array.reshape(-1)
    parts = array.view(f"{code[0]}f{array.itemsize // 2}") if code[1] == "c" else array
    missing = numpy.isnan(parts)
    if missing.any() or _has_negative_zero(numpy, parts):
        with numpy.errstate(all="ignore"):
            parts = (parts + parts.dtype.type(0)).astype(parts.dtype)
        parts[missing] = numpy.nan
    return memoryview(parts).cast("B") if parts.dtype.isnative else memoryview(parts.tobytes())


def _has_negative_zero(numpy: Any, parts: Any) -> bool:
    negative = numpy.signbit(parts)
    return bool(negative.any()) and not parts[negative].all()


def _in_c_order(data: Any, shape: tuple[int, ...]) -> Any:
    numpy = _numpy()
    size = len(data) // max(math.prod(shape), 1)
    if numpy is None or not size:
        return memoryview(data)
    return memoryview(numpy.frombuffer(data, dtype=f"V{size}").reshape(shape, order="F").tobytes(order="C"))


def _digest(data: Any) -> str:
    return sha256(data).hexdigest()


def _values_text(writer: TextWriter, values: Any) -> str:
    return writer.of_made(values) if type(values) is list else f"#{_digest(values)}"


def _array(writer: TextWriter, node: Inert) -> str | None:
    array = array_of(node)
    if array is None:
        return None
    values = array.data if type(array.data) is list else array.values
    shape = ",".join(map(str, array.shape))
    text = f"A{_dtype_text(writer, array.dtype)}({shape}){_values_text(writer, values)}"
    return text if array.cls == _NDARRAY else f"A{text_of_name(array.cls)}{text}"


def _scalar(writer: TextWriter, node: Inert) -> str | None:
    if len(node.args) != 2 or not isinstance(node.args[0], Inert) or type(node.args[1]) is not bytes:
        return None
    dtype, data = node.args
    code = _code(dtype)
    if not code:
        return None
    value = _folded(data, code, (1,), "C") if code[1] in "fc" else data
    return f"a{_dtype_text(writer, dtype)}#{bytes(value).hex()};"


def _frame_blocks(writer: TextWriter, node: Inert) -> str | None:
    """A block manager: the axes, then one text for each column in order."""
    if len(node.args) < 2 or type(node.args[0]) is not tuple:
        return None
    columns: dict[int, str] = {}
    for block in node.args[0]:
        if not isinstance(block, Inert) or len(block.args) != 3:
            return None
        places = _places(block.args[1])
        texts = list(_column_texts(writer, block.args[0], len(places or ())))
        if places is None or len(texts) != len(places):
            return None
        columns.update(zip(places, texts, strict=True))
    body = "".join([columns[place] for place in sorted(columns)])
    return f"B{writer.of(node.args[1])}{len(columns)}:{body}"


def _places(placement: Any) -> Sequence[int] | None:
    array = array_of(placement)
    if array is not None and type(array.data) is not list and array.code[1:] == "i8":
        data = array.values
        return struct.unpack(f"{array.code[0]}{len(data) // 8}q", data)
    if isinstance(placement, Inert) and type(placement).qualname == "slice" and len(placement.args) == 3:
        start, stop, step = placement.args
        return range(start, stop, step) if type(start) is type(stop) is type(step) is int else None
    return None


def _column_texts(writer: TextWriter, values: Any, count: int) -> Iterator[str]:
    array = array_of(values)
    prefix = ""
    if array is None and _is_backed(values):
        array = array_of(values.state[1])
        prefix = "" if _is_text(values) else f"x{writer.of(values.args[0])}{writer.of(values.state[0])}"
    if array is None or len(array.shape) != 2:
        if _is_text(values) and array is not None and type(array.data) is list:
            yield _texts_text(writer, array.data)
        else:
            yield writer.of(values)
        return
    for row in array.rows:
        text = _column_of_text(writer, row) if type(row) is list else None
        if text is not None:
            yield f"{prefix}{text}"
        else:
            yield f"{prefix}{_dtype_text(writer, array.dtype)}{_values_text(writer, row)}"


def _is_backed(values: Any) -> bool:
    """Whether it is an extension array around one of numpy's: its state is (dtype, array, ...)."""
    return (
        isinstance(values, Inert)
        and type(values).qualname == "__pyx_unpickle_NDArrayBacked"
        and type(values.state) is tuple
        and len(values.state) > 1
    )


def _is_text(values: Any) -> bool:
    """Whether it is a pandas array of texts: some versions store texts as objects, others as a type of their own."""
    return _is_backed(values) and isinstance(values.args[0], StandIn) and values.args[0].qualname == "StringArray"


def _column_of_text(writer: TextWriter, items: list[Any]) -> str | None:
    """The canonical text of a column of texts, None and NaN; None for any other column."""
    text = _lines_text(items)
    if text is not None:
        return text
    kinds = set(map(type, items))
    if not kinds <= {str, float, type(None)} or str not in kinds:
        return None
    if float in kinds and any(item == item for item in items if type(item) is float):
        return None
    return _texts_text(writer, items)


def _texts_text(writer: TextWriter, items: list[Any]) -> str:
    """A column of texts, in which None and NaN are the same missing value."""
    text = _lines_text(items)
    if text is None:
        text = f"T{writer.of_made([item if type(item) is str else None for item in items])}"
    return text


def _lines_text(items: list[Any]) -> str | None:
    """Texts without line breaks as one digest; None when other values are among them."""
    try:
        text = "\n".join(items)
    except TypeError:
        return None
    if not items or text.count("\n") != len(items) - 1 or HINT in text:  # a line break ends each text
        return None
    return f"t{len(items)}:#{_digest(text.encode('utf-8', 'surrogatepass'))}"


ARRAYS: dict[str, Callable[[TextWriter, Inert], str | None]] = {
    "numpy.core.multiarray:_reconstruct": _array,
    "numpy.core.multiarray:scalar": _scalar,
    "numpy.core.numeric:_frombuffer": _array,
    "pandas.core.internals.managers:BlockManager": _frame_blocks,
}
