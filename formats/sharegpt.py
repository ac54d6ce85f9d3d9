"""ShareGPT: a flat list of messages, a common format of training data, without branches."""

import json
from collections.abc import Mapping
from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from chat.conversations.attachments import with_attachments
from chat.conversations.models import Archive
from chat.conversations.tree import Tree
from chat.models import Role
from formats.foreign import Foreign, Words, check_number, check_words
from formats.reading import field_path, refusal, validate

SPEAKERS = {
    "system": Role.SYSTEM,
    "human": Role.USER,
    "user": Role.USER,
    "gpt": Role.ASSISTANT,
    "assistant": Role.ASSISTANT,
}
WRITTEN = {Role.USER: "human", Role.ASSISTANT: "gpt"}
HEAD, TAIL = "[", "]\n"


def write_sharegpt(archive: Archive) -> str:
    """The displayed path as one line of JSON: an item of the file's list.

    Attachments are part of the text, as in the prompt. Empty messages are left out.
    """
    conversation = archive.conversation
    turns = [
        {
            "from": WRITTEN[message.role],
            "value": with_attachments(message.content, message.attachments),
        }
        for message in Tree(archive.messages).path_to(conversation.head_id)
        if message.content or message.attachments
    ]
    if conversation.options.system_prompt:
        turns.insert(0, {"from": "system", "value": conversation.options.system_prompt})
    record = {"id": conversation.id, "conversations": turns}
    return json.dumps(record, ensure_ascii=False, separators=(",", ":"))


class _Turn(BaseModel):
    """One message: speaker and text."""

    model_config = ConfigDict(strict=True)
    speaker: str
    text: str


class _ShareGptTurn(_Turn):
    """A message with the keys of ShareGPT."""

    speaker: str = Field(alias="from")
    text: str = Field(alias="value")


class _OpenAiTurn(_Turn):
    """A message with the keys of the chat completions API."""

    speaker: str = Field(alias="role")
    text: str = Field(alias="content")


def read_sharegpt(
    value: Mapping[str, object], where: str, *, owner_id: str, now: datetime
) -> Archive | None:
    """One conversation; None if it has no text. Raises BadImport."""
    name = "conversations" if "conversations" in value else "messages"
    turns, where = value[name], field_path(where, name)
    if not isinstance(turns, list):
        raise refusal(where, "should be a list")
    check_number(turns, where)
    parsed = [_turn(turn, field_path(where, number)) for number, turn in enumerate(turns)]
    system_prompt = parsed.pop(0)[1] if parsed and parsed[0][0] is Role.SYSTEM else ""
    for number, (role, _) in enumerate(parsed, start=len(turns) - len(parsed)):
        if role is Role.SYSTEM:
            raise refusal(field_path(where, number), "the system prompt should be the first")
    words = [
        Words(str(number), str(number - 1) if number else None, role, text, now)
        for number, (role, text) in enumerate((role, text) for role, text in parsed if text)
    ]
    if not words:
        return None
    return Foreign(words, words[-1].id, "", now, now, system_prompt).archive(owner_id)


def _turn(value: object, where: str) -> tuple[Role, str]:
    is_openai = isinstance(value, Mapping) and "role" in value
    kind: type[_Turn] = _OpenAiTurn if is_openai else _ShareGptTurn
    turn = validate(kind, value, where)
    names = ("role", "content") if is_openai else ("from", "value")
    if turn.speaker not in SPEAKERS:
        raise refusal(field_path(where, names[0]), f"should be one of {', '.join(SPEAKERS)}")
    return SPEAKERS[turn.speaker], check_words(turn.text, field_path(where, names[1]))
