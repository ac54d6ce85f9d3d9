"""Export of the displayed path of a conversation as Markdown, with unchanged texts."""

import re

from chat.conversations.models import Archive, Attachment, Message
from chat.conversations.tree import Tree
from formats.words import ExportLanguage, Wording, moment

_MARKS = re.compile(r"[\\`*_\[\]<>#|~&]")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})(.*)")
_RUN = re.compile(r"`{3,}")


def write_markdown(archive: Archive, language: ExportLanguage) -> str:
    """The whole text. Raises NotFound when the head is not among the messages."""
    conversation, words = archive.conversation, language.words
    blocks = [f"# {escaped(conversation.title) or words.untitled}", f"*{words.notice}*"]
    if conversation.options.system_prompt:
        blocks += [f"## {words.system}", closed(conversation.options.system_prompt)]
    for message in Tree(archive.messages).path_to(conversation.head_id):
        blocks += _blocks(message, words)
    return "\n\n".join(blocks) + "\n"


def _blocks(message: Message, words: Wording) -> list[str]:
    about = " · ".join([moment(message.created_at), *map(escaped, words.remarks(message))])
    files = [_file(item) for item in message.attachments]
    text = [closed(message.content)] if message.content else []
    return [f"## {words.speaker(message)}", f"*{about}*", *files, *text]


def _file(item: Attachment) -> str:
    longest = max((len(run) for run in _RUN.findall(item.text)), default=2)
    fence = "`" * (longest + 1)
    return f"**{escaped(item.name)}**\n\n{fence}\n{item.text}\n{fence}"


def escaped(text: str) -> str:
    """Foreign text for one line, with Markdown syntax escaped."""
    return _MARKS.sub(r"\\\g<0>", " ".join(text.split()))


def closed(text: str) -> str:
    """The text with an unclosed code fence closed, as of a cut-off answer."""
    fence = ""
    for line in text.splitlines():
        match = _FENCE.fullmatch(line)
        if not match:
            continue
        marks, rest = match.groups()
        if not fence:
            fence = marks if marks[0] == "~" or "`" not in rest else ""
        elif marks[0] == fence[0] and len(marks) >= len(fence) and not rest.strip():
            fence = ""
    return f"{text}\n{fence}" if fence else text
