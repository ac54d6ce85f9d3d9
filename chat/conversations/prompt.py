"""What the model is told of a conversation, and what it was told when it wrote an answer."""

from collections.abc import Sequence

from chat.conversations.attachments import with_attachments
from chat.conversations.context_window import split_turns
from chat.conversations.models import Message
from chat.models import ChatMessage, Role


def as_prompt(path: Sequence[Message]) -> list[ChatMessage]:
    """What the model is told of a path; an answer that failed before its first word is left out."""
    return [
        ChatMessage(message.role, with_attachments(message.content, message.attachments))
        for message in path
        if message.content
    ]


def system_message(prompt: str) -> tuple[ChatMessage, ...]:
    """The system prompt as a message, if there is one."""
    return (ChatMessage(Role.SYSTEM, prompt),) if prompt.strip() else ()


def prompt_from(path: Sequence[Message]) -> tuple[ChatMessage, ...]:
    """The messages that made the last one of `path`, which is an answer.

    Messages before it may have been deleted since: whether these are exactly the ones tells their
    digest, which the answer's provenance holds.
    """
    *before, answer = path
    made = answer.provenance
    if made is None:
        return tuple(as_prompt(before))
    turns = split_turns(as_prompt(before))[made.dropped_turns :]
    begun = answer.content[: made.continued_characters]
    told = [message for turn in turns for message in turn]
    continued = [ChatMessage(Role.ASSISTANT, begun)] if begun else []
    return (*system_message(made.system_prompt), *told, *continued)
