"""Export of the displayed path as one HTML file without external resources and scripts."""

from functools import cache
from pathlib import Path

from markupsafe import Markup

from chat.conversations.models import Archive, Message
from chat.conversations.tree import Tree
from formats.answers.rendering import STYLE as ANSWER_STYLE
from formats.answers.rendering import render
from formats.drawing import html
from formats.words import ExportLanguage, Wording, moment

STYLE = Path(__file__).with_name("export.css")
POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"


def write_html(archive: Archive, language: ExportLanguage) -> str:
    """The whole page. Raises NotFound when the head is not among the messages."""
    conversation, words = archive.conversation, language.words
    path = Tree(archive.messages).path_to(conversation.head_id)
    return str(
        html(
            "export.page",
            title=conversation.title or words.untitled,
            conversation=conversation,
            messages=[
                (message, _about(message, words), _answer(message, words)) for message in path
            ],
            policy=POLICY,
            style=_style(),
            words=words,
        )
    )


def _about(message: Message, words: Wording) -> str:
    parts = [words.speaker(message), moment(message.created_at), *words.remarks(message)]
    return " · ".join(parts)


def _answer(message: Message, words: Wording) -> Markup | None:
    """The Markdown of an answer as HTML; None for a question."""
    is_answer = message.role == "assistant"
    return render(message.content, picture=words.picture) if is_answer else None


@cache
def _style() -> str:
    return "".join(path.read_text(encoding="utf-8") for path in (STYLE, ANSWER_STYLE))
