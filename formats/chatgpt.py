"""Import of ChatGPT's conversations.json: a tree of nodes with user and assistant messages.

Spoken messages come with the words that were heard. Hidden nodes, system and tool messages,
pictures, recordings and tool calls are left out and counted; their children are attached to the
nearest imported ancestor.
"""

from collections.abc import Mapping
from functools import partial

from pydantic import Field

from chat.conversations.models import Archive
from chat.models import Role
from formats.citations import without_marks
from formats.foreign import (
    ForeignNode,
    Heading,
    LenientRecord,
    check_number,
    check_words,
    time_of,
    title_in,
    tree_archive,
)
from formats.import_report import ImportContext, LeftOut
from formats.reading import field_path, refusal, validate

ROLES = {"user": Role.USER, "assistant": Role.ASSISTANT}
TEXTS = frozenset({"text", "multimodal_text"})
KINDS = {
    "thoughts": LeftOut.THINKING,
    "reasoning_recap": LeftOut.THINKING,
    "user_editable_context": LeftOut.INSTRUCTIONS,
    "model_editable_context": LeftOut.INSTRUCTIONS,
    "code": LeftOut.TOOL,
}
PARTS = {
    "image_asset_pointer": LeftOut.PICTURE,
    "audio_asset_pointer": LeftOut.RECORDING,
    "real_time_user_audio_video_asset_pointer": LeftOut.RECORDING,
    "video_container_asset_pointer": LeftOut.RECORDING,
}


class _Author(LenientRecord):
    role: str


class _Content(LenientRecord):
    content_type: str
    parts: list[object] | None = None


class _Message(LenientRecord):
    author: _Author
    content: _Content
    create_time: float | None = None
    recipient: str | None = None
    metadata: dict[str, object] | None = None

    @property
    def is_hidden(self) -> bool:
        return (self.metadata or {}).get("is_visually_hidden_from_conversation") is True


class _Node(LenientRecord):
    message: object = None
    parent: str | None = None
    children: tuple[str, ...] = Field(default=(), strict=False)


class _Conversation(LenientRecord):
    title: str | None = None
    create_time: float | None = None
    update_time: float | None = None
    mapping: dict[str, _Node]
    current_node: str | None = None


def read_chatgpt(value: Mapping[str, object], where: str, context: ImportContext) -> Archive | None:
    """One conversation; None if it has no text. Raises BadImport."""
    nodes, mapping = value["mapping"], field_path(where, "mapping")
    if isinstance(nodes, Mapping):
        check_number(nodes, mapping)
    record = validate(_Conversation, value, where)
    created = time_of(record.create_time, field_path(where, "create_time"))
    updated = time_of(record.update_time, field_path(where, "update_time"))
    if record.current_node is not None and record.current_node not in record.mapping:
        raise refusal(field_path(where, "current_node"), "names no node")
    return tree_archive(
        {
            key: _node(node, field_path(mapping, key, "message"), context)
            for key, node in record.mapping.items()
        },
        mapping,
        context,
        Heading(
            head=record.current_node,
            title=title_in(record.title or "", field_path(where, "title")),
            created=created,
            updated=updated,
        ),
    )


def _node(node: _Node, where: str, context: ImportContext) -> ForeignNode:
    empty = ForeignNode(node.parent, children=node.children)
    if node.message is None:
        return empty
    read = context.unless_broken(partial(_message, node, where, context))
    return read or empty


def _message(node: _Node, where: str, context: ImportContext) -> ForeignNode | None:
    """Raises BadImport."""
    message = validate(_Message, node.message, where)
    if kind := _left_out(message):
        context.leave_out(kind, int(_holds_something(message)))
        return None
    text = check_words(_text(message, context), field_path(where, "content", "parts"))
    time = time_of(message.create_time, field_path(where, "create_time"))
    role = ROLES[message.author.role]
    return ForeignNode(node.parent, role, text, time, children=node.children)


def _left_out(message: _Message) -> LeftOut | None:
    """What a message is that is not imported; None for words of a person or the model."""
    role, content_type = message.author.role, message.content.content_type
    if kind := KINDS.get(content_type):
        return kind
    if role == "system":
        return LeftOut.INSTRUCTIONS
    if role == "tool" or message.recipient not in (None, "all"):
        return LeftOut.TOOL
    if message.is_hidden:
        return LeftOut.HIDDEN
    return None if role in ROLES and content_type in TEXTS else LeftOut.OTHER


def _holds_something(message: _Message) -> bool:
    """Whether there is something to miss: exports are full of empty system messages."""
    content = message.content
    return content.content_type not in TEXTS or any(content.parts or ())


def _text(message: _Message, context: ImportContext) -> str:
    """The words of all parts: typed ones, and what was heard of a recording."""
    words: list[str] = []
    for part in message.content.parts or ():
        text = part if isinstance(part, str) else _part_words(part, context)
        if text:
            words.append(text)
    metadata = message.metadata or {}
    files = metadata.get("attachments")
    pictures = sum(not isinstance(part, str) for part in message.content.parts or ())
    if isinstance(files, list):
        context.leave_out(LeftOut.FILE, max(0, len(files) - pictures))
    if message.author.role != Role.ASSISTANT:
        return "\n".join(words)
    text, dropped = without_marks("\n".join(words), _references(metadata))
    context.leave_out(LeftOut.CITATION, dropped)
    return text


def _part_words(part: object, context: ImportContext) -> str:
    if not isinstance(part, Mapping):
        context.leave_out(LeftOut.OTHER)
        return ""
    text = part.get("text")
    if isinstance(text, str):  # of a transcription, also of kinds that come later
        return text
    context.leave_out(PARTS.get(str(part.get("content_type")), LeftOut.OTHER))
    return ""


def _references(metadata: Mapping[str, object]) -> Mapping[str, str]:
    """What ChatGPT shows in place of its marks, by the mark."""
    references = metadata.get("content_references")
    return {
        str(item["matched_text"]): item["alt"]
        for item in (references if isinstance(references, list) else ())
        if isinstance(item, Mapping)
        and isinstance(item.get("alt"), str)
        and isinstance(item.get("matched_text"), str)
    }
