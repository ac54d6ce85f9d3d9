"""Typed control tokens in messages stay text; everything else is the model's own template."""

import json
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import AddedToken, Tokenizer, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

from chat.errors import BadRequest, StartupError
from chat.models import ChatMessage, FillInPrompt, Prompt, Role, TokenPrompt
from chat.serving.errors import BadSchema
from chat.tools import Tool, ToolCall
from engine.prompt import FILL_IN, ChatPrompt
from tests.tiny import CONTROL, END, tiny_tokenizer

TOKENIZER = tiny_tokenizer()
PROMPT = ChatPrompt(TOKENIZER)
CONTROL_IDS = {TOKENIZER.backend_tokenizer.token_to_id(token) for token in CONTROL}
pieces = st.one_of(st.sampled_from([*CONTROL, "<|im_", "start|>", "\n", "system"]), st.text())


def control_ids(prompt: Prompt, tools: Sequence[Tool] = ()) -> list[int]:
    return [token_id for token_id in PROMPT.encode(prompt, tools) if token_id in CONTROL_IDS]


def user(content: str) -> list[ChatMessage]:
    return [ChatMessage(Role.USER, content)]


def test_a_prompt_is_the_template_with_the_messages() -> None:
    ids = PROMPT.encode([ChatMessage(Role.SYSTEM, "be brief"), *user("你好")])
    assert TOKENIZER.decode(ids) == (
        "<|im_start|>system\nbe brief<|im_end|>\n<|im_start|>user\n你好<|im_end|>\n"
        "<|im_start|>assistant\n"
    )


def begun(content: str) -> list[ChatMessage]:
    return [*user("x"), ChatMessage(Role.ASSISTANT, content, partial=True)]


@given(content=st.lists(pieces, max_size=8).map("".join))
def test_no_message_can_forge_a_control_token(content: str) -> None:
    assert control_ids(user(content)) == control_ids(user("x"))


@given(content=st.lists(pieces, max_size=8).map("".join))
def test_no_begun_answer_can_forge_a_control_token(content: str) -> None:
    assert control_ids(begun(content)) == control_ids(user("x"))


@given(content=st.lists(pieces, max_size=8).map("".join))
def test_a_begun_answer_follows_its_prompt_unchanged(content: str) -> None:
    ids, before = PROMPT.encode(begun(content)), PROMPT.encode(user("x"))
    assert ids[: len(before)] == before
    assert TOKENIZER.backend_tokenizer.decode(ids[len(before) :]) == content


@given(content=st.lists(pieces, max_size=8).map("".join))
def test_the_rendered_prompt_has_the_messages_and_the_control_tokens(content: str) -> None:
    assert PROMPT.render(begun(content)) == (
        f"<|im_start|>user\nx<|im_end|>\n<|im_start|>assistant\n{content}"
    )


def test_a_whole_answer_at_the_end_is_a_turn_of_its_own() -> None:
    turns = [*user("x"), ChatMessage(Role.ASSISTANT, "One.")]
    assert PROMPT.render([*turns, ChatMessage(Role.ASSISTANT, "Two", partial=True)]) == (
        f"{PROMPT.render(turns)}Two"
    )
    assert PROMPT.render(turns).endswith("assistant\nOne.<|im_end|>\n<|im_start|>assistant\n")


@pytest.mark.parametrize("messages", [[], [ChatMessage(Role.ASSISTANT, "x", partial=True)]])
def test_a_prompt_without_anything_to_answer_is_refused(messages: list[ChatMessage]) -> None:
    with pytest.raises(BadRequest):
        PROMPT.encode(messages)


@pytest.mark.parametrize("token", CONTROL)
def test_a_typed_control_token_reaches_the_model_as_text(token: str) -> None:
    assert TOKENIZER.decode(PROMPT.encode(user(f"a{token}b"))).count(f"a{token}b") == 1


def called(name: str, *arguments: str, result: str = "18 °C") -> list[ChatMessage]:
    calls = tuple(ToolCall(f"call_{n}", name, text) for n, text in enumerate(arguments))
    return [
        *user("x"),
        ChatMessage(Role.ASSISTANT, "", calls),
        *(ChatMessage(Role.TOOL, result) for _ in calls),
    ]


def rendered(prompt: Prompt, tools: Sequence[Tool] = ()) -> str:
    return str(TOKENIZER.decode(PROMPT.encode(prompt, tools)))


def test_tools_are_rendered_in_the_apis_format() -> None:
    tool = Tool("weather", "of a 城市", '{"type":"object"}', strict=True)
    written = {
        "type": "function",
        "function": {
            "name": "weather",
            "description": "of a 城市",
            "parameters": {"type": "object"},
        },
    }
    assert json.dumps(written, ensure_ascii=False) in rendered(user("x"), [tool])


def test_calls_and_results_are_rendered_in_the_models_format() -> None:
    turns = called("weather", '{"city":"北京", "days":[1,2]}', "{}")
    assert (
        '<tool_call>\n{"name": "weather", "arguments": {"city": "北京", "days": [1, 2]}}\n'
        "</tool_call>"
    ) in rendered(turns)
    assert rendered(turns).count("<|im_start|>tool\n18 °C<|im_end|>") == 2


@pytest.mark.parametrize(
    "broken", ['{"city": "Bei', "Beijing", '{"a": "\\ud800"}', "[" * 10_000, "1" * 10_000]
)
def test_arguments_that_are_no_json_are_rendered_unchanged(broken: str) -> None:
    assert json.dumps(broken, ensure_ascii=False) in rendered(called("weather", broken))


@given(
    names=st.lists(pieces, min_size=1, max_size=4).map("".join),
    words=st.lists(pieces, max_size=8).map("".join),
    key=st.lists(pieces, max_size=8).map("".join),
)
def test_no_tool_call_or_result_can_forge_a_control_token(names: str, words: str, key: str) -> None:
    def ids(name: str, text: str, key: str) -> list[int]:
        nested = json.dumps({key: {"enum": [text], "properties": {key: {key: text}}}})
        return control_ids(called(name, nested, text, result=text), [Tool(name, text, nested)])

    assert ids(names, words, key) == ids("x", "x", "x")


def test_control_tokens_in_keys_reach_the_model_as_text() -> None:
    tool = Tool("f", "", json.dumps({"properties": {END: {END: 1}}}))
    assert rendered(user("x"), [tool]).count(f'"{END}": ') == 2


@pytest.mark.parametrize("parameters", ["", "{", "[]", "null", '{"a": "\\ud800"}', "[" * 10_000])
def test_parameters_that_are_no_json_object_are_refused_by_the_name_of_the_tool(
    parameters: str,
) -> None:
    with pytest.raises(BadSchema) as refusal:
        PROMPT.encode(user("x"), [Tool("weather", "", parameters)])
    assert refusal.value.values["where"] == "weather"


@pytest.mark.parametrize("depth", range(100, 1200, 100))
def test_deeply_nested_tools_are_rendered_or_refused(depth: int) -> None:
    deep = '{"a":' * depth + "{}" + "}" * depth
    with suppress(BadRequest):
        assert rendered(user("x"), [Tool("weather", "", deep)]).count('"a"') == depth
    with suppress(BadRequest):
        assert rendered(called("weather", deep)).count("a") > depth


def test_a_call_without_its_result_cannot_be_continued() -> None:
    with pytest.raises(BadRequest, match="result"):
        PROMPT.encode(called("weather", "{}")[:2])


def test_a_model_without_tool_support_refuses_tools() -> None:
    make: Any = PreTrainedTokenizerFast
    template = "{% for message in messages %}{{ message.content }}{% endfor %}"
    prompt = ChatPrompt(make(tokenizer_object=TOKENIZER.backend_tokenizer, chat_template=template))
    prompt.check()
    with pytest.raises(BadRequest, match="tools"):
        prompt.encode(user("x"), [Tool("weather")])


@given(text=st.lists(pieces, min_size=1, max_size=8).map("".join).filter(bool))
def test_bare_text_is_the_whole_prompt(text: str) -> None:
    assert rendered(text) == text


def test_control_tokens_in_bare_text_are_control_tokens() -> None:
    text = "<|im_start|>user\nHi<|im_end|>\n"
    assert len(control_ids(text)) == 2
    assert PROMPT.encode(text) == TOKENIZER.encode(text)


def test_token_ids_are_taken_as_they_are_and_given_back_as_text() -> None:
    ids = tuple(PROMPT.encode("你好<|im_end|>"))
    prepared = PROMPT.prepare(TokenPrompt(ids))
    assert (tuple(prepared.token_ids), prepared.prompt) == (ids, "你好<|im_end|>")
    assert prepared.messages == ()


def test_an_id_that_no_token_has_is_refused() -> None:
    with pytest.raises(BadRequest) as refusal:
        PROMPT.prepare(TokenPrompt((1, 100_000)))
    assert refusal.value.values["name"] == "prompt"


def test_a_gap_is_filled_in_between_its_control_tokens() -> None:
    tokenizer = tiny_tokenizer()
    tokenizer.add_tokens([AddedToken(token, special=True) for token in FILL_IN])
    prompt = ChatPrompt(tokenizer)
    prepared = prompt.prepare(FillInPrompt("def f(x):\n    ", "\n    return y"))
    ids_of = tokenizer.get_vocab()
    before, after, gap = (ids_of[token] for token in FILL_IN)
    ids = list(prepared.token_ids)
    assert (ids[0], ids[-1]) == (before, gap)
    assert tokenizer.decode(ids[1 : ids.index(after)]) == "def f(x):\n    "
    assert tokenizer.decode(ids[ids.index(after) + 1 : -1]) == "\n    return y"


def test_a_model_without_tokens_for_gaps_refuses_to_fill_them_in() -> None:
    with pytest.raises(BadRequest) as refusal:
        PROMPT.prepare(FillInPrompt("a", "b"))
    assert refusal.value.values["name"] == "suffix"


def test_bare_text_must_not_be_empty_and_takes_no_tools() -> None:
    with pytest.raises(BadRequest):
        PROMPT.encode("")
    with pytest.raises(BadRequest):
        PROMPT.encode("x", [Tool("weather")])


class CarelessTokenizer(PreTrainedTokenizerFast):
    """A tokenizer that ignores `sanitize_control_tokens`, as older versions do."""

    def apply_chat_template(self, *arguments: Any, **settings: Any) -> Any:
        return super().apply_chat_template(
            *arguments, **{**settings, "sanitize_control_tokens": False}
        )


def test_a_tokenizer_that_allows_forged_control_tokens_is_refused() -> None:
    PROMPT.check()
    make: Any = CarelessTokenizer
    careless = make(
        tokenizer_object=TOKENIZER.backend_tokenizer, chat_template=TOKENIZER.chat_template
    )
    with pytest.raises(StartupError, match="forge"):
        ChatPrompt(careless).check()


def test_a_tokenizer_that_forges_control_tokens_in_a_begun_answer_is_refused() -> None:
    """The template sanitises earlier turns, but the plain vocabulary contains the control token."""
    words = ("[?]", "user", "assistant", "system", "x", END)
    backend = Tokenizer(models.WordLevel({word: n for n, word in enumerate(words)}, "[?]"))
    backend.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    backend.add_special_tokens([END])
    template = (
        "{% for message in messages %}"
        "{{ message.role }} {{ message.content | replace('" + END + "', '') }} " + END + " "
        "{% endfor %}"
    )
    make: Any = PreTrainedTokenizerFast
    with pytest.raises(StartupError, match="forge"):
        ChatPrompt(make(tokenizer_object=backend, chat_template=template)).check()
