"""Import of the chats that Open WebUI exports: a tree of messages each, with files as text.

Thoughts and calls of tools stand in its answers as <details> blocks: they are left out and counted.
"""

import re
from collections.abc import Mapping
from functools import partial

from chat.conversations.models import Archive
from chat.models import Role
from formats.foreign import (
    ForeignNode,
    Heading,
    LenientRecord,
    chain,
    check_number,
    check_prompt,
    check_words,
    files_of,
    time_of,
    title_in,
    tree_archive,
)
from formats.import_report import ImportContext, LeftOut
from formats.reading import field_path, validate

DETAILS = re.compile(
    r'[<]details type="(reasoning|tool_calls|code_interpreter)"[^>]*>.*?[<]/details>\n*', re.DOTALL
)


class _Message(LenientRecord):
    parentId: str | None = None
    childrenIds: list[str] | None = None
    role: str
    content: str | list[dict[str, object]] | None = None
    timestamp: float | None = None
    files: list[dict[str, object]] | None = None


class _History(LenientRecord):
    messages: dict[str, object]
    currentId: str | None = None


class _Chat(LenientRecord):
    title: str | None = None
    system: str | None = None
    params: dict[str, object] | None = None
    history: _History | None = None
    messages: list[object] | None = None


class _Times(LenientRecord):
    title: str | None = None
    created_at: float | None = None
    updated_at: float | None = None


def read_open_webui(
    value: Mapping[str, object], where: str, context: ImportContext
) -> Archive | None:
    """One chat; None if it has no text. Raises BadImport."""
    wrapped = isinstance(value.get("chat"), Mapping)
    place = field_path(where, "chat") if wrapped else where
    chat = validate(_Chat, value["chat"] if wrapped else value, place)
    times = validate(_Times, value, where)
    if chat.history is not None:
        place = field_path(place, "history", "messages")
        nodes, head = _tree(chat.history, place, context), chat.history.currentId
    else:
        place, head = field_path(place, "messages"), None
        nodes = _list(chat.messages or [], place, context)
    system = chat.system or (chat.params or {}).get("system")
    return tree_archive(
        nodes,
        place,
        context,
        Heading(
            head=head,
            title=title_in(times.title or chat.title or "", field_path(where, "title")),
            created=time_of(times.created_at, field_path(where, "created_at")),
            updated=time_of(times.updated_at, field_path(where, "updated_at")),
            system_prompt=check_prompt(system if isinstance(system, str) else "", where),
        ),
    )


def _tree(history: _History, where: str, context: ImportContext) -> dict[str, ForeignNode]:
    check_number(history.messages, where)
    nodes: dict[str, ForeignNode] = {}
    for key, item in history.messages.items():
        at = field_path(where, key)
        node = context.unless_broken(partial(_node, item, at, context))
        nodes[key] = node or ForeignNode(_parent_of(item))
    return nodes


def _parent_of(item: object) -> str | None:
    parent = item.get("parentId") if isinstance(item, Mapping) else None
    return parent if isinstance(parent, str) else None


def _list(messages: list[object], where: str, context: ImportContext) -> dict[str, ForeignNode]:
    check_number(messages, where)
    read = (
        context.unless_broken(partial(_node, item, field_path(where, number), context))
        for number, item in enumerate(messages)
    )
    return chain([node for node in read if node])


def _node(item: object, where: str, context: ImportContext) -> ForeignNode:
    """Raises BadImport."""
    message = validate(_Message, item, where)
    if message.role not in ("user", "assistant"):
        context.leave_out(LeftOut.INSTRUCTIONS if message.role == "system" else LeftOut.TOOL)
        return ForeignNode(message.parentId, children=message.childrenIds or ())
    text = check_words(_text(message, context), field_path(where, "content"))
    return ForeignNode(
        message.parentId,
        Role(message.role),
        text,
        time_of(message.timestamp, field_path(where, "timestamp")),
        files_of(_files(message, context), context),
        message.childrenIds or (),
    )


def _text(message: _Message, context: ImportContext) -> str:
    if isinstance(message.content, list):
        words = [part.get("text") for part in message.content]
        context.leave_out(LeftOut.PICTURE, sum(not isinstance(text, str) for text in words))
        return "\n".join(text for text in words if isinstance(text, str))
    text = message.content or ""
    if message.role == "user":
        return text
    for block in DETAILS.finditer(text):
        context.leave_out(LeftOut.THINKING if block[1] == "reasoning" else LeftOut.TOOL)
    return DETAILS.sub("", text)


def _files(message: _Message, context: ImportContext) -> list[tuple[str, str]]:
    """The files with a text, by name."""
    files: list[tuple[str, str]] = []
    for item in message.files or ():
        inner = item.get("file")
        data = inner.get("data") if isinstance(inner, Mapping) else None
        text = data.get("content") if isinstance(data, Mapping) else None
        if isinstance(text, str) and text and message.role == "user":
            files.append((str(item.get("name") or "file.txt"), text))
        else:
            is_picture = item.get("type") == "image"
            context.leave_out(LeftOut.PICTURE if is_picture else LeftOut.FILE)
    return files
