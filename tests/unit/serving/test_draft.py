"""The digest of a prompt is unique, and unchanged for prompts stored earlier."""

from itertools import combinations

from chat.models import ChatMessage, Role
from chat.serving.provenance import prompt_sha256
from chat.tools import ToolCall

QUESTION = ChatMessage(Role.USER, "你好")
CALL = ToolCall("call_1", "weather", '{"city": "北京"}')


def answer(*calls: ToolCall) -> tuple[ChatMessage, ...]:
    return QUESTION, ChatMessage(Role.ASSISTANT, "", calls)


def test_the_digest_of_a_prompt_without_calls_is_the_one_that_old_answers_have() -> None:
    messages = (ChatMessage(Role.SYSTEM, "be brief"), QUESTION)
    assert (
        prompt_sha256(messages)
        == "b2e97e16332bdc7b9d7eb1aedf304397a8f74fd0bea05ee6c3b40cd9a4abbe69"
    )


def test_prompts_that_differ_only_in_their_calls_have_different_digests() -> None:
    prompts = [
        answer(),
        answer(CALL),
        answer(CALL, CALL),
        answer(ToolCall("call_2", CALL.name, CALL.arguments)),
        answer(ToolCall(CALL.id, "time", CALL.arguments)),
        answer(ToolCall(CALL.id, CALL.name, "{}")),
    ]
    assert all(
        prompt_sha256(one) != prompt_sha256(other) for one, other in combinations(prompts, 2)
    )
