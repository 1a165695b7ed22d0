"""The hash of live values, by the way that a captured call goes: frozen, redacted, read inertly."""

from __future__ import annotations

from collections.abc import Mapping

from snapagent.core.signature import Parameters
from snapagent.sealing.hashing.canonical import HashResult, argument_hash
from snapagent.sealing.opened_call import OpenedCall
from snapagent.sealing.redaction.rules import Redactor
from snapagent.serializer.freezing.freeze import FreezeRules, freeze_call, freeze_outcome


def hash_call(
    instance: object,
    args: tuple[object, ...],
    kwargs: dict[str, object],
    parameters: Parameters,
    defaults: Mapping[str, object] | None = None,
    *,
    redactor: Redactor | None = None,
    rules: FreezeRules | None = None,
) -> HashResult:
    """`instance` is the bound instance or class, None for a function. The rules default to the built-in ones."""
    rules = rules or FreezeRules()
    call = freeze_call(instance, args, kwargs, parameters, rules).data
    frozen_defaults = freeze_outcome(dict(defaults), False, rules).data if defaults else None
    opened = OpenedCall(parameters, instance is not None, call, frozen_defaults)
    opened.redact(redactor or Redactor())
    return argument_hash(opened.bound(), opened.instance_name)
