"""JSON schemas (draft 2020-12) as grammars: everything the grammar allows, the schema allows too.

The other way round does not hold: where a schema leaves a choice that cannot be counted or compared
by a grammar, a part of what it allows is never written. A keyword is either kept to, or says
nothing of values, or is refused by name. Never fetches anything. For `engine.grammar.child`, where
it may take long.
"""

import graphlib
import json
import math
from collections.abc import Collection, Iterable, Mapping
from typing import Any, NoReturn

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError

from chat.serving.errors import BadSchema
from engine.grammar.disjoint import are_disjoint
from engine.grammar.formats import FORMATS
from engine.grammar.notation import ANY, Rules, either, json_text, literal
from engine.grammar.number import integers, numbers
from engine.grammar.objects import Member, key_beside, map_of, members
from engine.grammar.pattern import BadPattern, string_matching
from engine.grammar.pointer import Path, follow, pointer

MAX_CHARACTERS = 100_000
MAX_DEPTH = 64
MAX_SCHEMAS = 5_000
MAX_VALUES = 1_000
MAX_COUNT = 10_000
"""Most characters of a string, items of an array and members of an object that can be asked for."""

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
"""Keywords that say nothing of values. Those of `$defs` are read where they are referred to."""
_NUMBER = frozenset(("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"))
KEYWORDS: Mapping[str, frozenset[str]] = {
    "object": frozenset(
        (
            "properties",
            "required",
            "additionalProperties",
            "propertyNames",
            "minProperties",
            "maxProperties",
        )
    ),
    "array": frozenset(("items", "prefixItems", "minItems", "maxItems", "uniqueItems")),
    "string": frozenset(("minLength", "maxLength", "pattern", "format")),
    "number": _NUMBER,
    "integer": _NUMBER,
    "boolean": frozenset(),
    "null": frozenset(),
}
"""What can be said of values of each type."""
COMBINERS = ("$ref", "const", "enum", "anyOf", "oneOf", "allOf")
"""Keywords that stand alone."""
NAMES = KEYWORDS["string"] | {"type", "const", "enum"}
"""What can be said of the names of members."""


def parse_schema(text: str, where: str) -> Any:
    """The JSON schema in `text`, which is one by the rules of its draft. Raises BadSchema."""
    if len(text) > MAX_CHARACTERS:
        raise BadSchema(where=f"{where}#", why=f"it is longer than {MAX_CHARACTERS} characters")
    try:
        schema = json.loads(text)
        _check(schema, where, ())
    except ValueError:
        raise BadSchema(where=f"{where}#", why="it is not JSON") from None
    except RecursionError:
        raise BadSchema(where=f"{where}#", why="it is nested too deeply") from None
    return schema


def _check(schema: Any, where: str, at: Path) -> None:
    """Hold `schema` to the rules of its draft. Raises BadSchema."""
    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError as error:
        place = pointer(where, (*at, *error.absolute_path))
        raise BadSchema(where=place, why=error.message[:200]) from None


class Translator:
    """Writes the rules for the values of one schema. `where` is what it is called in errors."""

    def __init__(self, rules: Rules, schema: Any, where: str) -> None:
        self._rules = rules
        self._root = schema
        self._where = where
        self._schemas = 0
        self._referred: dict[Path, str] = {}
        # Which schemas begin with which others, without a letter between.
        self._begins: dict[Path, set[Path]] = {}

    def root(self) -> str:
        """The expression of a value of the schema. Raises BadSchema."""
        try:
            expression = self._reference((), inside=None)
            graphlib.TopologicalSorter(self._begins).prepare()
        except graphlib.CycleError as error:
            self._refuse(error.args[1][0], "it refers to itself and to nothing else")
        except RecursionError:
            self._refuse((), "it is nested too deeply")
        return expression

    def _refuse(self, at: Path, why: str) -> NoReturn:
        raise BadSchema(where=pointer(self._where, at), why=why)

    def _refuse_beside(self, at: Path, others: Collection[str], keyword: str) -> None:
        if others:
            self._refuse(at, f"{min(others)} is not supported beside {keyword}")

    def _value(self, schema: Any, at: Path, inside: Path | None = None) -> str:
        """A value of `schema`, which stands at `at` and begins the one that stands at `inside`."""
        self._schemas += 1
        if self._schemas > MAX_SCHEMAS or len(at) > MAX_DEPTH:
            self._refuse(at, "it is nested too deeply or too large")
        if schema is False:
            self._refuse(at, "it allows nothing")
        if schema is True:
            return "value"
        if "$id" in schema and at:
            self._refuse(at, "$id is only supported at the top")
        keys = schema.keys() - ANNOTATIONS
        for keyword in COMBINERS:
            if keyword in keys:
                return self._combined(keyword, schema, at, inside)
        return self._typed(schema, keys, at)

    def _combined(self, keyword: str, schema: Any, at: Path, inside: Path | None) -> str:
        said, place = schema[keyword], (*at, keyword)
        beside = schema.keys() - ANNOTATIONS - {keyword}
        if keyword in ("const", "enum"):
            self._refuse_beside(at, beside - {"type"}, keyword)
            values = said if keyword == "enum" else [said]
            return self._constant(values, schema.get("type"), place)
        self._refuse_beside(at, beside, keyword)
        if keyword == "$ref":
            return self._reference(self._target(said, place), inside)
        if keyword == "allOf" and len(said) > 1:
            self._refuse(place, "more than one schema is not supported")
        if keyword == "oneOf" and not are_disjoint(self._root, said):
            self._refuse(place, "its schemas must differ in type, or in a constant they require")
        return either(
            self._value(option, (*place, number), inside) for number, option in enumerate(said)
        )

    def _target(self, reference: str, at: Path) -> Path:
        try:
            path, _ = follow(self._root, reference)
        except LookupError:
            self._refuse(at, "it does not lead to a part of this schema")
        return path

    def _reference(self, target: Path, inside: Path | None) -> str:
        if inside is not None:
            self._begins.setdefault(inside, set()).add(target)
        if target not in self._referred:
            name = self._referred[target] = self._rules.reserve()
            _, schema = follow(self._root, target)
            if target:  # places that only the reference makes a schema were not checked before
                _check(schema, self._where, target)
            self._rules.define(name, self._value(schema, target, inside=target))
        return self._referred[target]

    def _constant(self, values: Iterable[Any], types: str | list[str] | None, at: Path) -> str:
        kinds = [types] if isinstance(types, str) else types
        is_type = Draft202012Validator.TYPE_CHECKER.is_type
        try:
            texts = {
                json_text(value): None
                for value in values
                if kinds is None or any(is_type(value, kind) for kind in kinds)
            }
        except ValueError as error:
            self._refuse(at, str(error))
        if not texts:
            self._refuse(at, "it allows nothing")
        if len(texts) > MAX_VALUES:
            self._refuse(at, f"more than {MAX_VALUES} values are not supported")
        return self._rules.add(either(map(literal, texts)))

    def _typed(self, schema: Any, keys: Collection[str], at: Path) -> str:
        types = schema.get("type")
        unknown = set(keys).difference({"type"}, *KEYWORDS.values())
        if unknown:
            self._refuse((*at, min(unknown)), f"{min(unknown)} is not supported")
        if types is None:
            # Whatever is said, is said of some types: the others are simply not written.
            types = [kind for kind, said in KEYWORDS.items() if said & set(keys)]
            types = [kind for kind in types if kind != "integer"] or None
        if types is None:
            return "value"
        writers = {
            "object": self._object,
            "array": self._array,
            "string": self._string,
            "number": self._number,
            "integer": self._number,
        }
        options = []
        for kind in [types] if isinstance(types, str) else types:
            said = {name: schema[name] for name in KEYWORDS[kind] if name in keys}
            options.append(writers[kind](kind, said, at) if said else kind)
        return either(options)

    def _string(self, _: str, said: Mapping[str, Any], at: Path) -> str:
        for keyword in ("format", "pattern"):
            if keyword in said:
                self._refuse_beside(at, said.keys() - {keyword}, keyword)
                return self._matching(keyword, said[keyword], (*at, keyword))
        least, most = self._counts(said, "Length", at)
        if most is None:
            return self._rules.add(rf'"\"" {ANY}{{{least},{least}}} tail')
        return self._rules.add(rf'"\"" {ANY}{{{least},{most}}} "\""')

    def _matching(self, keyword: str, said: str, at: Path) -> str:
        pattern = FORMATS.get(said) if keyword == "format" else said
        if pattern is None:
            known = ", ".join(FORMATS)
            self._refuse(at, f"this format is not supported; these are: {known}")
        try:
            return self._rules.add(string_matching(pattern))
        except BadPattern as error:
            self._refuse(at, str(error))

    def _number(self, kind: str, said: Mapping[str, Any], at: Path) -> str:
        if said.get("multipleOf", 1) != 1 or (kind == "number" and "multipleOf" in said):
            self._refuse((*at, "multipleOf"), "multipleOf is not supported")
        if not all(math.isfinite(bound) for bound in said.values()):
            self._refuse(at, "a bound is too large")
        low, high = said.get("minimum"), said.get("maximum")
        if "exclusiveMinimum" in said:
            above = _next(said["exclusiveMinimum"], kind, math.inf)
            low = above if low is None else max(low, above)
        if "exclusiveMaximum" in said:
            below = _next(said["exclusiveMaximum"], kind, -math.inf)
            high = below if high is None else min(high, below)
        written = integers(low, high) if kind == "integer" else numbers(low, high)
        if written is None:
            self._refuse(at, "no number lies between its bounds")
        return self._rules.add(written)

    def _array(self, _: str, said: Mapping[str, Any], at: Path) -> str:
        if said.get("uniqueItems"):
            self._refuse((*at, "uniqueItems"), "uniqueItems is not supported")
        least, most = self._counts(said, "Items", at)
        places = [*enumerate(said.get("prefixItems", []))][:most]
        first = [self._value(item, (*at, "prefixItems", number)) for number, item in places]
        open_end = "items" in said or not first or least > len(first)
        if said.get("items") is False or not open_end:
            most = len(first)
        if least > (least if most is None else most):
            self._refuse(at, "it allows nothing")
        if most == len(first):
            return f'"[" {_joined(first)} "]"'
        item = self._value(said.get("items", True), (*at, "items"))
        bound = "" if most is None else most - len(first)
        return _list(first, item, max(0, least - len(first)), bound)

    def _object(self, _: str, said: Mapping[str, Any], at: Path) -> str:
        if said.get("properties") or said.get("required"):
            return self._record(said, at)
        least, most = self._counts(said, "Properties", at)
        if least > 1:
            self._refuse((*at, "minProperties"), "names that were not given cannot be counted")
        # Properties that are stated, though there are none, are all that there are.
        others = said.get("additionalProperties", "properties" not in said)
        if others is False or most == 0:
            if least:
                self._refuse(at, "it allows nothing")
            return literal("{}")
        key = self._names(said["propertyNames"], at) if "propertyNames" in said else "string"
        value = self._value(others, (*at, "additionalProperties"))
        return self._rules.add(map_of(f'{key} ": " {value}', most, empty=least == 0))

    def _names(self, schema: Any, at: Path) -> str:
        place = (*at, "propertyNames")
        if isinstance(schema, dict):
            if unknown := schema.keys() - ANNOTATIONS - NAMES:
                self._refuse(place, f"{min(unknown)} is not supported here")
            schema = {**schema, "type": "string"}
        return "string" if schema is True else self._value(schema, place)

    def _record(self, said: Mapping[str, Any], at: Path) -> str:
        """An object with members that have names."""
        properties, required = said.get("properties", {}), said.get("required", [])
        others = said.get("additionalProperties")
        if "propertyNames" in said:
            self._refuse((*at, "propertyNames"), "propertyNames is not supported beside others")
        least, most = self._counts(said, "Properties", at)
        if least > len(set(required)) or (most is not None and (others or most < len(properties))):
            self._refuse(at, "members that may be missing cannot be counted")
        places = {name: (*at, "properties", name) for name in properties}
        places |= {name: (*at, "additionalProperties") for name in required if name not in places}
        known = {name: properties.get(name, others is None or others) for name in places}
        declared = [
            Member(name, self._value(known[name], place), name in required)
            for name, place in places.items()
            if name in required or known[name] is not False
        ]
        other = None
        if others:
            key = key_beside(self._rules, set(known))
            other = f'{key} ": " {self._value(others, (*at, "additionalProperties"))}'
        return members(self._rules, declared, other)

    def _counts(self, said: Mapping[str, Any], what: str, at: Path) -> tuple[int, int | None]:
        """At least and at most so many."""
        least, most = int(said.get(f"min{what}", 0)), said.get(f"max{what}")
        if least > MAX_COUNT or (most is not None and most > MAX_COUNT):
            self._refuse(at, f"more than {MAX_COUNT} are not supported")
        if most is not None and least > most:
            self._refuse(at, "it allows nothing")
        return least, None if most is None else int(most)


def _next(bound: float, kind: str, towards: float) -> float:
    """The value that follows the one that is excluded."""
    if kind == "number":
        return math.nextafter(bound, towards)
    return math.floor(bound) + 1 if towards > 0 else math.ceil(bound) - 1


def _joined(items: Iterable[str]) -> str:
    return ' ", " '.join(items)


def _list(first: list[str], item: str, least: int, most: int | str) -> str:
    """The items `first`, then `least` to `most` of `item`."""
    if first:
        return f'"[" {_joined(first)} (", " {item}){{{least},{most}}} "]"'
    rest = most - 1 if isinstance(most, int) else most
    some = f'{item} (", " {item}){{{max(0, least - 1)},{rest}}}'
    return f'"[" {some} "]"' if least else f'"[" ({some})? "]"'
