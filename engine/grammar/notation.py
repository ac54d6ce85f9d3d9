"""Writes grammars of answers in llguidance's notation.

Tool calls have the form that Qwen2.5 was trained on: `<tool_call>`, a line with name and arguments,
`</tool_call>`.
"""

import json
from collections.abc import Sequence
from typing import Any, NamedTuple

from llguidance import LLMatcher

from chat.serving.errors import BadSchema
from chat.tools import Extras, JsonShape, Tool, ToolRules
from engine.grammar.characters import are_writable
from engine.grammar.schema import Cost, SchemaRewriter, parse_schema
from engine.tool_calls import CLOSING, OPENING

MAX_TOGETHER = 300_000
"""Most characters of the schemas of all tools together."""
STYLE = {
    # The style of json.dumps. With llguidance's default an answer can write white space for ever.
    "whitespace_flexible": False,
    "item_separator": ", ",
    "key_separator": ": ",
    # Without \u, by which an undeclared member could repeat the name of a declared one.
    "json_allowed_escapes": 'nrbtf\\"',
}


class Schema(NamedTuple):
    """A schema for llguidance, and the rewriter that made it from the client's schema."""

    text: str
    rewriter: SchemaRewriter


class Grammar(NamedTuple):
    """A grammar and the schemas that it contains."""

    text: str
    schemas: Sequence[Schema]


def grammar_of(extras: Extras) -> Grammar | None:
    """The grammar of an answer; None if `extras` do not constrain it. Raises BadSchema."""
    if not extras.constrains_text:
        return None
    rules, cost = extras.rules, Cost()
    tools = [tool for tool in extras.tools if not rules.names or tool.name in rules.names]
    enforced = [tool for tool in tools if rules.required or tool.strict]
    if sum(len(tool.parameters) for tool in enforced) > MAX_TOGETHER:
        raise BadSchema(where="#", why=f"all are longer than {MAX_TOGETHER} characters together")
    schemas = [_arguments(tool, cost, enforced=tool in enforced) for tool in tools]
    shape = None
    if extras.shape and not (tools and rules.required):
        shape = _shape(extras.shape, cost)
        if not tools:
            return Grammar(grammar_of_schema(shape), [shape])
    schemas_of_answer = [*schemas, *([shape] if shape else [])]
    return Grammar(_calls(tools, schemas, rules, shape), schemas_of_answer)


def grammar_of_schema(schema: Schema) -> str:
    return LLMatcher.grammar_from_json_schema(schema.text)


def _rewritten(schema: Any, where: str, cost: Cost) -> Schema:
    rewriter = SchemaRewriter(schema, where, cost)
    return Schema(json.dumps({"x-guidance": STYLE, **rewriter.document()}), rewriter)


def _shape(shape: JsonShape, cost: Cost) -> Schema:
    text = shape.schema
    return _rewritten({"type": "object"} if text is None else parse_schema(text, ""), "", cost)


def _arguments(tool: Tool, cost: Cost, *, enforced: bool) -> Schema:
    """The rewritten schema of a tool's arguments; any object where it is not enforced."""
    if not enforced:
        return _rewritten({"type": "object"}, tool.name, cost)
    return _parameters(tool, cost)


def _parameters(tool: Tool, cost: Cost) -> Schema:
    """The rewritten schema of a tool's arguments, which must be an object."""
    schema = parse_schema(tool.parameters, tool.name)
    if isinstance(schema, dict) and not schema.keys() & {"type", "$ref", "anyOf", "oneOf", "allOf"}:
        schema = {**schema, "type": "object"}
    where = f"{tool.name}#"
    if not isinstance(schema, dict) or schema.get("type") != "object":
        raise BadSchema(where=where, why="the parameters of a tool must be of type object")
    if not are_writable(tool.name):
        raise BadSchema(where=where, why="its name holds characters that cannot be written")
    return _rewritten(schema, tool.name, cost)


def _calls(
    tools: Sequence[Tool], schemas: Sequence[Schema], rules: ToolRules, shape: Schema | None
) -> str:
    """Only calls if they are required, else calls or the shape, else text with or without calls."""
    bodies = []
    for number, tool in enumerate(tools):
        head = f'\n{{"name": {json.dumps(tool.name, ensure_ascii=False)}, "arguments": '
        bodies.append(f"{_literal(head)} arguments_{number} {_literal('}' + chr(10) + CLOSING)}")
    lines = ["%llguidance {}"]
    if rules.required or shape:
        calls = f"call ({_literal(chr(10))} call)*" if rules.parallel else "call"
        lines.append(f"start: {calls} | shape" if shape else f"start: {calls}")
        lines.append(f"call: {_literal(OPENING)} ({' | '.join(bodies)})")
    else:
        lines.append(f"start: {'(begin call)* text' if rules.parallel else 'text | begin call'}")
        lines.append(f"call: {' | '.join(bodies)}")
        # Lazy: the text ends at the first tag.
        lines.append(f"begin[lazy]: ANYTHING {_literal(OPENING)}")
        lines.append("text: NO_CALL")
        lines.append("ANYTHING: /(?s:.*)/")
        lines.append(f"NO_CALL: ANYTHING & ~/(?s:.*){OPENING}(?s:.*)/")
    lines += [f"shape: %json {shape.text}"] if shape else []
    lines += [f"arguments_{number}: %json {schema.text}" for number, schema in enumerate(schemas)]
    return "\n".join(lines)


def _literal(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
