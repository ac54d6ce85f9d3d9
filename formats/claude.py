"""Import of the conversations.json that claude.ai exports, with branches where it has them.

Thoughts, calls of tools, pictures and files without a text are left out and counted; files with a
text come with their message.
"""

from collections.abc import Mapping
from functools import partial

from chat.conversations.models import Archive
from chat.models import Role
from formats.foreign import (
    ForeignNode,
    Heading,
    LenientRecord,
    check_number,
    check_words,
    files_of,
    time_of,
    title_in,
    tree_archive,
)
from formats.import_report import ImportContext, LeftOut
from formats.reading import field_path, refusal, validate

SENDERS = {"human": Role.USER, "user": Role.USER, "assistant": Role.ASSISTANT}
BLOCKS = {
    "thinking": LeftOut.THINKING,
    "redacted_thinking": LeftOut.THINKING,
    "tool_use": LeftOut.TOOL,
    "tool_result": LeftOut.TOOL,
    "image": LeftOut.PICTURE,
    "document": LeftOut.FILE,
}
UNCOUNTED = frozenset({"token_budget", "flag"})
"""Blocks in which nobody said anything."""


class _Attachment(LenientRecord):
    file_name: str | None = None
    extracted_content: str | None = None


class _Message(LenientRecord):
    uuid: str | None = None
    sender: str
    text: str | None = None
    content: list[dict[str, object]] | None = None
    created_at: str | None = None
    attachments: list[_Attachment] | None = None
    files: list[object] | None = None
    parent_message_uuid: str | None = None


class _Conversation(LenientRecord):
    name: str | None = None
    created_at: str | None = None
    updated_at: str | None = None
    chat_messages: list[object]
    current_leaf_message_uuid: str | None = None


def read_claude(value: Mapping[str, object], where: str, context: ImportContext) -> Archive | None:
    """One conversation; None if it has no text. Raises BadImport."""
    record, place = validate(_Conversation, value, where), field_path(where, "chat_messages")
    check_number(record.chat_messages, place)
    nodes: dict[str, ForeignNode] = {}
    above: str | None = None
    for number, item in enumerate(record.chat_messages):
        at = field_path(place, number)
        message = context.unless_broken(partial(validate, _Message, item, at))
        if message is None:
            continue
        key = message.uuid or str(number)
        parent = message.parent_message_uuid if message.parent_message_uuid in nodes else None
        if message.parent_message_uuid is None:
            parent = above  # older exports have no branches
        node = context.unless_broken(partial(_node, message, parent, at, context))
        nodes[key] = node or ForeignNode(parent)
        above = key
    return tree_archive(
        nodes,
        place,
        context,
        Heading(
            head=record.current_leaf_message_uuid,
            title=title_in(record.name or "", field_path(where, "name")),
            created=time_of(record.created_at, field_path(where, "created_at")),
            updated=time_of(record.updated_at, field_path(where, "updated_at")),
        ),
    )


def _node(message: _Message, parent: str | None, where: str, context: ImportContext) -> ForeignNode:
    """Raises BadImport."""
    if message.sender not in SENDERS:
        raise refusal(field_path(where, "sender"), f"should be one of {', '.join(SENDERS)}")
    text = check_words(_text(message, context), field_path(where, "text"))
    time = time_of(message.created_at, field_path(where, "created_at"))
    files = []
    for item in message.attachments or ():
        if item.extracted_content:
            files.append((item.file_name or "file.txt", item.extracted_content))
        else:
            context.leave_out(LeftOut.FILE)
    context.leave_out(LeftOut.FILE, len(message.files or ()))
    role = SENDERS[message.sender]
    return ForeignNode(parent, role, text, time, files_of(files, context))


def _text(message: _Message, context: ImportContext) -> str:
    """The text blocks; the plain text of exports that have no blocks."""
    if not message.content:
        return message.text or ""
    words: list[str] = []
    for block in message.content:
        text, kind = block.get("text"), str(block.get("type"))
        if kind == "text" and isinstance(text, str):
            words.append(text)
        elif kind not in UNCOUNTED:
            context.leave_out(BLOCKS.get(kind, LeftOut.OTHER))
    return "\n\n".join(filter(None, words))
