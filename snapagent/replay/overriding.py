"""Other values for some arguments of a stored call: a mock where the call had the real thing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..core.signature import VAR_KEYWORD, VAR_POSITIONAL, Parameters

StoredArguments = tuple[Any, tuple[Any, ...], dict[str, Any]]  # instance, args, kwargs


def check_names(parameters: Parameters, overrides: Mapping[str, Any], target: str) -> None:
    """Raises TypeError for a name that the target cannot be called with."""
    names = [name for name, kind in parameters.items if kind not in (VAR_POSITIONAL, VAR_KEYWORD)]
    takes_any = any(kind == VAR_KEYWORD for _, kind in parameters.items)
    unknown = [name for name in overrides if name not in names]
    if unknown and not takes_any:
        raise TypeError(
            f"{target} has no parameter {', '.join(map(repr, unknown))}; it has {', '.join(names) or 'none'}"
        )


def override(
    stored: StoredArguments, parameters: Parameters, has_instance: bool, overrides: Mapping[str, Any]
) -> StoredArguments:
    """The arguments with `overrides`, by parameter name, in the places where the caller passed them."""
    instance, args, kwargs = stored
    positional = [instance, *args] if has_instance else list(args)
    names = [name for name, kind in parameters.items if kind.startswith("positional")]
    keywords = dict(kwargs)
    for name, value in overrides.items():
        at = names.index(name) if name in names else len(positional)
        if at < len(positional):
            positional[at] = value
        else:
            keywords[name] = value
    if has_instance:
        return positional[0], tuple(positional[1:]), keywords
    return instance, tuple(positional), keywords
