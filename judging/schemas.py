"""Validates JSON in answers against a schema. References are never fetched."""

import json
import re
from collections.abc import Callable
from typing import Any, NoReturn

from jsonschema.exceptions import SchemaError
from jsonschema.validators import validator_for
from referencing import Registry
from referencing.exceptions import Unresolvable

from judging.unreadable import Unreadable

FENCED = re.compile(r"^ {0,3}(`{3,})(?:json\w*)?[ \t]*\n(.*?)^ {0,3}\1[ \t]*$", re.M | re.S | re.I)
"""A fenced code block marked as JSON, or without a language."""


def of_schema(expected: str) -> Callable[[str], bool]:
    """A check whether the JSON of an answer matches a schema. Raises Unreadable.

    The JSON is the last code block, or the whole answer if there is none.
    """
    try:
        schema = read_json(expected)
        kind = validator_for(schema)
        kind.check_schema(schema)
    except SchemaError as error:
        raise Unreadable(error.message[:200]) from None
    except (ValueError, RecursionError) as error:
        raise Unreadable(str(error)) from None
    # jsonschema's default registry fetches remote references; an empty one does not.
    validator = kind(schema, registry=Registry())

    def holds(answer: str) -> bool:
        blocks = FENCED.findall(answer)
        try:
            value = read_json(blocks[-1][1] if blocks else answer)
            return validator.is_valid(value)
        except Unresolvable as error:
            raise Unreadable(f"there is no {error.ref}"[:200]) from None
        except (ValueError, RecursionError):
            return False

    return holds


def read_json(text: str) -> Any:
    """Strict JSON. Raises ValueError, RecursionError."""
    return json.loads(text, parse_constant=_refuse)


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
