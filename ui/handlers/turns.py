"""The turns of a conversation on the page: which are rendered, and in which of the two lists."""

import asyncio
import time
from collections.abc import Callable
from functools import partial
from typing import TypeVar

import gradio as gr

from chat.conversations.models import Progress
from chat.conversations.service import ConversationView
from i18n import Language
from ui import render
from ui.components import Components, Updates
from ui.rating import Ratings
from ui.view import Drawn, View

DRAWN = 8
"""Turns rendered when a conversation is opened; a click doubles them."""

LONG = 4_000
"""Characters from which text is rendered in a thread: the worst Markdown takes 16 µs for each."""

T = TypeVar("T")


async def rendered(draw: Callable[[], T], characters: int) -> tuple[T, float]:
    """What `draw` makes of so many characters, and the processor seconds that it took."""

    def timed() -> tuple[T, float]:
        began = time.thread_time()
        return draw(), time.thread_time() - began

    return await asyncio.to_thread(timed) if characters > LONG else timed()


def no_turns(on: Components, view: View) -> Updates:
    """The updates of a page without a conversation."""
    view.drawn = Drawn()
    return {
        on.above: "",
        on.earlier: gr.update(value=[], visible=False),
        on.newest: gr.update(value=[], visible=False),
    }


async def all_turns(
    on: Components,
    opened: ConversationView,
    language: Language,
    view: View,
    ratings: Ratings | None,
) -> Updates:
    """The newest turns of a conversation; rendered turns stay while it is open.

    `ratings` are the user's ratings of its answers; None where they cannot be rated.
    """
    starts, drawn = render.turn_starts(opened.messages), view.drawn
    if drawn.conversation_id != opened.conversation.id:
        view.drawn = drawn = Drawn(
            opened.conversation.id, max(0, len(starts) - DRAWN), sought=drawn.sought
        )
    ids = [message.id for message in opened.messages]
    if drawn.sought in ids:
        place = ids.index(drawn.sought)
        drawn.hidden = min(drawn.hidden, max(0, sum(start < place for start in starts) - 1))
    drawn.sought = ""
    draw = partial(render.transcript, opened, language, hidden=drawn.hidden, ratings=ratings)
    characters = sum(len(message.content) for message in opened.messages)
    transcript, _ = await rendered(draw, characters)
    drawn.hidden, drawn.seen = transcript.hidden, opened.version
    return {
        on.above: render.above(transcript.hidden, language),
        on.earlier: gr.update(value=transcript.earlier, visible=bool(transcript.earlier)),
        on.newest: gr.update(value=transcript.newest, visible=True),
    }


def newest_turn(
    on: Components, opened: ConversationView, language: Language
) -> Callable[[Progress], Updates]:
    """Returns a function that renders the turn whose answer is being written."""
    question, growing = render.live_question(opened, language), render.growing_answer(language)
    return lambda progress: {
        on.newest: [*question, render.live_answer(progress, language, growing)]
    }


def show_earlier(view: View, count: int) -> None:
    """Double the number of rendered turns, of `count`."""
    visible = count - view.drawn.hidden
    view.drawn.hidden = max(0, count - 2 * max(visible, DRAWN // 2))
