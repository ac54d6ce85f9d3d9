"""The open conversation: opening it, and streaming its answers."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, suppress
from functools import partial

import gradio as gr

from chat.errors import AppError
from i18n import Language
from ui import render
from ui.components import Updates, merge
from ui.handlers import turns
from ui.handlers.pace import Pace
from ui.handlers.page_state import PageState, language_of, user_id_of, user_of
from ui.html import html
from ui.view import View


class Transcript:
    """The events of the transcript."""

    def __init__(self, page: PageState) -> None:
        self._page = page
        self._on = page.on
        self._conversations = page.services.conversations
        self._answers = page.services.answers

    async def load(
        self, conversation_id: str, remembered: str | None, view: View, request: gr.Request
    ) -> Updates:
        """The page was opened: all of it, in the remembered language or the browser's."""
        language = language_of(remembered, request)
        updates = await self._page.open(conversation_id, language, view, request)
        return merge(self._page.words(language, view, request), updates)

    async def speak(
        self, conversation_id: str, language: str, view: View, request: gr.Request
    ) -> Updates:
        """The language was switched: redraw all texts, keep what the user typed."""
        lang = Language(language)
        updates, _ = await self._page.look(conversation_id, lang, view, request)
        updates |= self._page.composer(lang, view)
        return merge(self._page.words(lang, view, request), updates)

    async def follow(
        self, conversation_id: str, language: str, view: View, request: gr.Request
    ) -> Updates:
        """A conversation of the list was clicked, or the browser went back or forward.

        `conversation_id` is the one in the browser's address.
        """
        return await self._page.open(conversation_id, language, view, request)

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
        return await turns.all_turns(self._on, opened, lang, view, ratings)

    async def catch_up(
        self, conversation_id: str, language: str, view: View, request: gr.Request
    ) -> Updates:
        """Show the changes of another tab. Not called while a message is edited."""
        updates, _ = await self._page.look(conversation_id, Language(language), view, request)
        return updates

    async def listen(
        self, conversation_id: str, language: str, view: View, request: gr.Request
    ) -> AsyncIterator[Updates]:
        """Stream the answer being written there, until it ends or the tab opens something else."""
        if view.kept:  # a running stream goes on, and a refused edit stays
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
        # Gradio repeats the last value when a stream has ended: it must not be an old update. And a
        # stream without any value would empty the component.
        yield {self._on.newest: gr.skip()}

    async def settle(
        self, conversation_id: str, language: str, view: View, request: gr.Request
    ) -> Updates:
        """The page after an answer was streamed; no change if the tab has opened something else.

        An event of its own: with each update Gradio's script copies the state of every component
        that the event may change, so the stream has one output only.
        """
        looking = view.number
        nothing: Updates = {self._on.newest: gr.skip()}
        if view.listened != looking:
            return nothing
        view.listening, view.listened = False, None
        user, lang = user_of(request), Language(language)
        try:
            opened = await self._conversations.open(user.id, conversation_id)
            if opened.job and view.drawn.is_behind(conversation_id, opened.version):
                return nothing  # the next tick draws it, and streams
            updates = await self._page.conversation_page(user, opened, lang, view)
        except AppError as error:  # unreadable, or deleted in another tab meanwhile
            updates = {self._on.note: self._page.why(error, lang) + html("transcript.unread")}
        if not view.followed and not updates[self._on.note]:
            del updates[self._on.note]  # the reason of a refused question stays
        return updates if view.number == looking else nothing

    async def _updates(
        self, conversation_id: str, language: Language, view: View, request: gr.Request
    ) -> AsyncGenerator[Updates, None]:
        """Updates of the answer being written, as often as `Pace` allows."""
        view.followed = False
        with suppress(AppError):  # `settle` reports the error
            opened = await self._conversations.open(user_id_of(request), conversation_id)
            # Another tab may have asked since the page was drawn. The answer is not streamed then,
            # because its turn would take the place of the last one: the next tick draws both.
            if opened.job and not view.drawn.is_behind(conversation_id, opened.version):
                view.followed = True
                draw, pace = turns.newest_turn(self._on, opened, language), Pace()
                async for progress in opened.job.watch():
                    make = partial(draw, progress)
                    update, spent_s = await turns.rendered(make, len(progress.text))
                    yield update
                    await pace.pause(spent_s)
