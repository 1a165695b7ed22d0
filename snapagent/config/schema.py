"""The JSON Schema of the YAML file, for editors: built from the table of keys that validates it."""

from __future__ import annotations

from collections.abc import Mapping

from .settings import CONFIG_FIELDS, SETTINGS_FIELDS, Key
from .units import INFINITY

Schema = dict[str, object]

_NUMBER = r"(0|[1-9][0-9]*)(\.[0-9]+)?"
_SIZE = rf"^ *{_NUMBER} *(([kKmMgGtT][iI]?)?[bB])? *$"
_DURATION = rf"^ *({_NUMBER}|({_NUMBER} *(us|ms|s|m|min|h|d|w) *)+) *$"
_SHARE = rf"^ *{_NUMBER} *%? *$"
_ENDLESS: Schema = {"type": "number", "minimum": 1e308}
"""JSON has no infinity: what an editor reads for `.inf` is a number above every finite one that people write."""


def build(version: int) -> Schema:
    """The whole schema; see config.schema."""
    settings = _properties(SETTINGS_FIELDS)
    target: Schema = {"type": "string", "minLength": 1, "description": "module:qualname, dotted, or a glob of either."}
    properties = {
        "version": {"const": version, "description": "Of this format."},
        **_properties(CONFIG_FIELDS),
        "defaults": _mapping("Settings of every target; each may be set per target too.", settings, null=True),
        "targets": _list("The functions to capture.", {"anyOf": [target, _rule(target, settings)]}),
        "exclude_targets": _list("Functions that are never targets; wins over 'targets'.", target),
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "snapagent configuration",
        **_mapping("Which functions are captured, and how.", properties, required=("version",)),
    }


def _rule(target: Schema, settings: Schema) -> Schema:
    return _mapping("A target with settings of its own.", {"target": target, **settings}, required=("target",))


def _mapping(doc: str, properties: Schema, *, required: tuple[str, ...] = (), null: bool = False) -> Schema:
    schema: Schema = {
        "description": doc,
        "type": ["object", "null"] if null else "object",
        "properties": properties,
        "additionalProperties": False,
    }
    return {**schema, "required": list(required)} if required else schema


def _list(doc: str, items: Schema) -> Schema:
    return {"description": doc, "type": ["array", "null"], "items": items}


def _properties(fields: Mapping[str, Key]) -> Schema:
    return {name: _field(field) for name, field in fields.items()}


def _field(field: Key) -> Schema:
    schema: Schema = {"description": field.doc, **_kind(field)}
    if field.default is not None and field.default != INFINITY:
        schema["default"] = _plain(field)
    return schema


def _plain(field: Key) -> object:
    """The default as JSON spells it."""
    if field.kind == "pairs":
        return {}
    return list(field.default) if isinstance(field.default, tuple) else field.default


def _kind(field: Key) -> Schema:
    text: Schema = {"type": "string", "minLength": 1}
    whole: Schema = {"type": "integer", "minimum": field.minimum}
    kinds: dict[str, Schema] = {
        "flag": {"type": "boolean"},
        "text": text,
        "choice": {"enum": list(field.options)},
        "names": {"type": "array", "items": text},
        "pairs": {"type": "object", "additionalProperties": text},
        "whole": {"anyOf": [whole, _ENDLESS]} if field.endless else whole,
        "size": _amount({"type": "number", "minimum": 1}, _SIZE),
        "duration": _amount({"type": "number", "exclusiveMinimum": 0}, _DURATION),
        "share": _amount({"type": "number", "minimum": 0, "maximum": 1}, _SHARE),
    }
    return kinds[field.kind]


def _amount(number: Schema, pattern: str) -> Schema:
    return {"anyOf": [number, {"type": "string", "pattern": pattern}]}
