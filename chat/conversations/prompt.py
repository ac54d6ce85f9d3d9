"""The prompt of a conversation, and the prompt that an earlier answer was generated from."""

from collections.abc import Sequence

from chat.conversations.attachments import with_attachments
from chat.conversations.context_window import split_turns
from chat.conversations.models import Message
from chat.models import ChatMessage, Role


def as_prompt(path: Sequence[Message]) -> list[ChatMessage]:
    """The messages of a path as a prompt, without answers that failed before their first word."""
    return [
        ChatMessage(message.role, with_attachments(message.content, message.attachments))
        for message in path
        if message.content
    ]


def system_message(prompt: str) -> tuple[ChatMessage, ...]:
    """The system prompt as a message, if there is one."""
    return (ChatMessage(Role.SYSTEM, prompt),) if prompt.strip() else ()


def partial_message(content: str) -> ChatMessage:
    """The beginning of an answer, which the model continues."""
    return ChatMessage(Role.ASSISTANT, content, partial=True)


def prompt_from(path: Sequence[Message]) -> tuple[ChatMessage, ...]:
    """The messages that made the last one of `path`, which is an answer.

    Messages before it may have been deleted since. The digest in the answer's provenance decides
    whether these are exactly the same.
    """
    *before, answer = path
    provenance = answer.provenance
    if provenance is None:
        return tuple(as_prompt(before))
    turns = split_turns(as_prompt(before))[provenance.dropped_turns :]
    begun = answer.content[: provenance.continued_characters]
    remaining = [message for turn in turns for message in turn]
    partial = [partial_message(begun)] if begun else []
    return (*system_message(provenance.system_prompt), *remaining, *partial)
