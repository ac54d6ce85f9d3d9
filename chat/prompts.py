"""The prompt that an answer was written from, made again from the conversation as it is now."""

from collections.abc import Sequence

from chat.answers import as_prompt
from chat.types import ChatMessage, Message, Role
from chat.window import split_turns


def prompt_from(path: Sequence[Message]) -> tuple[ChatMessage, ...]:
    """The messages that made the last one of `path`, which ends with an answer.

    Whether they are exactly those tells their digest, which the answer's provenance holds:
    messages before it may have been deleted since.
    """
    *before, answer = path
    made = answer.provenance
    if made is None:
        return tuple(as_prompt(before))
    turns = split_turns(as_prompt(before))[made.dropped_turns :]
    begun = answer.content[: made.continued_characters]
    system = [ChatMessage(Role.SYSTEM, made.system_prompt)] if made.system_prompt.strip() else []
    told = [message for turn in turns for message in turn]
    return (*system, *told, *([ChatMessage(Role.ASSISTANT, begun)] if begun else []))
