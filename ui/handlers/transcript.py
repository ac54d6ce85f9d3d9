"""The conversation that is shown: opening it, following its answers, changing its tree."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing

import gradio as gr
from gradio.components import Component

from chat.errors import AppError
from ui import render
from ui.components import Updates, merge
from ui.handlers.shared import Shown, language_of, user_of
from ui.i18n import Language
from ui.view import View

PICTURE_S = 0.1
"""Shortest time between two pictures of an answer: more is not seen, and costs everybody."""


class Transcript:
    """The events of the middle of the page."""

    def __init__(self, shown: Shown) -> None:
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
        return merge(self._shown.words(language, clearable=False), shown)

    async def speak(
        self, conversation_id: str, language: str, view: View, request: gr.Request
    ) -> Updates:
        """The language was switched: say everything anew, and leave what people typed."""
        tongue = Language(language)
        shown, _ = await self._shown.look(conversation_id, tongue, view, request)
        return merge(self._shown.words(tongue, clearable=bool(conversation_id)), shown)

    async def follow(
        self, event: gr.EventData, language: str, view: View, request: gr.Request
    ) -> Updates:
        """An entry of the list was clicked, or the browser went back or forth."""
        return await self._shown.open(str(event.id), language, view, request)

    async def new_chat(self, language: str, view: View, request: gr.Request) -> Updates:
        """An empty page, with the settings at their defaults."""
        return await self._shown.open("", language, view, request)

    async def retry(
        self, event: gr.EventData, values: Mapping[Component, object], request: gr.Request
    ) -> Updates:
        """Write another version of an answer, with the settings as they are now."""
        user, language = user_of(request), Language(str(values[self._on.language]))
        conversation_id = str(values[self._on.bridge])
        try:
            await self._conversations.set_options(user, conversation_id, self._on.options(values))
            await self._answers.retry(
                user, conversation_id=conversation_id, message_id=str(event.message)
            )
        except AppError as error:
            return {self._on.note: self._shown.why(error, language)}
        return await self._shown.begun(conversation_id, values, request)

    async def listen(
        self, conversation_id: str, language: str, view: View, request: gr.Request
    ) -> AsyncIterator[Updates]:
        """Stream the answer being written there, until it ends or the tab looks elsewhere."""
        looking = view.turn()
        if conversation_id:
            pictures = self._pictures(conversation_id, Language(language), view, request)
            async with aclosing(pictures):
                async for picture in pictures:
                    if view.number != looking:
                        break
                    yield picture
        # Gradio repeats the last word when a stream has ended: it must not be an old picture. And a
        # stream without any word would empty every component.
        yield {self._on.chatbot: gr.skip()}

    async def _pictures(
        self, conversation_id: str, language: Language, view: View, request: gr.Request
    ) -> AsyncGenerator[Updates, None]:
        """The answer being written there, as often as is worth looking; then the page after it."""
        user = user_of(request)
        try:
            opened = await self._conversations.open(user, conversation_id)
            followed = opened.job is not None
            if opened.job:
                before = render.transcript(opened.messages[:-1], language)
                async for progress in opened.job.watch():
                    yield {self._on.chatbot: [*before, render.live_answer(progress, language)]}
                    await asyncio.sleep(PICTURE_S)
                opened = await self._conversations.open(user, conversation_id)
            shown = await self._shown.page(user, opened, language, view)
            if not followed and not shown[self._on.note]:
                del shown[self._on.note]  # why a question was refused a moment ago stays there
            yield shown
        except AppError as error:  # unreadable, or deleted in another tab while we looked
            why = self._shown.why(error, language)
            yield {self._on.note: why, **self._shown.buttons(answering=False)}
