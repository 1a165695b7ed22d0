"""Forms for built-in types that pickle refuses: views of dicts, read-only mappings, matches, memory, `sys.flags`."""

from __future__ import annotations

import gc
import types
from collections import OrderedDict

from ...core.type_facts import module_name, mro, namespace, qualname, type_name
from ..naming import lookup
from ..rebuild import class_namespace, load_named, rebuild_match, rebuild_memory, rebuild_view
from .reduce import Unstorable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Form = tuple[Any, ...]

_DESCRIPTORS = (types.GetSetDescriptorType, types.MemberDescriptorType, types.WrapperDescriptorType)
INTERPRETER_FACTS = (
    "sys.flags",
    "sys.float_info",
    "sys.hash_info",
    "sys.int_info",
    "sys.thread_info",
    "sys.version_info",
)


def view_form(view: Any) -> Form:
    """The form of a view of a dict: of keys, only these are stored; of values and items, the dict itself."""
    names = [type_name(base) for base in mro(type(view))]
    if "dict_keys" in names:
        return rebuild_view, ("keys", (OrderedDict if "odict_keys" in names else dict).fromkeys(view))
    return rebuild_view, ("values" if "dict_values" in names else "items", _inside(view))


def proxy_form(proxy: Any) -> Form:
    """The form of a read-only mapping; that of a class goes by the class."""
    mapping = _inside(proxy)
    for value in mapping.values() if type(mapping) is dict else ():
        if type(value) in _DESCRIPTORS and _inside(namespace(value.__objclass__)) is mapping:
            return class_namespace, (value.__objclass__,)
    return types.MappingProxyType, (mapping,)


def _inside(value: Any) -> Any:
    """The only object that a view or a proxy refers to, which it does not show. Raises Unstorable."""
    found = gc.get_referents(value)
    if len(found) != 1:
        raise Unstorable("the mapping behind it cannot be found")
    return found[0]


def match_form(match: Any) -> Form:
    """The form of a match: its pattern and text, and the places that it found."""
    return rebuild_match, (match.re, match.string, match.pos, match.endpos, match.regs)


def memory_form(view: memoryview) -> Form:
    """The form of a view of memory: a copy of it. Raises ValueError for one that was released."""
    content = view.tobytes()
    return rebuild_memory, (content if view.readonly else bytearray(content), view.format, view.shape)


def named_by_its_type(value: Any) -> Form | None:
    """The form of an object that stands under its type's own name, as `sys.flags` does; None for others."""
    module, name = module_name(type(value)), qualname(type(value))
    return (load_named, (f"{module}:{name}",)) if lookup(module, name) is value else None
