"""One part of a JSON schema while it is rewritten, and its keywords for single types."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NoReturn, Protocol

from engine.grammar.bounds import Range, Step, integer_ranges, number_ranges, step_of
from engine.grammar.characters import are_writable
from engine.grammar.formats import FORMATS
from engine.grammar.keywords import ANNOTATIONS, KEYWORDS, MAX_COUNT, MAX_NAMES, MAX_PATTERNS
from engine.grammar.pattern import BadPattern, pattern_of_length, pattern_of_texts, rewrite_pattern
from engine.grammar.pointer import Path

Json = dict[str, Any]
ANY: Json = {"$ref": "#/$defs/any"}
"""Any value; the rewritten schema defines it."""


class SchemaDocument(Protocol):
    """The schema document that parts belong to."""

    def rewrite(self, schema: Any, at: Path, joined: bool) -> Json | bool:
        """Rewrite `schema`, located at `at`, for llguidance. Raises BadSchema."""
        ...

    def check(self, schema: Json, at: Path) -> None:
        """Refuse unknown keywords and invalid values. Raises BadSchema."""
        ...

    def refuse(self, at: Path, why: str) -> NoReturn:
        """Raises BadSchema."""
        ...

    def grow(self, size: int, at: Path) -> None:
        """Add `size` to the cost of the request. Raises BadSchema if it is too large."""
        ...

    def note_step(self, step: Step, at: Path, joined: bool) -> None:
        """Register a `multipleOf`. Raises BadSchema."""
        ...


@dataclass(frozen=True, slots=True)
class Part:
    """A schema that is a JSON object, and its path `at` in the document.

    `joined`: its values must also match other parts.
    """

    document: SchemaDocument
    schema: Json
    at: Path
    joined: bool

    def child(self, *steps: str | int, joined: bool = False) -> Json | bool:
        """The rewritten schema at the path `steps` within this one."""
        schema: Any = self.schema
        for step in steps:
            schema = schema[step]
        return self.document.rewrite(schema, (*self.at, *steps), self.joined or joined)

    def fail(self, why: str, *steps: str | int) -> NoReturn:
        self.document.refuse((*self.at, *steps), why)

    def counts(self, what: str) -> Json:
        """The keywords `min{what}` and `max{what}`."""
        return self.counts_in(self.schema, what)

    def counts_in(self, schema: Mapping[str, Any], what: str, *steps: str) -> Json:
        least, most = f"min{what}", f"max{what}"
        limits = {keyword: int(schema[keyword]) for keyword in (least, most) if keyword in schema}
        for keyword, count in limits.items():
            if count > MAX_COUNT:
                self.fail(f"more than {MAX_COUNT} are not supported", *steps, keyword)
        if limits.get(least, 0) > limits.get(most, MAX_COUNT):
            self.fail("it allows nothing", *steps)
        return limits


def rewrite_typed(part: Part) -> Json:
    """Rewrite the keywords of `part` that apply to single types."""
    types = part.schema.get("type")
    if types is None and not part.joined:
        # The keywords leave other types unconstrained; those are not generated.
        types = [kind for kind in REWRITERS if KEYWORDS[kind].keys() & part.schema.keys()]
        part = replace(part, schema={**part.schema, "type": types})
    written: Json = {} if types is None else {"type": types}
    named = {types} if isinstance(types, str) else types
    for kind, rewrite in REWRITERS.items():
        if named is None or kind in named or (kind == "number" and "integer" in named):
            written |= rewrite(part)
    return written


def _string(part: Part) -> Json:
    written = part.counts("Length")
    patterns = [_pattern(part, part.schema, keyword) for keyword in _pattern_keywords(part.schema)]
    if patterns:
        written["pattern"] = patterns[0]
    if len(patterns) > 1:
        written["allOf"] = [{"pattern": patterns[1]}]
    return written


def _pattern_keywords(schema: Mapping[str, Any]) -> list[str]:
    return [keyword for keyword in ("pattern", "format") if keyword in schema]


def _pattern(part: Part, schema: Mapping[str, Any], keyword: str, *steps: str) -> str:
    """The value of `pattern` or `format` in `schema`, as a pattern for llguidance."""
    pattern = schema[keyword]
    if keyword == "format":
        if pattern not in FORMATS:
            supported = ", ".join(FORMATS)
            part.fail(f"this format is not supported; these are: {supported}", *steps, keyword)
        pattern = FORMATS[pattern]
    return _rewritten(part, pattern, *steps, keyword)


def _rewritten(part: Part, pattern: str, *steps: str) -> str:
    try:
        return rewrite_pattern(pattern)
    except BadPattern as error:
        part.fail(str(error), *steps)


def _number(part: Part) -> Json:
    types = part.schema.get("type")
    if types is None and not KEYWORDS["number"].keys() & part.schema.keys():
        return {}
    named = {types} if isinstance(types, str) else set(types or ("number",))
    ranges = (number_ranges if "number" in named else integer_ranges)(part.schema)
    if not ranges:
        part.fail("no number lies between its bounds")
    is_only_branch = types is not None and named == {"number"} and not part.joined
    written = between(ranges if is_only_branch else ranges[:1])
    if "multipleOf" in part.schema:
        step = step_of(part.schema["multipleOf"])
        if step is None:
            part.fail("multiples of this number are not supported", "multipleOf")
        part.document.note_step(step, (*part.at, "multipleOf"), part.joined)
        written["multipleOf"] = part.schema["multipleOf"]
    return written


def between(ranges: Sequence[Range]) -> Json:
    """Numbers of one of these ranges."""
    if len(ranges) == 1:
        return _range(ranges[0])
    return {"anyOf": [{"type": "number", **_range(one)} for one in ranges]}


def _range(bounds: Range) -> Json:
    return {"minimum": bounds[0], "maximum": bounds[1]}


def _array(part: Part) -> Json:
    if part.schema.get("uniqueItems"):
        part.fail("uniqueItems is not supported", "uniqueItems")
    written = part.counts("Items")
    places = range(len(part.schema.get("prefixItems", ())))
    first = [part.child("prefixItems", place) for place in places]
    if first:
        written["prefixItems"] = first
    if "items" in part.schema:
        written["items"] = part.child("items")
    elif not part.joined:
        written["items"] = False if first and written.get("minItems", 0) <= len(first) else ANY
    return written


def _object(part: Part) -> Json:
    schema, written = part.schema, part.counts("Properties")
    for keyword in ("required", "properties"):
        if not all(map(are_writable, schema.get(keyword, ()))):
            part.fail("a name holds characters that cannot be written", keyword)
        if len(schema.get(keyword, ())) > MAX_NAMES:
            part.fail(f"more than {MAX_NAMES} are not supported", keyword)
    required = list(dict.fromkeys(schema.get("required", ())))
    if required:
        written["required"] = required
    least, optional = written.get("minProperties", 0), len(schema.get("properties", ()))
    if least > len(required) + 1:
        # An undeclared name may be written twice, and then counts only once.
        part.fail("names that are not required cannot be counted", "minProperties")
    if least > len(required):
        # llguidance expands each choice of the present member: 1,200 were measured at 2 GB.
        part.document.grow(optional**2 // 4, (*part.at, "minProperties"))
    return written | (_named(part) if "propertyNames" in schema else _members(part, required))


def _members(part: Part, required: Iterable[str]) -> Json:
    """The members of an object: declared ones, then those of patterns, then others."""
    written: Json = {}
    patterns = "patternProperties" in part.schema
    declared = {
        # A declared member must also match the schema of a pattern that its name matches.
        name: part.child("properties", name, joined=patterns)
        for name in part.schema.get("properties", ())
    }
    if patterns:
        written["patternProperties"] = _patterned(part)
    if "additionalProperties" in part.schema:
        others = written["additionalProperties"] = part.child("additionalProperties")
        if others is False and not patterns and not set(required) <= declared.keys():
            part.fail("it allows nothing", "additionalProperties")
    elif not part.joined:
        closed = bool("properties" in part.schema or required or patterns)
        written["additionalProperties"] = False if closed else ANY
        undeclared = (name for name in required if name not in declared)
        declared |= dict.fromkeys(undeclared, True if patterns else ANY)
    return {"properties": declared, **written} if declared else written


def _patterned(part: Part) -> Json:
    """The members of an object whose names match patterns."""
    patterns = part.schema["patternProperties"]
    if len(patterns) > MAX_PATTERNS:
        part.fail(f"more than {MAX_PATTERNS} are not supported", "patternProperties")
    written: Json = {}
    for pattern in patterns:
        rewritten = _rewritten(part, pattern, "patternProperties", pattern)
        if rewritten in written:
            part.fail("another pattern matches the same names", "patternProperties", pattern)
        both = "properties" in part.schema
        written[rewritten] = part.child("patternProperties", pattern, joined=both)
    return written


def _named(part: Part) -> Json:
    """An object of undeclared members whose names match `propertyNames`."""
    beside = {"properties", "patternProperties", "required"} & part.schema.keys()
    if beside:
        part.fail(f"it is not supported beside {min(beside)}", "propertyNames")
    pattern = _name_pattern(part, part.schema["propertyNames"])
    if pattern is None:
        return {"additionalProperties": False}
    others: Json | bool = True if part.joined else ANY
    if "additionalProperties" in part.schema:
        others = part.child("additionalProperties")
    return {"patternProperties": {pattern: others}, "additionalProperties": False}


def _name_pattern(part: Part, schema: Json | bool) -> str | None:
    """The pattern of names that match `schema`; None if none does."""
    place = "propertyNames"
    if isinstance(schema, bool):
        return pattern_of_length(0, None) if schema else None
    part.document.check(schema, (*part.at, place))
    if "string" not in schema.get("type", "string"):
        return None
    stated = schema.keys() - ANNOTATIONS - {"type"}
    lengths = {"minLength", "maxLength"} if stated <= {"minLength", "maxLength"} else set()
    if len(stated - lengths) > 1 or stated - lengths - {"const", "enum", "pattern", "format"}:
        part.fail("only a pattern, a format, lengths or constants are supported", place)
    if stated & {"const", "enum"}:
        return _one_name(part, schema.get("enum", [schema.get("const")]))
    for keyword in _pattern_keywords(schema):
        return _pattern(part, schema, keyword, place)
    counts = part.counts_in(schema, "Length", place)
    return pattern_of_length(counts.get("minLength", 0), counts.get("maxLength"))


def _one_name(part: Part, values: Sequence[Any]) -> str | None:
    """The pattern of names in `values`; None if there is none."""
    names = [name for name in values if isinstance(name, str)]
    if len(names) > MAX_NAMES:
        part.fail(f"more than {MAX_NAMES} are not supported", "propertyNames")
    if not all(map(are_writable, names)):
        part.fail("a name holds characters that cannot be written", "propertyNames")
    return pattern_of_texts(names) if names else None


REWRITERS: Mapping[str, Callable[[Part], Json]] = {
    "object": _object,
    "array": _array,
    "string": _string,
    "number": _number,
}
