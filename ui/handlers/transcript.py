"""The conversation that is shown: opening it, and following what happens in it."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing

import gradio as gr

from chat.errors import AppError
from i18n import Language
from ui import render
from ui.components import Updates, merge
from ui.handlers import turns
from ui.handlers.pace import Pace
from ui.handlers.page_state import PageState, language_of, person_of, user_of
from ui.view import View


class Transcript:
    """The events of the middle of the page."""

    def __init__(self, shown: PageState) -> None:
        self._shown = shown
        self._on = shown.on
        self._conversations = shown.services.conversations
        self._answers = shown.services.answers

    async def load(
        self, conversation_id: str, remembered: str | None, view: View, request: gr.Request
    ) -> Updates:
        """The page was opened: say everything, in the language that fits."""
        language = language_of(remembered, request)
        shown = await self._shown.open(conversation_id, language, view, request)
        return merge(self._shown.words(language, request), shown)

    async def speak(
        self, conversation_id: str, language: str, view: View, request: gr.Request
    ) -> Updates:
        """The language was switched: say everything anew, and leave what people typed."""
        tongue = Language(language)
        shown, _ = await self._shown.look(conversation_id, tongue, view, request)
        shown |= self._shown.composer(tongue, view)
        return merge(self._shown.words(tongue, request), shown)

    async def follow(
        self, event: gr.EventData, language: str, view: View, request: gr.Request
    ) -> Updates:
        """An entry of the list was clicked, or the browser went back or forth."""
        return await self._shown.open(str(event.id), language, view, request)

    async def earlier(
        self, conversation_id: str, language: str, view: View, request: gr.Request
    ) -> Updates:
        """Draw older turns as well."""
        tongue = Language(language)
        try:
            opened = await self._conversations.open(user_of(request), conversation_id)
        except AppError as error:
            return {self._on.note: self._shown.why(error, tongue)}
        turns.show_earlier(view, len(render.turn_starts(opened.messages)))
        ratings = await self._shown.ratings(user_of(request), opened)
        return turns.all_turns(self._on, opened, tongue, view, ratings)

    async def catch_up(
        self, conversation_id: str, language: str, view: View, request: gr.Request
    ) -> Updates:
        """Show what another tab has changed. Not asked for while a message is edited here."""
        shown, _ = await self._shown.look(conversation_id, Language(language), view, request)
        return shown

    async def listen(
        self, conversation_id: str, language: str, view: View, request: gr.Request
    ) -> AsyncIterator[Updates]:
        """Stream the answer being written there, until it ends or the tab looks elsewhere."""
        if view.kept:  # a stream that runs goes on, and an edit that was refused stays
            view.kept = False
            yield {self._on.newest: gr.skip()}
            return
        looking = view.turn()
        if conversation_id:
            view.listening = True
            updates = self._updates(conversation_id, Language(language), view, request)
            try:
                async with aclosing(updates):
                    async for update in updates:
                        if view.number != looking:
                            break
                        yield update
            finally:
                if view.number == looking:
                    view.listening = False
        # Gradio repeats the last word when a stream has ended: it must not be an old update. And a
        # stream without any word would empty every component.
        yield {self._on.newest: gr.skip()}

    async def _updates(
        self, conversation_id: str, language: Language, view: View, request: gr.Request
    ) -> AsyncGenerator[Updates, None]:
        """The answer being written there, as often as is worth looking; then the page after it."""
        person = person_of(request)
        try:
            opened = await self._conversations.open(person.id, conversation_id)
            followed = opened.job is not None
            if opened.job:
                draw, pace = turns.newest_turn(self._on, opened, language), Pace()
                async for progress in opened.job.watch():
                    yield draw(progress)
                    await pace.pause()
                opened = await self._conversations.open(person.id, conversation_id)
            shown = await self._shown.page(person, opened, language, view)
            if not followed and not shown[self._on.note]:
                del shown[self._on.note]  # why a question was refused a moment ago stays there
            yield shown
        except AppError as error:  # unreadable, or deleted in another tab while we looked
            why = self._shown.why(error, language)
            yield {self._on.note: why, **self._shown.buttons(answering=False)}
