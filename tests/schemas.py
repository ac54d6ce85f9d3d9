"""Questions with the schemas of their answers, typical of programs."""

from typing import Any

SchemaQuestion = tuple[str, dict[str, Any]]


def closed(**properties: Any) -> dict[str, Any]:
    """An object with exactly these members."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


WORD = {"type": "string", "pattern": "^[A-Za-z]{2,12}$"}
QUESTIONS: list[SchemaQuestion] = [
    (
        "Describe Paris.",
        closed(
            city=WORD,
            inhabitants={"type": "integer", "minimum": 1000, "maximum": 99_999_999},
            river=closed(name=WORD, long={"type": "boolean"}),
        ),
    ),
    (
        "用JSON介绍北京。",
        closed(城市={"enum": ["北京", "上海"]}, 特点={"enum": ["古老", "现代", '"大"']}),
    ),
    (
        "List three colours.",
        {
            "type": "array",
            "items": {"enum": ["red", "green", "blue", "yellow"]},
            "minItems": 3,
            "maxItems": 3,
        },
    ),
    (
        "What is a licence plate of Hamburg?",
        closed(plate={"type": "string", "pattern": r"^HH-[A-Z]{1,2} \d{1,4}$"}),
    ),
    (
        "Is the sea deep? Answer with a number or null.",
        closed(
            depth={"anyOf": [{"type": "number", "minimum": 0, "maximum": 20}, {"type": "null"}]}
        ),
    ),
    (
        "Write a tree of two animals.",
        {
            "$ref": "#/$defs/node",
            "$defs": {
                "node": {
                    "type": "object",
                    "properties": {
                        "name": {"enum": ["cat", "dog", "fox"]},
                        "child": {"anyOf": [{"$ref": "#/$defs/node"}, {"type": "null"}]},
                    },
                    "required": ["name"],
                }
            },
        },
    ),
    ("Give a date.", closed(date={"type": "string", "format": "date"})),
    (
        "A pair of numbers.",
        {"prefixItems": [{"type": "integer", "minimum": 0, "maximum": 9}] * 2, "items": False},
    ),
    ("Yes or no?", {"type": "boolean"}),
    ("Say one word.", {"type": "string", "minLength": 1, "maxLength": 12}),
    ("Two times two?", {"type": "integer", "exclusiveMinimum": -10, "exclusiveMaximum": 10}),
    ("用中文说一个词。", closed(词={"type": "string", "pattern": "^[一-龥]{1,4}$"})),
    ("Make an address.", closed(id={"type": "string", "format": "uuid"})),
    (
        "A shape?",
        {
            "oneOf": [
                closed(
                    kind={"const": "circle"}, radius={"type": "integer", "minimum": 1, "maximum": 9}
                ),
                closed(
                    kind={"const": "square"}, side={"type": "integer", "minimum": 1, "maximum": 9}
                ),
            ]
        },
    ),
    (
        "Count some fruit.",
        {
            "type": "object",
            "propertyNames": {"enum": ["apple", "pear", "plum"]},
            "additionalProperties": {"type": "integer", "minimum": 0, "maximum": 99},
            "minProperties": 1,
            "maxProperties": 3,
        },
    ),
    (
        "Optional things.",
        {"properties": {"a": {"const": 1}, "b": {"const": "x"}, "c": {"type": "null"}}},
    ),
    ("A percentage?", {"type": "number", "minimum": 0, "exclusiveMaximum": 1}),
    (
        "A matrix.",
        {
            "items": {"items": {"enum": [0, 1]}, "minItems": 2, "maxItems": 2},
            "maxItems": 2,
            "minItems": 2,
        },
    ),
    ("Null.", closed(nothing={"type": "null"}, const={"const": {"深": [1, "é\n"]}})),
    ("When?", closed(at={"type": "string", "format": "time"}, zone={"type": ["null", "boolean"]})),
]
"""Twenty questions; the first eight cover the most frequent keywords."""
