"""Renders stored messages and live progress as values of gr.Chatbot.

All of it is HTML: of answers from `formats.answers`, of the rest from `templates/`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from chat.conversations.models import Message, Progress
from chat.conversations.service import ConversationView
from chat.models import Role
from formats.answers.rendering import GrowingAnswer, render
from formats.words import ExportLanguage
from i18n import Language
from ui import message_footer, rating
from ui.html import html
from ui.i18n import text
from ui.rating import Ratings

Bubble = dict[str, object]
"""One message of gr.Chatbot."""


@dataclass(frozen=True, slots=True)
class TranscriptView:
    """The displayed turns of a conversation.

    Only the `newest` turn changes while it is answered; the `earlier` ones are above it, and
    the `hidden` oldest turns are not rendered.
    """

    hidden: int
    earlier: list[Bubble]
    newest: list[Bubble]


def transcript(
    opened: ConversationView, language: Language, *, hidden: int = 0, ratings: Ratings | None = None
) -> TranscriptView:
    """A conversation without its `hidden` oldest turns; the newest is always drawn.

    `ratings` are the user's ratings of its answers; None where they cannot be rated.
    """
    messages = opened.messages
    starts = turn_starts(messages)
    hidden = max(0, min(hidden, len(starts) - 1))
    first, last = starts[hidden : hidden + 1] or [0], starts[-1:] or [0]
    begin = first[0] if hidden else 0
    dropped = _dropped_turns(opened)
    line_after = starts[dropped] - 1 if 0 < dropped < len(starts) else None

    def drawn(start: int, end: int) -> list[Bubble]:
        bubbles = []
        for index in range(start, end):
            line = message_footer.dropped(dropped, language) if index == line_after else None
            bubbles.append(_message(messages[index], opened, language, line, ratings))
        return bubbles

    newest = drawn(last[0], len(messages))
    if opened.elsewhere:
        newest.append(
            _bubble("assistant", _html(message_footer.elsewhere(opened.elsewhere, language)))
        )
    return TranscriptView(hidden, drawn(begin, last[0]), newest)


def turn_starts(messages: Sequence[Message]) -> list[int]:
    """Indices of the questions of a path, where its turns begin."""
    return [index for index, message in enumerate(messages) if message.role is Role.USER]


def live_question(opened: ConversationView, language: Language) -> list[Bubble]:
    """The messages of the newest turn above the answer being written."""
    return [_message(message, opened, language) for message in opened.messages[-2:-1]]


def question(
    message: Message, versions: Sequence[str], language: Language, line: Markup | None = None
) -> Bubble:
    """A user's text, character by character: Markdown would swallow tags and asterisks."""
    footer = message_footer.below_question(message, versions, language)
    return _bubble(
        "user",
        _html(html("transcript.question", message=message, footer=footer, line=line or "")),
    )


def answer(
    message: Message,
    versions: Sequence[str],
    language: Language,
    line: Markup | None = None,
    ratings: Ratings | None = None,
) -> Bubble:
    """A stored answer with its footer."""
    if message.status.is_open:
        return live_answer(Progress(message.id, message.content, message.status), language)
    thumbs = rating.thumbs(message, ratings, language)
    footer = message_footer.below_answer(message, versions, language, thumbs)
    return _bubble(
        "assistant",
        *_pieces([render(message.content, **_labels(language))]),
        _html(html("transcript.answer_footer", message=message, footer=footer, line=line or "")),
    )


def live_answer(
    progress: Progress, language: Language, growing: GrowingAnswer | None = None
) -> Bubble:
    """An answer being written: the text so far and its progress.

    `growing` has rendered earlier updates of the same answer; what it has finished is kept.
    """
    growing = growing or growing_answer(language)
    return _bubble(
        "assistant",
        *_pieces(growing.pieces(progress.text), live=True),
        _html(message_footer.below_live_answer(progress, language)),
    )


def growing_answer(language: Language) -> GrowingAnswer:
    """For the updates of one answer."""
    return GrowingAnswer(**_labels(language))


def above(hidden: int, language: Language) -> Markup:
    """The button above the first turn that is drawn, if there are older ones."""
    if not hidden:
        return Markup()
    return html("transcript.earlier", count=hidden, language=language)


def _message(
    message: Message,
    opened: ConversationView,
    language: Language,
    line: Markup | None = None,
    ratings: Ratings | None = None,
) -> Bubble:
    if opened.job and message.id == opened.job.message_id:
        return live_answer(opened.job.progress, language)
    versions = opened.versions.get(message.id, ())
    if message.role is Role.USER:
        return question(message, versions, language, line)
    return answer(message, versions, language, line, ratings)


def _dropped_turns(opened: ConversationView) -> int:
    """The number of oldest turns that are left out of the newest answer's prompt."""
    if opened.job:
        return opened.job.progress.dropped_turns
    made = (message.provenance for message in reversed(opened.messages) if message.provenance)
    newest = next(made, None)
    return newest.dropped_turns if newest else 0


def _bubble(role: str, *parts: dict[str, object]) -> Bubble:
    return {"role": role, "content": list(parts)}


def _pieces(pieces: Sequence[Markup], *, live: bool = False) -> list[dict[str, object]]:
    """The HTML of an answer in parts of its bubble: Gradio draws again only the parts that changed.

    `live`: the last one is being written.
    """
    last = len(pieces) - 1
    return [
        _html(html("transcript.answer", piece=piece, live=live and place == last, more=place > 0))
        for place, piece in enumerate(pieces)
    ]


def _labels(language: Language) -> dict[str, str]:
    """The words within an answer that are not the model's."""
    picture = ExportLanguage(language.value).words.picture
    return {"picture": picture, "copy": text(language, "copy")}


def _html(markup: Markup) -> dict[str, object]:
    return {
        "type": "component",
        "component": "html",
        "value": markup,
        "constructor_args": {},
        "props": {},
    }
