"""Import of a conversation that LibreChat exported as JSON: a list of messages, or a tree."""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial

from chat.conversations.models import Archive
from chat.models import Role
from formats.foreign import (
    ForeignNode,
    Heading,
    LenientRecord,
    check_number,
    check_prompt,
    check_words,
    time_of,
    title_in,
    tree_archive,
)
from formats.import_report import ImportContext, LeftOut
from formats.reading import field_path, refusal, validate

PARTS = {
    "think": LeftOut.THINKING,
    "tool_call": LeftOut.TOOL,
    "image_file": LeftOut.PICTURE,
    "image_url": LeftOut.PICTURE,
    "input_audio": LeftOut.RECORDING,
    "video_url": LeftOut.RECORDING,
}


class _Message(LenientRecord):
    messageId: str
    parentMessageId: str | None = None
    isCreatedByUser: bool
    text: str | None = None
    content: list[dict[str, object]] | None = None
    createdAt: str | None = None
    error: bool | None = None
    files: list[object] | None = None
    children: list[object] | None = None


class _Options(LenientRecord):
    promptPrefix: str | None = None


class _Conversation(LenientRecord):
    title: str | None = None
    options: _Options | None = None


def read_librechat(
    value: Mapping[str, object], where: str, context: ImportContext
) -> Archive | None:
    """One conversation; None if it has no text. Raises BadImport."""
    name = "messagesTree" if isinstance(value.get("messagesTree"), list) else "messages"
    record, place = validate(_Conversation, value, where), field_path(where, name)
    prompt = record.options.promptPrefix if record.options else None
    nodes = _nodes(value[name], place, context)
    times = [node.time for node in nodes.values() if node.time]
    return tree_archive(
        nodes,
        place,
        context,
        Heading(
            title=title_in(record.title or "", field_path(where, "title")),
            created=min(times, default=None),
            updated=max(times, default=None),
            system_prompt=check_prompt(prompt or "", field_path(where, "options", "promptPrefix")),
        ),
    )


def _nodes(messages: object, where: str, context: ImportContext) -> dict[str, ForeignNode]:
    """All messages by id. Raises BadImport."""
    nodes: dict[str, ForeignNode] = {}
    found = [(item, field_path(where, n)) for n, item in enumerate(_list(messages, where))]
    for item, at in found:  # the list grows during iteration
        check_number(found, where)
        message = context.unless_broken(partial(validate, _Message, item, at))
        if message is None:
            continue
        below = field_path(at, "children")
        found += [(child, field_path(below, n)) for n, child in enumerate(message.children or ())]
        node = context.unless_broken(partial(_node, message, at, context))
        nodes[message.messageId] = node or ForeignNode(message.parentMessageId)
    return {
        key: node if node.parent in nodes else replace(node, parent=None)
        for key, node in nodes.items()
    }


def _list(messages: object, where: str) -> list[object]:
    if not isinstance(messages, list):
        raise refusal(where, "should be a list")
    return messages


def _node(message: _Message, where: str, context: ImportContext) -> ForeignNode | None:
    """Raises BadImport."""
    if message.error:
        context.leave_out(LeftOut.OTHER)
        return None
    text = check_words(_text(message, context), field_path(where, "text"))
    context.leave_out(LeftOut.FILE, len(message.files or ()))
    role = Role.USER if message.isCreatedByUser else Role.ASSISTANT
    time = time_of(message.createdAt, field_path(where, "createdAt"))
    return ForeignNode(message.parentMessageId, role, text, time)


def _text(message: _Message, context: ImportContext) -> str:
    """The text parts; the plain text of messages that have no parts."""
    words: list[str] = []
    for part in message.content or ():
        text = part.get("text")
        if isinstance(text, Mapping):
            text = text.get("value")
        if part.get("type") == "text" and isinstance(text, str):
            words.append(text)
        else:
            context.leave_out(PARTS.get(str(part.get("type")), LeftOut.OTHER))
    return "\n\n".join(filter(None, words)) or message.text or ""
