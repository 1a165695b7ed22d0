"""Where the attributes of an object are in its pickled state, whatever form its library gives the state.

Used on live states and on inert graphs alike: a path is the same in a note, in a tree and in a difference.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_HOLDS = "__dict__"  # a state with this key is one of pydantic: attributes are one level down
_INNER = (_HOLDS, "__pydantic_extra__", "__pydantic_private__", "__private_attribute_values__")
_BOOKKEEPING = frozenset((*_INNER, "__pydantic_fields_set__", "__fields_set__"))  # which fields were given in the call


def inner_parts(state: Any) -> list[dict[Any, Any]]:
    """The dicts of attributes inside a state that is not itself such a dict: of `(attributes, slots)`, of pydantic."""
    if type(state) is tuple:
        parts = _parts_of_pair(state)
        return [dict_ for part in parts for dict_ in (part, *_inner_of(part))]
    return _inner_of(state) if isinstance(state, dict) else []


def attribute_parts(state: Any) -> list[dict[Any, Any]]:
    """The dicts that together hold the attributes by name; none for a state of another form."""
    parts = _parts_of_pair(state) if type(state) is tuple else [state] if isinstance(state, dict) else []
    found: list[dict[Any, Any]] = []
    for part in parts:
        inner = _inner_of(part)
        found += inner or [part]
        if inner:
            found.append({name: value for name, value in part.items() if name not in _BOOKKEEPING})
    return found


def _parts_of_pair(state: tuple[Any, ...]) -> list[dict[Any, Any]]:
    """Of `(attributes or None, slots)`."""
    if len(state) != 2 or not isinstance(state[1], dict) or not (state[0] is None or isinstance(state[0], dict)):
        return []
    return [part for part in state if part is not None]


def _inner_of(state: dict[Any, Any]) -> list[dict[Any, Any]]:
    if not isinstance(state.get(_HOLDS), dict):
        return []
    return [state[name] for name in _INNER if isinstance(state.get(name), dict)]
