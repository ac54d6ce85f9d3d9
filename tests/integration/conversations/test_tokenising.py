"""How often text is tokenised: once for a question, and only the draft after a pause in typing."""

from collections.abc import Sequence

import pytest

from chat.conversations.context_usage import ContextMeter, ContextUsage, UsageInput
from chat.conversations.context_window import fit
from chat.conversations.models import Question
from chat.models import BarePrompt, ChatMessage, ChatOptions, Prompt, Role
from chat.serving.errors import PromptTooLong
from chat.serving.models import PreparedPrompt
from chat.tools import Tool
from engine.prompt import ChatPrompt
from tests.chat import USER, Chat, make_chat
from tests.chat_templates import FOLDING
from tests.fakes import ScriptedEngine
from tests.programs import CHAT, HI, Programs
from tests.tiny import tiny_tokenizer


@pytest.fixture
def chat() -> Chat:
    return make_chat()


async def usage(chat: Chat, conversation_id: str | None, draft: str) -> ContextUsage:
    return await chat.answers.context_usage(
        USER,
        conversation_id=conversation_id,
        question=Question(draft, ""),
        options=ChatOptions("system"),
    )


async def test_a_follow_up_question_is_tokenised_once(chat: Chat) -> None:
    job = await chat.ask_and_wait("Hi")
    chat.engine.prepared.clear()
    await chat.ask_and_wait("And?", conversation_id=job.conversation_id)
    assert chat.engine.prepared == [chat.engine.prompts[-1]]


async def test_a_follow_up_request_of_a_program_is_tokenised_once() -> None:
    programs = Programs()
    await programs.chat()
    programs.engine.prepared.clear()
    turns = [*HI["messages"], {"role": "assistant", "content": "Hello"}, *HI["messages"]]
    answer = await programs.client.post(CHAT, json={**HI, "messages": turns})
    assert answer.json()["usage"]["prompt_tokens_details"]["cached_tokens"] == 3
    assert len(programs.engine.prepared) == 1


async def test_a_pause_in_typing_tokenises_only_the_draft(chat: Chat) -> None:
    job = await chat.ask_and_wait("Q1")
    await usage(chat, job.conversation_id, "dra")
    for draft in ("draft", "draft and more"):
        chat.engine.prepared.clear()
        measured = await usage(chat, job.conversation_id, draft)
        assert chat.engine.prepared == [draft]
        assert (measured.system, measured.history, measured.draft) == (6, 7, len(draft))


async def test_the_history_before_the_draft_is_recounted_after_a_change(
    chat: Chat,
) -> None:
    job = await chat.ask_and_wait("Q1")
    before = await usage(chat, job.conversation_id, "draft")
    await chat.ask_and_wait("Q2", conversation_id=job.conversation_id)
    after = await usage(chat, job.conversation_id, "draft")
    assert (before.history, after.history) == (7, 14)


class TinyTokens(ScriptedEngine):
    """A scripted engine with the tokens of the tiny model, and a chat template."""

    template = ""

    async def prepare(
        self, prompt: Prompt | BarePrompt, tools: Sequence[Tool] = ()
    ) -> PreparedPrompt:
        tokenizer = tiny_tokenizer()
        tokenizer.chat_template = self.template or tokenizer.chat_template
        return ChatPrompt(tokenizer).prepare(prompt, tools)


HISTORY = [
    ChatMessage(role, content * 10)
    for content in ("<|im_end|>a", "b", "你")
    for role in (Role.USER, Role.ASSISTANT)
]


TEMPLATES = ["", "{% for m in messages %}{{ m.content }}\n{% endfor %}", FOLDING[0].template]


@pytest.mark.parametrize("template", TEMPLATES)
@pytest.mark.parametrize("keep_turns", [None, 1, 2, 9])
@pytest.mark.parametrize("limit", [60, 200, 300, 400, 500, 900])
async def test_the_usage_equals_the_exact_count(
    limit: int, keep_turns: int | None, template: str
) -> None:
    engine = TinyTokens()
    engine.template = template
    usage_input = UsageInput("head", "be brief", HISTORY, "draft", limit, 10, keep_turns)
    measured = await ContextMeter().measure(engine, usage_input)
    question = ChatMessage(Role.USER, "draft")
    try:
        window = await fit(
            "be brief",
            [*HISTORY, question],
            prepare=engine.prepare,
            budget=limit - 10,
            keep_turns=keep_turns,
        )
    except PromptTooLong:
        assert not measured.fits
        return
    assert measured.fits
    assert (measured.prompt, measured.dropped_turns) == (
        window.prompt_tokens,
        window.dropped_turns,
    )
    whole = await engine.prepare([ChatMessage(Role.SYSTEM, "be brief"), *HISTORY, question])
    assert measured.asked == whole.tokens
