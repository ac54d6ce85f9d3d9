"""ShareGPT: a flat list of messages, a common format of training data, without branches.

Read with the keys of ShareGPT or of the chat completions API. Calls and results of tools and
pictures are left out and counted.
"""

import json
from collections.abc import Mapping
from functools import partial

from chat.conversations.attachments import with_attachments
from chat.conversations.models import Archive
from chat.conversations.tree import Tree
from chat.models import Role
from formats.foreign import (
    ForeignNode,
    Heading,
    chain,
    check_number,
    check_prompt,
    check_words,
    title_in,
    tree_archive,
)
from formats.import_report import ImportContext, LeftOut
from formats.reading import field_path, refusal

SPEAKERS = {
    "system": Role.SYSTEM,
    "developer": Role.SYSTEM,
    "human": Role.USER,
    "user": Role.USER,
    "gpt": Role.ASSISTANT,
    "chatgpt": Role.ASSISTANT,
    "bing": Role.ASSISTANT,
    "bard": Role.ASSISTANT,
    "model": Role.ASSISTANT,
    "assistant": Role.ASSISTANT,
}
TOOLS = frozenset(
    {"tool", "function", "function_call", "function_response", "observation", "tool_call"}
    | {"tool_response", "ipython"}
)
PARTS = {
    "image": LeftOut.PICTURE,
    "image_url": LeftOut.PICTURE,
    "input_image": LeftOut.PICTURE,
    "audio": LeftOut.RECORDING,
    "input_audio": LeftOut.RECORDING,
    "audio_url": LeftOut.RECORDING,
    "video": LeftOut.RECORDING,
    "video_url": LeftOut.RECORDING,
    "file": LeftOut.FILE,
    "input_file": LeftOut.FILE,
    "tool_use": LeftOut.TOOL,
    "tool_result": LeftOut.TOOL,
    "thinking": LeftOut.THINKING,
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


def read_sharegpt(
    value: Mapping[str, object], where: str, context: ImportContext
) -> Archive | None:
    """One conversation; None if it has no text. Raises BadImport."""
    name = "conversations" if "conversations" in value else "messages"
    turns, place = value[name], field_path(where, name)
    if not isinstance(turns, list):
        raise refusal(place, "should be a list")
    check_number(turns, place)
    prompts = [_top_prompt(value, where)]
    nodes: list[ForeignNode] = []
    for number, turn in enumerate(turns):
        at = field_path(place, number)
        node = context.unless_broken(partial(_node, turn, at, context))
        if node is None:
            continue
        if node.role is not Role.SYSTEM:
            nodes.append(node)
        elif nodes:
            context.leave_out(LeftOut.INSTRUCTIONS)
        else:
            prompts.append(node.content)
    prompt = "\n\n".join(dict.fromkeys(filter(None, prompts)))
    title = value.get("title")
    return tree_archive(
        chain(nodes),
        place,
        context,
        Heading(
            title=title_in(title, field_path(where, "title")) if isinstance(title, str) else "",
            system_prompt=check_prompt(prompt, place),
        ),
    )


def _top_prompt(value: Mapping[str, object], where: str) -> str:
    """The system prompt that stands beside the list of messages."""
    for name in ("system", "system_prompt"):
        prompt = value.get(name)
        if isinstance(prompt, str) and prompt:
            return check_prompt(prompt, field_path(where, name))
    return ""


def _node(value: object, where: str, context: ImportContext) -> ForeignNode | None:
    """Raises BadImport."""
    if not isinstance(value, Mapping):
        raise refusal(where, "should be an object")
    names = ("role", "content") if "role" in value else ("from", "value")
    speaker, content = value.get(names[0]), value.get(names[1])
    if not isinstance(speaker, str):
        raise refusal(field_path(where, names[0]), "should be a text")
    calls = value.get("tool_calls") or value.get("function_call")
    if speaker in TOOLS:
        context.leave_out(LeftOut.TOOL)
        return None
    if speaker not in SPEAKERS:
        raise refusal(field_path(where, names[0]), f"should be one of {', '.join(SPEAKERS)}")
    if calls:
        context.leave_out(LeftOut.TOOL, len(calls) if isinstance(calls, list) else 1)
        content = content or ""
    text = _text(content, field_path(where, names[1]), context)
    return ForeignNode(None, SPEAKERS[speaker], check_words(text, field_path(where, names[1])))


def _text(content: object, where: str, context: ImportContext) -> str:
    """The words of a content: a text, or a list of parts. Raises BadImport."""
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        raise refusal(where, "should be a text")
    words: list[str] = []
    for number, part in enumerate(content):
        if isinstance(part, str):
            words.append(part)
            continue
        if not isinstance(part, Mapping):
            raise refusal(field_path(where, number), "should be a text or an object")
        text = part.get("text")
        if isinstance(text, str):
            words.append(text)
        else:
            context.leave_out(PARTS.get(str(part.get("type")), LeftOut.OTHER))
    return "\n".join(words)
