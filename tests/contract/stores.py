"""Common values and steps of the contract tests of stores."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any
from uuid import uuid4

from chat.conversations.models import AnswerRecord, Attachment, Message, Question, Turn
from chat.conversations.ports import ConversationStore
from chat.models import ChatOptions, Finish, Provenance, Sampling, Status, Timing, Usage

ANN, BOB = "ann", "bob"
START = datetime(2026, 1, 1, tzinfo=UTC)
END = START + timedelta(days=365)
OPTIONS = ChatOptions(
    "Be brief. 简短。", Sampling(temperature=0.5, seed=2**63, stop=("\n\n", "停"))
)
ENDED = AnswerRecord(
    content="你好 👋🏽",
    status=Status.DONE,
    finish=Finish.STOP,
    usage=Usage(prompt_tokens=20, completion_tokens=5),
    timing=Timing(queue_s=0.1, prefill_s=0.2, ttft_s=0.3, total_s=1.5, decode_tokens_per_s=9.5),
    provenance=Provenance("Qwen2.5", "main", "none", "local", OPTIONS.sampling, "ab" * 32, 2),
)


def ticking() -> Callable[[], datetime]:
    """A clock that is a second later each time it is read."""
    seconds = count()
    return lambda: START + timedelta(seconds=next(seconds))


async def ask(
    store: ConversationStore,
    conversation_id: str | None = None,
    *,
    user_id: str = ANN,
    question: str = "Hi",
    title: str = "A title",
    request_id: str | None = None,
    options: ChatOptions | None = None,
    beside: str | None = None,
    attachments: tuple[Attachment, ...] = (),
    temporary: bool = False,
    campaign_id: str = "",
) -> Turn:
    return await store.add_turn(
        user_id,
        conversation_id=conversation_id,
        question=Question(
            question, request_id or uuid4().hex, title, attachments, beside, temporary, campaign_id
        ),
        options=options or ChatOptions(),
    )


async def ask_and_answer(
    store: ConversationStore,
    conversation_id: str | None = None,
    *,
    user_id: str = ANN,
    answer: str = ENDED.content,
    **arguments: Any,
) -> Turn:
    turn = await ask(store, conversation_id, user_id=user_id, **arguments)
    await store.finish_answer(user_id, turn.answer.id, replace(ENDED, content=answer))
    return turn


async def path(store: ConversationStore, turn: Turn, user_id: str = ANN) -> list[Message]:
    return list(await store.path(user_id, turn.conversation.id))


async def ids_of_path(store: ConversationStore, turn: Turn) -> list[str]:
    return [message.id for message in await path(store, turn)]
