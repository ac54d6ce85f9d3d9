"""Whether schemas are mutually exclusive, which `oneOf` needs and a grammar cannot enforce.

llguidance has a check of its own, but it checks the rewritten schemas, which allow less than the
client's: those can overlap where the rewritten ones do not.
"""

import itertools
import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from engine.grammar.pointer import follow

Constants = frozenset[str]


class Facts(NamedTuple):
    """What holds for all values of a schema; None where nothing is known.

    `members` maps required members to their possible constants.
    """

    types: Constants | None
    constants: Constants | None
    members: Mapping[str, Constants]


def are_disjoint(root: Any, schemas: Sequence[Any]) -> bool:
    """Whether the schemas differ in type, or in the constants of a required member.

    False if unsure. The schemas, and those that they refer to in `root`, must be valid.
    """
    facts = [_facts(root, _resolved(root, schema)) for schema in schemas]
    return all(_differ(one, other) for one, other in itertools.combinations(facts, 2))


def _resolved(root: Any, schema: Any) -> Mapping[str, Any]:
    """The schema at the end of at most seven references; empty if it is further."""
    for _ in range(8):
        if not isinstance(schema, dict):
            break
        if "$ref" not in schema:
            return schema
        _, schema = follow(root, schema["$ref"])
    return {}


def _facts(root: Any, schema: Mapping[str, Any]) -> Facts:
    types = _types(schema)
    members: dict[str, Constants] = {}
    if types == frozenset({"object"}):
        properties = schema.get("properties", {})
        for name in schema.get("required", ()):
            constants = _constants(_resolved(root, properties.get(name)))
            if constants is not None:
                members[name] = constants
    return Facts(types, _constants(schema), members)


def _differ(one: Facts, other: Facts) -> bool:
    if _apart(one.types, other.types) or _apart(one.constants, other.constants):
        return True
    return any(
        _apart(one.members[name], other.members[name])
        for name in one.members.keys() & other.members.keys()
    )


def _constants(schema: Mapping[str, Any]) -> Constants | None:
    values = [schema["const"]] if "const" in schema else schema.get("enum")
    if values is None or any(isinstance(value, float | dict | list) for value in values):
        return None
    return frozenset(map(json.dumps, values))


def _types(schema: Mapping[str, Any]) -> Constants | None:
    types = schema.get("type")
    if types is None:
        return None
    named = [types] if isinstance(types, str) else types
    return frozenset("number" if kind == "integer" else kind for kind in named)


def _apart(one: Constants | None, other: Constants | None) -> bool:
    return one is not None and other is not None and not one & other
