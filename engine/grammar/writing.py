"""A job (see `engine.grammar.job`) as the grammar of the answers that do it.

Calls of tools are written as Qwen2.5 learnt to: `<tool_call>`, a line with name and arguments,
`</tool_call>`.
"""

import json
from collections.abc import Mapping
from typing import Any

from chat.serving.errors import BadSchema
from engine.grammar.notation import Rules, either, json_text, literal
from engine.grammar.schema import Translator, parse_schema

BEGIN, END = "<tool_call>", "</tool_call>"
Tag = dict[str, Any]
"""A "structural tag" of xgrammar: free text, held to a grammar from some words on."""


def grammar_of(job: str) -> str | Tag:
    """The grammar, as text, or as a tag where calls may come after free text. Raises BadSchema."""
    wanted = json.loads(job)
    rules = Rules()
    if "schema" in wanted:
        return rules.text(_shape(rules, wanted["schema"]))
    call = either(_call(rules, tool) for tool in wanted["tools"])
    if not wanted["required"]:
        return _free_text_with(rules.text(call), parallel=wanted["parallel"])
    block = f"{literal(BEGIN)} {call} {literal(END)}"
    more = f" ({literal(chr(10))} {block})*" if wanted["parallel"] else ""
    return rules.text(block + more)


def _shape(rules: Rules, schema: str | None) -> str:
    if schema is None:
        return "object"
    return Translator(rules, parse_schema(schema, ""), "").root()


def _call(rules: Rules, tool: Mapping[str, str]) -> str:
    """What stands between the tags. The arguments are an object, whatever the schema says."""
    name = tool["name"]
    schema = parse_schema(tool["parameters"], name)
    if isinstance(schema, dict) and not schema.keys() & {"type", "$ref", "anyOf", "oneOf", "allOf"}:
        schema = {**schema, "type": "object"}
    if not isinstance(schema, dict) or schema.get("type") != "object":
        raise BadSchema(where=f"{name}#", why="the parameters of a tool must be of type object")
    arguments = Translator(rules, schema, name).root()
    head = literal(f'\n{{"name": {json_text(name)}, "arguments": ')
    return f"{head} {arguments} {literal('}' + chr(10))}"


def _free_text_with(call: str, *, parallel: bool) -> Tag:
    tag = {"type": "tag", "begin": BEGIN, "content": _grammar(call), "end": END}
    format_ = {
        "type": "triggered_tags",
        "triggers": [BEGIN],
        "tags": [tag],
        "stop_after_first": not parallel,
    }
    return {"type": "structural_tag", "format": format_}


def _grammar(text: str) -> Tag:
    return {"type": "grammar", "grammar": text}
