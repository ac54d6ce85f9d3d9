"""What a chat page asks for beside its chat has a limit."""

import pytest

from api.openai.side_calls import MAX_TOKENS, bound_side_call
from chat.models import ChatMessage, Role, Sampling

TASK = ChatMessage(Role.USER, "### Task:\nSuggest 3-5 relevant follow-up questions.")


def limit_of(
    *prompt: ChatMessage, stream: bool | None = False, stated: int | None = None
) -> int | None:
    sampling = Sampling(max_new_tokens=stated)
    return bound_side_call(sampling, prompt, stream=stream).max_new_tokens


@pytest.mark.parametrize("text", [TASK.content, f"\n {TASK.content}"])
@pytest.mark.parametrize("stream", [None, False])
def test_a_side_call_without_a_limit_gets_one(text: str, stream: bool | None) -> None:
    assert limit_of(ChatMessage(Role.USER, text), stream=stream) == MAX_TOKENS


def test_a_stated_limit_is_kept() -> None:
    assert limit_of(TASK, stated=1000) == 1000


def test_what_somebody_reads_while_it_is_written_is_not_limited() -> None:
    assert limit_of(TASK, stream=True) is None


@pytest.mark.parametrize(
    "prompt",
    [
        (ChatMessage(Role.USER, "What does '### Task:' mean?"),),
        (ChatMessage(Role.SYSTEM, TASK.content),),
        (ChatMessage(Role.SYSTEM, "Be brief."), TASK),
    ],
)
def test_other_requests_are_not_limited(prompt: tuple[ChatMessage, ...]) -> None:
    assert limit_of(*prompt) is None
