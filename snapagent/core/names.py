"""Names of classes and functions: two objects of one name are of one type, reloaded modules or not."""

from __future__ import annotations


def type_name(kind: type) -> str:
    """`module.qualname`, and the bare name for builtins."""
    module = kind.__module__
    return kind.__qualname__ if module == "builtins" else f"{module}.{kind.__qualname__}"


def reference_name(value: object) -> str:
    """The name under which a class, function or module is found again."""
    name = getattr(value, "__qualname__", None) or getattr(value, "__name__", "")
    return f"{getattr(value, '__module__', '')}.{name}"
