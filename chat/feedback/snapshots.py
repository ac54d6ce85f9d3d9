"""Snapshots of answers with everything that they were generated from, at the first rating.

Pure. Knows no rating and no store.
"""

from collections.abc import Sequence
from uuid import uuid4

from chat.conversations.models import Conversation, Message, Origin
from chat.conversations.prompt import prompt_from
from chat.feedback.models import AnswerSnapshot
from chat.languages import language_of
from chat.models import ChatMessage, Role, Status, partial_text
from chat.serving.completion import CompletionRecord
from chat.serving.observer import Source
from chat.serving.provenance import prompt_sha256

WORDLESS = (Status.STOPPED, Status.ERROR)
"""The states in which an answer without text can be rated."""


def may_be_rated(message: Message) -> bool:
    """Whether a message is a finished answer that was generated here.

    Edited and imported answers say nothing about the model. An answer without text can be rated
    if it was stopped or failed.
    """
    written_here = message.role is Role.ASSISTANT and message.origin is Origin.HERE
    ended = bool(message.content) and not message.status.is_open
    return written_here and (ended or message.status in WORDLESS)


def snapshot_of_answer(
    conversation: Conversation, path: Sequence[Message], variant: int | None, page_language: str
) -> AnswerSnapshot:
    """The snapshot of the last message of `path`, by that variant of the campaign, if any."""
    answer = path[-1]
    return AnswerSnapshot(
        id=uuid4().hex,
        answer_id=answer.id,
        owner_id=conversation.owner_id,
        source=Source.PAGE,
        prompt=prompt_from(path),
        answer=answer.content,
        status=answer.status,
        made_at=answer.created_at,
        finish=answer.finish,
        usage=answer.usage,
        timing=answer.timing,
        provenance=answer.provenance,
        conversation_id=conversation.id,
        campaign_id=conversation.campaign_id,
        variant=variant,
        language=language_of(answer.content),
        page_language=page_language,
    )


def snapshot_of_completion(written: CompletionRecord) -> AnswerSnapshot:
    """The snapshot of an answer to a program, including a beginning that the model continued.

    Tool calls are part of the text, in the notation of the model.
    """
    prompt = written.prompt
    if isinstance(prompt, str):
        prompt = (ChatMessage(Role.USER, prompt),)
    calls = [
        f'<tool_call>\n{{"name": "{call.name}", "arguments": {call.arguments}}}\n</tool_call>'
        for call in written.calls
    ]
    answer = "\n".join([text for text in (partial_text(prompt) + written.text, *calls) if text])
    return AnswerSnapshot(
        id=uuid4().hex,
        answer_id=written.id,
        owner_id=written.principal.user.id,
        source=Source.API,
        prompt=tuple(prompt),
        answer=answer,
        status=Status.DONE,
        made_at=written.created_at,
        finish=written.finish,
        usage=written.usage,
        timing=written.timing,
        provenance=written.provenance,
        language=language_of(answer),
    )


def is_exact(snapshot: AnswerSnapshot) -> bool:
    """Whether the snapshot has the exact prompt of the answer.

    It has not if messages before the answer were deleted, or if a program sent bare text.
    """
    provenance = snapshot.provenance
    return provenance is not None and prompt_sha256(snapshot.prompt) == provenance.prompt_sha256
