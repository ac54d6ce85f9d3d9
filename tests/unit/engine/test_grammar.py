"""Everything that a grammar allows matches its schema; unsupported schemas are refused by name."""

import json
import re
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from chat.serving.errors import BadSchema
from chat.tools import Extras, JsonShape, Tool, ToolRules
from engine.grammar.characters import are_writable
from engine.grammar.formats import FORMATS
from tests.grammar import Json, Maker, check_fits, shape
from tests.shapes import REFUSED, SUPPORTED


@pytest.fixture(scope="module")
def maker() -> Maker:
    return Maker()


@pytest.mark.filterwarnings("ignore:Possible:FutureWarning")  # of Python's own re
@pytest.mark.parametrize(("schema", "fitting", "others"), SUPPORTED, ids=str)
def test_a_schema_is_enforced(
    maker: Maker, schema: Json, fitting: list[str], others: list[str]
) -> None:
    extras = shape(schema)
    assert [answer for answer in fitting if not maker.accepts(extras, answer)] == []
    assert [answer for answer in others if maker.accepts(extras, answer)] == []
    for seed in range(5):
        check(maker, schema, seed)


def check(maker: Maker, schema: Json, seed: int) -> None:
    drawn = maker.draw(shape(schema), seed)
    if drawn is not None:
        check_fits(schema, drawn)


@pytest.mark.parametrize(("schema", "where"), REFUSED, ids=lambda value: str(value)[:60])
def test_an_unsupported_schema_is_refused_with_its_path(
    maker: Maker, schema: Json, where: str
) -> None:
    with pytest.raises(BadSchema) as refusal:
        maker.mask(shape(schema))
    assert refusal.value.values["where"] == where
    assert refusal.value.values["why"]


def test_without_a_schema_exactly_json_objects_are_allowed(maker: Maker) -> None:
    extras = Extras(shape=JsonShape())
    assert maker.accepts(extras, '{"a": [1, "x", {"b": null}]}')
    assert not any(maker.accepts(extras, answer) for answer in ("[]", "1", '"a"', "{} ", " {}"))


@pytest.mark.parametrize(("name", "pattern"), FORMATS.items())
def test_values_of_a_format_are_of_that_format(maker: Maker, name: str, pattern: str) -> None:
    schema = {"type": "string", "format": name, "pattern": pattern}
    checker = Draft202012Validator.FORMAT_CHECKER
    for seed in range(20):
        drawn = maker.draw(shape({"type": "string", "format": name}), seed, limit=300)
        if drawn is not None:
            value = json.loads(drawn)
            Draft202012Validator(schema, format_checker=checker).validate(value)
            assert len(value) < 300


def test_a_string_holds_no_bytes_that_are_not_characters(maker: Maker) -> None:
    extras = shape({"type": "string"})
    for data in (b"\xed\xa0\x80", b"\xc1\x81", b"\xf4\x90\x80\x80", b"\xff", b"\xef\xbf\xbd"):
        assert not maker.accepts(extras, b'"' + data + b'"')


def schemas() -> st.SearchStrategy[Any]:
    """Small schemas with most of the supported keywords."""
    bounds = st.tuples(st.integers(0, 3), st.integers(0, 3))
    names = st.sampled_from(["a", "ab", "城市", 'q"', "", "b\n"])
    leaves = st.one_of(
        st.just(True),
        st.builds(lambda kind: {"type": kind}, st.sampled_from(["string", "boolean", "null"])),
        bounds.map(lambda two: {"type": "string", "minLength": two[0], "maxLength": sum(two)}),
        st.tuples(st.integers(-200, 200), st.integers(0, 999)).map(
            lambda two: {"type": "integer", "minimum": two[0], "maximum": sum(two)}
        ),
        st.tuples(st.floats(-50, 50), st.floats(0.01, 30)).map(
            lambda two: {"type": "number", "exclusiveMinimum": two[0], "maximum": sum(two)}
        ),
        st.lists(
            st.one_of(st.text(max_size=3), st.integers(-(2**53), 2**53), st.none()), min_size=1
        ).map(
            lambda values: {
                "enum": [v for v in values if not isinstance(v, str) or are_writable(v)] or [1]
            }
        ),
        st.sampled_from(["^a+$", r"\d[^x]", "^(北|京){1,2}", r"^.\\$"]).map(
            lambda pattern: {"type": "string", "pattern": pattern}
        ),
    )

    def nested(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
        properties = st.dictionaries(names, inner, max_size=4)
        return st.one_of(
            st.tuples(inner, bounds).map(
                lambda two: {"items": two[0], "minItems": two[1][0], "maxItems": sum(two[1])}
            ),
            st.lists(inner, min_size=1, max_size=3).map(lambda many: {"anyOf": many}),
            st.lists(inner, min_size=1, max_size=3).map(lambda many: {"prefixItems": many}),
            st.tuples(properties, st.sets(names), st.one_of(st.none(), inner)).map(_object),
        )

    return st.recursive(leaves, nested, max_leaves=8)


def _object(parts: tuple[dict[str, Any], set[str], Any]) -> dict[str, Any]:
    properties, required, others = parts
    schema = {"type": "object", "properties": properties, "required": sorted(required)}
    return schema if others is None else {**schema, "additionalProperties": others}


@settings(max_examples=60, deadline=None)
@given(schema=schemas(), seed=st.integers(0, 2**32))
def test_every_sample_from_a_grammar_matches_its_schema(schema: Any, seed: int) -> None:
    check(MAKER, schema, seed)


MAKER = Maker()  # hypothesis rejects function-scoped fixtures


TOOLS = (
    Tool(
        "weather",
        "",
        json.dumps({"properties": {"city": {"type": "string"}}, "required": ["city"]}),
        strict=True,
    ),
    Tool("now", strict=True),
)
UNENFORCEABLE = Tool("odd", "", json.dumps({"properties": {"a": {"not": {}}}}))


def calls(*, required: bool, parallel: bool = True, names: tuple[str, ...] = ()) -> Extras:
    return Extras(tools=TOOLS, rules=ToolRules(required=required, names=names, parallel=parallel))


def call(name: str, arguments: str) -> str:
    return f'<tool_call>\n{{"name": "{name}", "arguments": {arguments}}}\n</tool_call>'


WEATHER, NOW = call("weather", '{"city": "北京"}'), call("now", "{}")


@pytest.mark.parametrize("parallel", [True, False])
def test_required_calls_exclude_other_text(maker: Maker, parallel: bool) -> None:
    must = calls(required=True, parallel=parallel)
    assert maker.accepts(must, WEATHER)
    assert maker.accepts(must, f"{WEATHER}\n{NOW}") == parallel
    for answer in ("", "Hello", f" {NOW}", call("other", "{}"), call("weather", "{}")):
        assert not maker.accepts(must, answer)


@pytest.mark.parametrize("parallel", [True, False])
def test_optional_calls_of_strict_tools_allow_free_text_and_enforce_the_schema(
    maker: Maker, parallel: bool
) -> None:
    may = calls(required=False, parallel=parallel)
    assert maker.accepts(may, "I <b>look</b> < tool_call> it up.")
    assert maker.accepts(may, f"Let me see. {NOW}")
    assert maker.accepts(may, f"{WEATHER}\n{NOW} Done.") == parallel
    for answer in ("<tool_call>", call("other", "{}"), "<tool_call>hm</tool_call>"):
        assert not maker.accepts(may, answer)


def test_only_the_named_tools_are_called(maker: Maker) -> None:
    named = calls(required=True, names=("now",))
    assert maker.accepts(named, NOW)
    assert not maker.accepts(named, WEATHER)


@pytest.mark.parametrize("parameters", ['{"type": "array"}', "true", '{"$ref": "#/$defs/a"}', "[]"])
def test_the_arguments_of_a_tool_are_an_object(maker: Maker, parameters: str) -> None:
    with pytest.raises(BadSchema) as refusal:
        maker.mask(Extras(tools=(Tool("f", "", parameters, strict=True),)))
    assert str(refusal.value.values["where"]).startswith("f#")


def test_an_error_path_in_a_tool_begins_with_its_name(maker: Maker) -> None:
    for extras in (
        Extras(tools=(UNENFORCEABLE,), rules=ToolRules(required=True)),
        Extras(tools=(replace(UNENFORCEABLE, strict=True),)),
    ):
        with pytest.raises(BadSchema) as refusal:
            maker.mask(extras)
        assert refusal.value.values["where"] == "odd#/properties/a/not"


def test_tools_that_are_neither_strict_nor_required_constrain_nothing(maker: Maker) -> None:
    assert maker.vocabulary.mask(Extras(tools=(UNENFORCEABLE, Tool("g")))) is None


def test_beside_a_strict_tool_another_one_takes_any_object(maker: Maker) -> None:
    extras = Extras(tools=(*TOOLS, UNENFORCEABLE))
    assert maker.accepts(extras, call("odd", '{"a": [1, {"b": null}]}'))
    for answer in (call("odd", "[]"), call("now", "[]"), call("weather", "{}")):
        assert not maker.accepts(extras, answer)


@pytest.mark.parametrize("parallel", [True, False])
def test_with_tools_a_shaped_answer_is_of_that_shape_or_calls(maker: Maker, parallel: bool) -> None:
    extras = replace(calls(required=False, parallel=parallel), shape=JsonShape('{"const": "é"}'))
    for answer in ('"é"', WEATHER, NOW):
        assert maker.accepts(extras, answer)
    assert maker.accepts(extras, f"{WEATHER}\n{NOW}") == parallel
    for answer in ("", "Hello", '"e"', f'"é"{NOW}', f'{NOW}"é"', call("weather", "{}")):
        assert not maker.accepts(extras, answer)


def test_required_calls_leave_no_room_for_a_shape(maker: Maker) -> None:
    extras = replace(calls(required=True), shape=JsonShape())
    assert maker.accepts(extras, NOW)
    assert not maker.accepts(extras, "{}")


def test_every_example_of_a_format_matches_its_pattern() -> None:
    for name, example in {
        "date": "2024-02-28",
        "time": "23:59:59Z",
        "date-time": "2024-12-31T00:00:00.5+01:00",
        "duration": "P3DT4H5M",
        "email": "ann.b@example.org",
        "hostname": "a-b.example.org",
        "ipv4": "255.0.10.1",
        "ipv6": "2001:db8:0:0:0:0:0:1",
        "uri": "https://example.org:8080/a/b?c=1",
        "uuid": "123e4567-e89b-12d3-a456-426614174000",
    }.items():
        assert re.search(FORMATS[name], example)
