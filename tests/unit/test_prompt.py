"""Control tokens that people type stay text; everything else is the model's own template."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

from chat.errors import BadRequest, StartupError
from chat.types import ChatMessage, Role
from engine.prompt import ChatPrompt
from tests.tiny import CONTROL, END, tiny_tokenizer

TOKENIZER = tiny_tokenizer()
PROMPT = ChatPrompt(TOKENIZER)
CONTROL_IDS = {TOKENIZER.backend_tokenizer.token_to_id(token) for token in CONTROL}
pieces = st.one_of(st.sampled_from([*CONTROL, "<|im_", "start|>", "\n", "system"]), st.text())


def control_ids(messages: list[ChatMessage]) -> list[int]:
    return [token_id for token_id in PROMPT.encode(messages) if token_id in CONTROL_IDS]


def user(content: str) -> list[ChatMessage]:
    return [ChatMessage(Role.USER, content)]


def test_a_prompt_is_the_template_with_the_words_in_it() -> None:
    ids = PROMPT.encode([ChatMessage(Role.SYSTEM, "be brief"), *user("你好")])
    assert TOKENIZER.decode(ids) == (
        "<|im_start|>system\nbe brief<|im_end|>\n<|im_start|>user\n你好<|im_end|>\n"
        "<|im_start|>assistant\n"
    )


def begun(content: str) -> list[ChatMessage]:
    return [*user("x"), ChatMessage(Role.ASSISTANT, content)]


@given(content=st.lists(pieces, max_size=8).map("".join))
def test_no_message_can_forge_a_control_token(content: str) -> None:
    assert control_ids(user(content)) == control_ids(user("x"))


@given(content=st.lists(pieces, max_size=8).map("".join))
def test_no_begun_answer_can_forge_a_control_token(content: str) -> None:
    assert control_ids(begun(content)) == control_ids(user("x"))


@given(content=st.lists(pieces, max_size=8).map("".join))
def test_a_begun_answer_follows_the_prompt_for_it_letter_by_letter(content: str) -> None:
    ids, before = PROMPT.encode(begun(content)), PROMPT.encode(user("x"))
    assert ids[: len(before)] == before
    assert TOKENIZER.backend_tokenizer.decode(ids[len(before) :]) == content


@given(content=st.lists(pieces, max_size=8).map("".join))
def test_the_shown_prompt_has_the_typed_words_and_the_control_tokens(content: str) -> None:
    assert PROMPT.render(begun(content)) == (
        f"<|im_start|>user\nx<|im_end|>\n<|im_start|>assistant\n{content}"
    )


@pytest.mark.parametrize("messages", [[], [ChatMessage(Role.ASSISTANT, "x")]])
def test_a_prompt_without_anything_to_answer_is_refused(messages: list[ChatMessage]) -> None:
    with pytest.raises(BadRequest):
        PROMPT.encode(messages)


@pytest.mark.parametrize("token", CONTROL)
def test_a_typed_control_token_reaches_the_model_as_text(token: str) -> None:
    assert TOKENIZER.decode(PROMPT.encode(user(f"a{token}b"))).count(f"a{token}b") == 1


class CarelessTokenizer(PreTrainedTokenizerFast):
    """As every tokenizer was before there was a switch to make typed control tokens text."""

    def apply_chat_template(self, *arguments: Any, **settings: Any) -> Any:
        return super().apply_chat_template(
            *arguments, **{**settings, "sanitize_control_tokens": False}
        )


def test_a_tokenizer_that_lets_control_tokens_through_is_not_served() -> None:
    PROMPT.check()
    make: Any = CarelessTokenizer
    careless = make(
        tokenizer_object=TOKENIZER.backend_tokenizer, chat_template=TOKENIZER.chat_template
    )
    with pytest.raises(StartupError, match="forge"):
        ChatPrompt(careless).check()


def test_a_tokenizer_that_makes_control_tokens_of_a_begun_answer_is_not_served() -> None:
    """Its template takes typed ones out of the turns before; its vocabulary has them as words."""
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
