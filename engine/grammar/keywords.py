"""Supported keywords of JSON Schema (draft 2020-12), with checks of their values.

Every keyword is enforced, is an annotation, or is refused by name: an unknown keyword could change
the meaning of a schema. The checks are linear in the size of a schema, unlike jsonschema's, which
compares all entries of `required` with each other.
"""

import sys
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

MAX_COUNT = 10_000
"""Largest `min…` or `max…`: characters of a string, items of an array, members of an object."""
MAX_VALUES = 1_000
"""Most values of an `enum`."""
MAX_NAMES = 2_000
"""Most names in `properties` or `required`: with more, masks exceed llguidance's limits."""
MAX_PATTERNS = 50
"""Most `patternProperties`: llguidance compares them pairwise; 600 were measured at a minute."""

TYPES = ("object", "array", "string", "number", "integer", "boolean", "null")


class KeywordCheck(NamedTuple):
    """A check of a keyword's value, and its description for the error message."""

    passes: Callable[[Any], bool]
    words: str


def _is_number(value: Any) -> bool:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return is_number and abs(value) <= sys.float_info.max


def _is_count(value: Any) -> bool:
    return _is_number(value) and value >= 0 and value == int(value)


def _are_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(text, str) for text in value)


def _are_types(value: Any) -> bool:
    named = [value] if isinstance(value, str) else value
    return _are_texts(named) and bool(named) and set(named) <= set(TYPES)


_TEXT = KeywordCheck(lambda value: isinstance(value, str), "a text")
_SCHEMA = KeywordCheck(lambda value: isinstance(value, bool | dict), "a schema")
_SCHEMAS = KeywordCheck(
    lambda value: isinstance(value, list) and value != [], "schemas, at least one"
)
_NAMED = KeywordCheck(lambda value: isinstance(value, dict), "an object of schemas")
_COUNT = KeywordCheck(_is_count, "a whole number of at least 0")
_BOUND = KeywordCheck(_is_number, "a number that is not too large")
APPLICATORS: Mapping[str, KeywordCheck | None] = {
    "$ref": _TEXT,
    "const": None,
    "enum": KeywordCheck(lambda value: isinstance(value, list), "a list"),
    "anyOf": _SCHEMAS,
    "oneOf": _SCHEMAS,
    "allOf": _SCHEMAS,
}
"""Keywords that apply to values of every type."""
_NUMBER = {
    **dict.fromkeys(("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"), _BOUND),
    "multipleOf": KeywordCheck(lambda value: _is_number(value) and value > 0, "a number above 0"),
}
KEYWORDS: Mapping[str, Mapping[str, KeywordCheck]] = {
    "object": {
        "properties": _NAMED,
        "patternProperties": _NAMED,
        "additionalProperties": _SCHEMA,
        "propertyNames": _SCHEMA,
        "required": KeywordCheck(_are_texts, "a list of names"),
        "minProperties": _COUNT,
        "maxProperties": _COUNT,
    },
    "array": {
        "items": _SCHEMA,
        "prefixItems": _SCHEMAS,
        "minItems": _COUNT,
        "maxItems": _COUNT,
        "uniqueItems": KeywordCheck(lambda value: isinstance(value, bool), "true or false"),
    },
    "string": {"minLength": _COUNT, "maxLength": _COUNT, "pattern": _TEXT, "format": _TEXT},
    "number": _NUMBER,
    "integer": _NUMBER,
}
"""Keywords that apply to values of one type."""
ANNOTATIONS = frozenset(
    {
        "$schema",
        "$id",
        "$comment",
        "$defs",
        "definitions",
        "title",
        "description",
        "default",
        "examples",
        "deprecated",
        "readOnly",
        "writeOnly",
        "contentMediaType",
        "contentEncoding",
        "contentSchema",
        "discriminator",
    }
)
"""Keywords that do not constrain values. Contents of `$defs` are read where they are referenced."""
CHECKS: Mapping[str, KeywordCheck | None] = {
    "type": KeywordCheck(_are_types, f"one or more of {', '.join(TYPES)}"),
    **APPLICATORS,
    **{keyword: check for checks in KEYWORDS.values() for keyword, check in checks.items()},
    **dict.fromkeys(ANNOTATIONS),
}
"""All supported keywords with the check of their value; None accepts any value."""
