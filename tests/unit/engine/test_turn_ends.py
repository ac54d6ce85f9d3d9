"""Where the messages of a prepared prompt end."""

from collections.abc import Sequence
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from chat.models import ChatMessage, Role
from chat.tools import ToolCall
from engine.prompt import ChatPrompt
from tests.tiny import CONTROL, tiny_tokenizer

TOKENIZER = tiny_tokenizer()
PROMPT = ChatPrompt(TOKENIZER)
SYSTEM, HI = ChatMessage(Role.SYSTEM, "be brief"), ChatMessage(Role.USER, "你好")
HELLO, AND = ChatMessage(Role.ASSISTANT, "Hello"), ChatMessage(Role.USER, "And?")
CALLS = (ToolCall("1", "time", "{}"), ToolCall("2", "time", "{}"))
CALLED = (HI, ChatMessage(Role.ASSISTANT, "", CALLS))
RESULT = ChatMessage(Role.TOOL, "noon")


def texts(messages: Sequence[ChatMessage]) -> list[str]:
    """The text up to the end of each message."""
    prepared = PROMPT.prepare(messages)
    return [
        TOKENIZER.backend_tokenizer.decode(
            list(prepared.token_ids[:end]), skip_special_tokens=False
        )
        for end in prepared.turn_ends
    ]


def test_each_message_ends_with_the_token_that_ends_its_turn() -> None:
    ends = texts((SYSTEM, HI, HELLO, AND))
    assert [text.count("<|im_end|>") for text in ends] == [1, 2, 3, 4]
    assert [text.rpartition("\n")[2] for text in ends] == [
        f"{message.content}<|im_end|>" for message in (SYSTEM, HI, HELLO, AND)
    ]


def test_a_continued_answer_ends_where_the_prompt_ends() -> None:
    prepared = PROMPT.prepare((HI, replace(HELLO, partial=True)))
    assert prepared.prefix_tokens(1) < prepared.prefix_tokens(2) == prepared.tokens


def test_a_whole_answer_at_the_end_ends_before_the_next_answer_begins() -> None:
    prepared = PROMPT.prepare((HI, HELLO))
    assert texts((HI, HELLO))[1].endswith(f"{HELLO.content}<|im_end|>")
    assert prepared.prefix_tokens(1) < prepared.prefix_tokens(2) < prepared.tokens


def test_results_of_calls_share_a_turn_and_end_with_it() -> None:
    prepared = PROMPT.prepare((*CALLED, RESULT, RESULT, AND))
    hi, called, first, last, following = prepared.turn_ends
    assert hi < called == first < last < following


def test_bare_text_has_no_turns() -> None:
    assert PROMPT.prepare("Once").turn_ends == ()


def test_a_template_without_an_end_of_turn_has_unknown_turns() -> None:
    tokenizer = tiny_tokenizer()
    tokenizer.chat_template = "{% for m in messages %}{{ m['content'] }}\n{% endfor %}"
    assert list(ChatPrompt(tokenizer).prepare((HI, HELLO, AND)).turn_ends) == []


def test_a_turn_that_the_template_adds_at_the_beginning_belongs_to_the_first_message() -> None:
    tokenizer = tiny_tokenizer()
    tokenizer.chat_template = "<|im_start|>system\nx<|im_end|>\n" + str(tokenizer.chat_template)
    ends = ChatPrompt(tokenizer).prepare((HI, HELLO, AND)).turn_ends
    added = len(tokenizer("<|im_start|>system\nx<|im_end|>\n")["input_ids"])
    assert list(ends) == [end + added for end in PROMPT.prepare((HI, HELLO, AND)).turn_ends]


@given(content=st.lists(st.one_of(st.sampled_from(CONTROL), st.text()), max_size=6).map("".join))
def test_typed_control_tokens_do_not_move_the_ends(content: str) -> None:
    messages = (ChatMessage(Role.USER, content), HELLO, AND)
    prepared = PROMPT.prepare(messages)
    first_only = PROMPT.prepare(messages[:1])
    assert prepared.prefix_tokens(1) == first_only.prefix_tokens(1)
    assert len(prepared.turn_ends) == 3
