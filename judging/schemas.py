"""JSON in answers, held against a schema. Nothing is ever fetched."""

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
"""A block of code that is JSON, or of no named language."""


def of_schema(expected: str) -> Callable[[str], bool]:
    """Whether the JSON of an answer fits a schema. Raises Unreadable.

    The JSON is that of the last block of code, or else the whole answer.
    """
    try:
        schema = read_json(expected)
        kind = validator_for(schema)
        kind.check_schema(schema)
    except SchemaError as error:
        raise Unreadable(error.message[:200]) from None
    except (ValueError, RecursionError) as error:
        raise Unreadable(str(error)) from None
    # The default registry would ask the network for what a schema refers to.
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
