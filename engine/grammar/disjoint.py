"""Whether no value can be of two schemas at once: what `oneOf` asks and a grammar cannot see."""

import itertools
import json
from collections.abc import Iterable, Sequence
from typing import Any

from engine.grammar.pointer import follow


def are_disjoint(root: Any, schemas: Sequence[Any]) -> bool:
    """By type, or by a member that all require with other constants. Doubt means no."""
    plain = [_resolved(root, schema) for schema in schemas]
    pairs = itertools.combinations(plain, 2)
    return all(one and other and _differ(root, one, other) for one, other in pairs)


def _resolved(root: Any, schema: Any) -> dict[str, Any] | None:
    """What a schema refers to, if that can be told without much ado."""
    for _ in range(8):
        if not isinstance(schema, dict):
            return None
        if "$ref" not in schema:
            return schema
        try:
            _, schema = follow(root, schema["$ref"])
        except LookupError:
            return None
    return None


def _differ(root: Any, one: dict[str, Any], other: dict[str, Any]) -> bool:
    kinds = (_kinds(one), _kinds(other))
    if _apart(*kinds) or _apart(_constants(one), _constants(other)):
        return True
    if kinds != ({"object"}, {"object"}):
        return False
    names = set(one.get("required", ())) & set(other.get("required", ()))
    return any(_differ_in(root, name, (one, other)) for name in names)


def _differ_in(root: Any, name: str, schemas: Iterable[dict[str, Any]]) -> bool:
    """Whether the member `name` has other constants in each."""
    said = [_resolved(root, schema.get("properties", {}).get(name)) for schema in schemas]
    one, other = (_constants(schema) if schema else None for schema in said)
    return _apart(one, other)


def _constants(schema: dict[str, Any]) -> set[str] | None:
    values = [schema["const"]] if "const" in schema else schema.get("enum")
    if values is None or any(isinstance(value, float | dict | list) for value in values):
        return None
    return {json.dumps(value) for value in values}


def _kinds(schema: dict[str, Any]) -> set[str] | None:
    kinds = schema.get("type")
    if kinds is None:
        return None
    named = {kinds} if isinstance(kinds, str) else set(kinds)
    return {"number" if kind == "integer" else kind for kind in named}


def _apart(one: set[str] | None, other: set[str] | None) -> bool:
    return one is not None and other is not None and not one & other
