"""The conversation that is shown: opening it, and following what happens in it."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, suppress

import gradio as gr

from chat.errors import AppError
from i18n import Language
from ui import render
from ui.components import Updates, merge
from ui.handlers import turns
from ui.handlers.pace import Pace
from ui.handlers.page_state import PageState, language_of, user_id_of, user_of
from ui.view import View


class Transcript:
    """The events of the middle of the page."""

    def __init__(self, page: PageState) -> None:
        self._page = page
        self._on = page.on
        self._conversations = page.services.conversations
        self._answers = page.services.answers

    async def load(
        self, conversation_id: str, remembered: str | None, view: View, request: gr.Request
    ) -> Updates:
        """The page was opened: say everything, in the language that fits."""
        language = language_of(remembered, request)
        updates = await self._page.open(conversation_id, language, view, request)
        return merge(self._page.words(language, request), updates)

    async def speak(
        self, conversation_id: str, language: str, view: View, request: gr.Request
    ) -> Updates:
        """The language was switched: say everything anew, and leave what people typed."""
        lang = Language(language)
        updates, _ = await self._page.look(conversation_id, lang, view, request)
        updates |= self._page.composer(lang, view)
        return merge(self._page.words(lang, request), updates)

    async def follow(
        self, event: gr.EventData, language: str, view: View, request: gr.Request
    ) -> Updates:
        """An entry of the list was clicked, or the browser went back or forth."""
        return await self._page.open(str(event.id), language, view, request)

    async def earlier(
        self, conversation_id: str, language: str, view: View, request: gr.Request
    ) -> Updates:
        """Draw older turns as well."""
        lang = Language(language)
        try:
            opened = await self._conversations.open(user_id_of(request), conversation_id)
        except AppError as error:
            return {self._on.note: self._page.why(error, lang)}
        turns.show_earlier(view, len(render.turn_starts(opened.messages)))
        ratings = await self._page.ratings(user_id_of(request), opened)
        return turns.all_turns(self._on, opened, lang, view, ratings)

    async def catch_up(
        self, conversation_id: str, language: str, view: View, request: gr.Request
    ) -> Updates:
        """Show what another tab has changed. Not asked for while a message is edited here."""
        updates, _ = await self._page.look(conversation_id, Language(language), view, request)
        return updates

    async def listen(
        self, conversation_id: str, language: str, view: View, request: gr.Request
    ) -> AsyncIterator[Updates]:
        """Stream the answer being written there, until it ends or the tab looks elsewhere."""
        if view.kept:  # a stream that runs goes on, and an edit that was refused stays
            view.kept = False
            yield {self._on.newest: gr.skip()}
            return
        looking, view.listened = view.turn(), None
        if conversation_id:
            view.listening, ended = True, False
            updates = self._updates(conversation_id, Language(language), view, request)
            try:
                async with aclosing(updates):
                    async for update in updates:
                        if view.number != looking:
                            break
                        yield update
                ended = True
            finally:
                if view.number == looking:
                    view.listening, view.listened = ended, looking
        # Gradio repeats the last word when a stream has ended: it must not be an old update. And a
        # stream without any word would empty the component.
        yield {self._on.newest: gr.skip()}

    async def settle(
        self, conversation_id: str, language: str, view: View, request: gr.Request
    ) -> Updates:
        """The page after an answer was streamed; nothing if the tab looks elsewhere by now.

        An event of its own: with each update Gradio's script copies the state of every component
        that the event may change, so the stream changes one alone.
        """
        looking = view.number
        nothing: Updates = {self._on.newest: gr.skip()}
        if view.listened != looking:
            return nothing
        view.listening, view.listened = False, None
        user, lang = user_of(request), Language(language)
        try:
            opened = await self._conversations.open(user.id, conversation_id)
            updates = await self._page.conversation_page(user, opened, lang, view)
        except AppError as error:  # unreadable, or deleted in another tab while we looked
            why = self._page.why(error, lang)
            updates = {self._on.note: why, **self._page.buttons(answering=False)}
        if not view.followed and not updates[self._on.note]:
            del updates[self._on.note]  # why a question was refused a moment ago stays there
        return updates if view.number == looking else nothing

    async def _updates(
        self, conversation_id: str, language: Language, view: View, request: gr.Request
    ) -> AsyncGenerator[Updates, None]:
        """The answer being written there, as often as is worth looking."""
        view.followed = False
        with suppress(AppError):  # `settle` says why
            opened = await self._conversations.open(user_id_of(request), conversation_id)
            if opened.job:
                view.followed = True
                draw, pace = turns.newest_turn(self._on, opened, language), Pace()
                async for progress in opened.job.watch():
                    yield draw(progress)
                    await pace.pause()
