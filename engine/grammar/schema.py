"""JSON schemas (draft 2020-12), rewritten so that llguidance generates only valid values.

A rewritten schema allows a subset of the client's schema: where llguidance would not enforce the
schema, the rewritten one excludes values. References are never fetched. docs/decisions/0013 lists
llguidance's deviations and what is refused.

A part of a schema is joined if its values must also match other parts: below `allOf`, or below an
applicator with sibling keywords. Other parts are narrowed: values have the types that their
keywords apply to, and objects have no undeclared members. In a joined part that could contradict
the other parts.
"""

import graphlib
import json
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from jsonschema import Draft202012Validator

from chat.serving.errors import BadSchema
from engine.grammar.bounds import MAX_STEP, Step, are_exact, number_ranges
from engine.grammar.characters import are_writable
from engine.grammar.disjoint import are_disjoint
from engine.grammar.keywords import ANNOTATIONS, APPLICATORS, CHECKS, MAX_VALUES
from engine.grammar.part import ANY, Json, Part, between, rewrite_typed
from engine.grammar.pointer import Path, follow, pointer

MAX_CHARACTERS = 100_000
MAX_DEPTH = 64
MAX_SCHEMAS = 5_000
"""Most parts of all schemas of a request, plus comparisons between alternatives of `oneOf`."""
JOINED_SIZE = 5
"""Cost of a joined part: llguidance copies it for each part that it is joined with."""

ANY_VALUE: Json = {
    "anyOf": [
        {"type": ["null", "boolean", "string"]},
        {"type": "number", **between(number_ranges({}))},
        {"type": "array", "items": ANY},
        {"type": "object", "additionalProperties": ANY},
    ]
}
"""Replaces llguidance's own "any value", whose numbers have exponents and can overflow."""


def parse_schema(text: str, where: str) -> Any:
    """The JSON in `text`. Raises BadSchema."""
    if len(text) > MAX_CHARACTERS:
        raise BadSchema(where=f"{where}#", why=f"it is longer than {MAX_CHARACTERS} characters")
    try:
        return json.loads(text)
    except ValueError:
        raise BadSchema(where=f"{where}#", why="it is not JSON") from None
    except RecursionError:
        raise BadSchema(where=f"{where}#", why="it is nested too deeply") from None


@dataclass(slots=True)
class Cost:
    """The cost of one request's schemas: their parts, and the units of their `multipleOf`."""

    parts: int = 0
    units: int = 0


class SchemaRewriter:
    """Rewrites one schema; single use. `where` is its name in errors."""

    def __init__(self, schema: Any, where: str, cost: Cost) -> None:
        self._root = schema
        self._where = where
        self._cost = cost
        self._names: dict[Path, str] = {}
        self._joined: dict[Path, bool] = {}
        self._waiting: deque[Path] = deque()
        # Left recursion: which schemas begin with which others, with no character between.
        self._begins: dict[Path, set[Path]] = {}
        self._alternatives: list[tuple[Sequence[Any], Path]] = []
        self._joined_steps: set[Step] = set()

    def document(self) -> Json:
        """The schema for llguidance; every referenced part is in `$defs`. Raises BadSchema."""
        if self._root is False:
            self.refuse((), "it allows nothing")
        start = self._reference((), joined=False, inside=None)
        definitions: dict[str, Json | bool] = {"any": ANY_VALUE}
        try:
            while self._waiting:
                at = self._waiting.popleft()
                _, schema = follow(self._root, at)
                rewritten = self.rewrite(schema, at, self._joined[at], inside=at)
                definitions[self._names[at]] = rewritten
            graphlib.TopologicalSorter(self._begins).prepare()
        except graphlib.CycleError as error:
            self.refuse(error.args[1][0], "it refers to itself and to nothing else")
        except RecursionError:
            self.refuse((), "it is nested too deeply")
        self._compare_alternatives()
        return {**start, "$defs": definitions}

    def place_of(self, definition: str) -> str:
        """The JSON pointer, in the client's schema, of a definition of the rewritten one."""
        places = (at for at, name in self._names.items() if name == definition)
        return pointer(self._where, next(places, ()))

    def refuse(self, at: Path, why: str) -> NoReturn:
        raise BadSchema(where=pointer(self._where, at), why=why)

    def grow(self, size: int, at: Path) -> None:
        self._cost.parts += size
        if self._cost.parts > MAX_SCHEMAS or len(at) > MAX_DEPTH:
            self.refuse(at, "it is nested too deeply or too large")

    def rewrite(
        self, schema: Any, at: Path, joined: bool, inside: Path | None = None
    ) -> Json | bool:
        """Rewrite `schema`, located at `at`; a value at `inside` begins with a value of it."""
        self.grow(JOINED_SIZE if joined else 1, at)
        if isinstance(schema, dict):
            self.check(schema, at)
        elif not isinstance(schema, bool):
            self.refuse(at, "it is not a schema")
        if schema is False:
            return False
        stated = [] if schema is True else [key for key in schema if key not in ANNOTATIONS]
        if not stated:
            return True if joined else ANY
        typed = [keyword for keyword in stated if keyword not in APPLICATORS]
        number = sum(len(schema["allOf"]) if keyword == "allOf" else 1 for keyword in stated)
        joined = joined or number - len(typed) + bool(typed) > 1
        part = Part(self, schema, at, joined)
        written: Json = {}
        for keyword in stated:
            if keyword in APPLICATORS:
                _add(written, self._apply(keyword, part, inside))
            elif keyword == typed[0]:
                _add(written, rewrite_typed(part))
        return written

    def check(self, schema: Json, at: Path) -> None:
        """Refuse unknown keywords and invalid values."""
        if "$id" in schema and at:
            self.refuse(at, "$id is only supported at the top")
        for keyword, value in schema.items():
            if keyword not in CHECKS:
                self.refuse((*at, keyword), f"{keyword[:80]} is not supported")
            check = CHECKS[keyword]
            if check and not check.passes(value):
                self.refuse((*at, keyword), f"it must be {check.words}")

    def _apply(self, keyword: str, part: Part, inside: Path | None) -> Json:
        """Rewrite a keyword that applies to values of every type."""
        value, place = part.schema[keyword], (*part.at, keyword)
        if keyword in ("const", "enum"):
            values = value if keyword == "enum" else [value]
            return {"enum": self._constants(values, part.schema.get("type"), place)}
        if keyword == "$ref":
            return self._reference(self._target(value, place), joined=part.joined, inside=inside)
        if keyword == "oneOf":
            self._alternatives.append((value, place))
        options = [
            self.rewrite(option, (*place, number), part.joined, inside)
            for number, option in enumerate(value)
        ]
        return {"allOf" if keyword == "allOf" else "anyOf": options}

    def _target(self, reference: str, at: Path) -> Path:
        try:
            path, _ = follow(self._root, reference)
        except LookupError:
            self.refuse(at, "it does not lead to a part of this schema")
        return path

    def _reference(self, target: Path, *, joined: bool, inside: Path | None) -> Json:
        """A reference to `target`, which is rewritten later: chains of them may be long."""
        if inside is not None:
            self._begins.setdefault(inside, set()).add(target)
        name = self._names.setdefault(target, str(len(self._names)))
        if target not in self._joined or (joined and not self._joined[target]):
            self._joined[target] = joined
            self._waiting.append(target)
        return {"$ref": f"#/$defs/{name}"}

    def _constants(
        self, values: Iterable[Any], types: str | list[str] | None, at: Path
    ) -> list[Any]:
        named = [types] if isinstance(types, str) else types
        is_type = Draft202012Validator.TYPE_CHECKER.is_type
        matching = [
            value
            for value in values
            if named is None or any(is_type(value, kind) for kind in named)
        ]
        if not matching:
            self.refuse(at, "it allows nothing")
        if len(matching) > MAX_VALUES:
            self.refuse(at, f"more than {MAX_VALUES} values are not supported")
        if not are_exact(matching):
            self.refuse(at, "it holds a number with too many digits")
        if not all(map(are_writable, _texts(matching))):
            self.refuse(at, "it holds characters that cannot be written")
        return matching

    def note_step(self, step: Step, at: Path, joined: bool) -> None:
        """Register a `multipleOf`."""
        self._cost.units += step.units
        if self._cost.units > MAX_STEP:
            self.refuse(at, "multiples of so many or so large numbers are not supported")
        if joined:
            self._joined_steps.add(step)
        if len(self._joined_steps) > 1:
            # llguidance's least common multiple overflows silently.
            self.refuse(at, "another multipleOf in parts that belong together is not supported")

    def _compare_alternatives(self) -> None:
        for schemas, at in self._alternatives:
            self.grow(len(schemas) ** 2 // 4, at)
            if not are_disjoint(self._root, schemas):
                self.refuse(at, "its schemas must differ in type, or in a constant they require")


def _add(written: Json, others: Json) -> None:
    """Restrict `written` to what `others` allow as well."""
    for keyword, value in others.items():
        if keyword == "allOf":
            written["allOf"] = [*written.get("allOf", ()), *value]
        elif keyword in written:
            written["allOf"] = [*written.get("allOf", ()), {keyword: value}]
        else:
            written[keyword] = value


def _texts(value: Any) -> Iterator[str]:
    """All names and texts in a JSON value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from value
        yield from _texts(list(value.values()))
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
