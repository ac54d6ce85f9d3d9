"""Control tokens that people type stay text; everything else is the model's own template."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from transformers import PreTrainedTokenizerFast

from chat.errors import StartupError
from chat.types import ChatMessage, Role
from engine.prompt import ChatPrompt
from tests.tiny import CONTROL, tiny_tokenizer

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


@given(content=st.lists(pieces, max_size=8).map("".join))
def test_no_message_can_forge_a_control_token(content: str) -> None:
    assert control_ids(user(content)) == control_ids(user("x"))


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
