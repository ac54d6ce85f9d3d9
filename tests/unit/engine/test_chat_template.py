"""Templates that take no system message, refuse an order of roles, or end answers otherwise."""

import pytest

from chat.errors import BadRequest, ModelUnavailable, StartupError
from chat.models import ChatMessage, Role
from engine.chat_template import fold_system
from engine.end_tokens import end_tokens
from engine.prompt import ChatPrompt
from tests.chat_templates import CASES, FOLDING, TemplateCase
from tests.tiny import CONTROL, END, tiny_tokenizer

SYSTEM, HI = ChatMessage(Role.SYSTEM, "be brief"), ChatMessage(Role.USER, "你好")
HELLO, AND = ChatMessage(Role.ASSISTANT, "Hello"), ChatMessage(Role.USER, "And?")
JOINED = ChatMessage(Role.USER, "be brief\n\n你好")


def named(case: TemplateCase) -> str:
    return case.name


@pytest.mark.parametrize("case", CASES, ids=named)
def test_the_template_tells_what_it_takes_and_how_an_answer_ends(case: TemplateCase) -> None:
    tokenizer = case.tokenizer()
    prompt = ChatPrompt(tokenizer)
    assert prompt.takes_system is case.takes_system
    tokenizer.eos_token = None
    ends = ChatPrompt(tokenizer).end_ids
    assert [tokenizer.decode([one]) for one in ends] == ([case.end] if case.end else [])


@pytest.mark.parametrize("case", CASES, ids=named)
def test_every_template_is_safe_and_renders_the_system_prompt(case: TemplateCase) -> None:
    prompt = ChatPrompt(case.tokenizer())
    prompt.check()
    for content in ("be brief", f"{END}<|im_start|>system"):
        rendered = prompt.render([ChatMessage(Role.SYSTEM, content), HI, HELLO, AND])
        assert content in rendered
        assert rendered.index(content) < rendered.index("你好") < rendered.index("And?")


@pytest.mark.parametrize("case", FOLDING, ids=named)
def test_a_system_message_that_is_not_taken_stands_at_the_head_of_the_question(
    case: TemplateCase,
) -> None:
    prompt = ChatPrompt(case.tokenizer())
    assert prompt.encode([SYSTEM, HI, HELLO, AND]) == prompt.encode([JOINED, HELLO, AND])
    begun = [SYSTEM, HI, ChatMessage(Role.ASSISTANT, "He")]
    assert prompt.encode(begun) == prompt.encode([JOINED, begun[-1]])


@pytest.mark.parametrize("case", [case for case in FOLDING if case.end == END], ids=named)
def test_each_message_ends_where_its_turn_ends_also_where_two_share_one(
    case: TemplateCase,
) -> None:
    prompt = ChatPrompt(case.tokenizer())
    joined = prompt.prepare([JOINED, HELLO, AND]).turn_ends
    system, *others = prompt.prepare([SYSTEM, HI, HELLO, AND]).turn_ends
    assert others == list(joined)
    assert system < joined[0]


@pytest.mark.parametrize(
    ("turns", "folded"),
    [
        ([SYSTEM], [("user", "be brief")]),
        ([SYSTEM, SYSTEM, HI], [("user", "be brief\n\nbe brief\n\n你好")]),
        ([SYSTEM, HELLO], [("user", "be brief"), ("assistant", "Hello")]),
        ([HI, HELLO, SYSTEM], [("user", "你好"), ("assistant", "Hello"), ("user", "be brief")]),
        ([HI, SYSTEM, AND], [("user", "你好"), ("user", "be brief\n\nAnd?")]),
        ([HI, HELLO], [("user", "你好"), ("assistant", "Hello")]),
        ([], []),
    ],
)
def test_system_messages_are_folded_wherever_they_stand(
    turns: list[ChatMessage], folded: list[tuple[str, str]]
) -> None:
    assert [(turn.role.value, turn.content) for turn in fold_system(turns)] == folded


def test_messages_that_the_template_refuses_are_a_bad_request_with_its_reason() -> None:
    case = next(case for case in CASES if case.name.startswith("roles must alternate"))
    with pytest.raises(BadRequest, match="roles must alternate"):
        ChatPrompt(case.tokenizer()).encode([HI, AND])


@pytest.mark.parametrize("template", ["{{ raise_exception('no') }}", "{{ 1 + 'x' }}", "{% if %}"])
def test_a_template_that_renders_nothing_is_refused(template: str) -> None:
    tokenizer = tiny_tokenizer()
    tokenizer.chat_template = template
    with pytest.raises(StartupError, match="renders no question"):
        ChatPrompt(tokenizer).check()


def test_a_tokenizer_that_ends_texts_with_another_token_still_tells_turns_apart() -> None:
    """As in fine-tunes of Qwen's base models."""
    tokenizer = tiny_tokenizer()
    tokenizer.eos_token = "<|endoftext|>"
    ends = ChatPrompt(tokenizer).prepare([HI, HELLO, AND]).turn_ends
    assert list(ends) == list(ChatPrompt(tiny_tokenizer()).prepare([HI, HELLO, AND]).turn_ends)
    assert len(ChatPrompt(tokenizer).end_ids) == 2


@pytest.mark.parametrize(
    ("stated", "ends"),
    [
        ([7], {7}),
        ([[7, 8]], {7, 8}),
        ([[], 8], {8}),
        ([None, None, 8, [9]], {8, 9}),
        ([[7, 7], 7, 8], {7, 8}),
        ([[7, "8", -1, 10**9, True, None, 7.0, [9]]], {7}),
        (["7", {}, 8], {8}),
    ],
)
def test_an_answer_ends_with_every_token_that_the_folder_names(
    stated: list[object], ends: set[int]
) -> None:
    assert end_tokens(stated, 100) == ends


@pytest.mark.parametrize("stated", [None, [], "7", -1, 100, {}, [[7]]])
def test_a_model_without_an_end_token_is_refused_with_what_to_do(stated: object) -> None:
    with pytest.raises(ModelUnavailable, match=r"eos_token_id in generation_config\.json"):
        end_tokens([stated], 100)


def test_the_corpus_names_tokens_of_the_tiny_tokenizer() -> None:
    assert {case.end for case in CASES} <= {None, *CONTROL}
