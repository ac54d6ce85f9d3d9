"""What happens on the page: one short function per event, each for the user of its request.

Only `listen` streams. The others answer at once and leave the queue alone; who looks elsewhere
ends the stream of what was looked at before, never the answer itself.
"""

import asyncio
import re
import uuid
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing
from datetime import datetime

import gradio as gr
from gradio.components import Component

from chat.conversations import Conversations, Opened
from chat.errors import AppError, ConversationMoved, NotFound
from chat.ports import Engine
from chat.types import LOCAL_USER, ChatOptions, Message, Sampling
from ui import chrome, render
from ui.components import LISTED, Components, Updates, View, merge
from ui.i18n import Language, choose_language, refusal

PICTURE_S = 0.1
"""Shortest time between two pictures of an answer: more is not seen, and costs everybody."""

REQUEST_ID = re.compile(r"[0-9A-Za-z-]{8,64}")
"""What page.js calls a request: one text in the box, however often it is sent."""


def user_of(request: gr.Request) -> str:
    """Who asks. The one place that knows: today everybody is the local user."""
    return LOCAL_USER


class Handlers:
    """The page's events, over the domain service. Every conversation is asked for by its user."""

    def __init__(
        self,
        conversations: Conversations,
        engine: Engine,
        components: Components,
        *,
        open_to_network: bool,
    ) -> None:
        self._conversations = conversations
        self._engine = engine
        self._on = components
        self._open_to_network = open_to_network

    async def load(
        self, conversation_id: str, remembered: str | None, view: View, request: gr.Request
    ) -> Updates:
        """The page was opened: say everything, in the language that fits."""
        language = _language(remembered, request)
        shown = await self.open(conversation_id, language, view, request)
        return merge(self._words(language, clearable=False), shown)

    async def speak(
        self, conversation_id: str, language: str, view: View, request: gr.Request
    ) -> Updates:
        """The language was switched: say everything anew, and leave what people typed."""
        shown, _ = await self._look(conversation_id, Language(language), view, request)
        return merge(self._words(Language(language), clearable=bool(conversation_id)), shown)

    async def open(
        self, conversation_id: str, language: str, view: View, request: gr.Request
    ) -> Updates:
        """Show a conversation, or the empty page when there is none of that id."""
        shown, options = await self._look(conversation_id, Language(language), view, request)
        return shown if options is None else shown | self._on.show_options(options)

    async def follow(
        self, event: gr.EventData, language: str, view: View, request: gr.Request
    ) -> Updates:
        """An entry of the list was clicked, or the browser went back or forth."""
        return await self.open(str(event.id), language, view, request)

    async def new_chat(self, language: str, view: View, request: gr.Request) -> Updates:
        """An empty page, with the settings at their defaults."""
        return await self.open("", language, view, request)

    async def send(self, values: Mapping[Component, object], request: gr.Request) -> Updates:
        """Ask. What is refused stays in the box; what is taken leaves it, whatever comes then."""
        user, language = user_of(request), Language(str(values[self._on.language]))
        try:
            job = await self._conversations.send(
                user,
                conversation_id=str(values[self._on.bridge] or "") or None,
                text=str(values[self._on.message] or ""),
                options=self._on.options(values),
                request_id=_request_id(values[self._on.request_id]),
            )
        except AppError as error:
            return {self._on.note: self._why(error, language)}
        shown = await self._begun(job.conversation_id, values, request)
        return shown | {self._on.message: ""}

    async def retry(
        self, event: gr.EventData, values: Mapping[Component, object], request: gr.Request
    ) -> Updates:
        """Write another answer in place of the newest one, with the settings as they are now."""
        user, language = user_of(request), Language(str(values[self._on.language]))
        conversation_id = str(values[self._on.bridge])
        try:
            await self._conversations.set_options(user, conversation_id, self._on.options(values))
            await self._conversations.retry(
                user, conversation_id=conversation_id, message_id=str(event.message)
            )
        except ConversationMoved as error:
            shown = await self._begun(conversation_id, values, request)
            return shown | {self._on.note: self._why(error, language)}
        except AppError as error:
            return {self._on.note: self._why(error, language)}
        return await self._begun(conversation_id, values, request)

    async def stop(self, conversation_id: str, request: gr.Request) -> None:
        """End the answer being written; its last picture comes through `listen`."""
        self._conversations.stop(user_of(request), conversation_id)

    async def clear(
        self, conversation_id: str, language: str, view: View, request: gr.Request
    ) -> Updates:
        """Delete the open conversation."""
        try:
            await self._conversations.clear(user_of(request), conversation_id)
        except AppError as error:
            return {self._on.note: self._why(error, Language(language))}
        return await self.open("", language, view, request)

    async def keep_options(
        self, values: Mapping[Component, object], request: gr.Request
    ) -> Updates:
        """Keep changed settings with the open conversation, so that a reload finds them."""
        conversation_id = str(values[self._on.bridge] or "")
        if not conversation_id:
            return {self._on.note: ""}
        try:
            await self._conversations.set_options(
                user_of(request), conversation_id, self._on.options(values)
            )
        except AppError as error:
            language = Language(str(values[self._on.language]))
            return {self._on.note: self._why(error, language)}
        return {self._on.note: ""}

    async def more(
        self, conversation_id: str, language: str, view: View, request: gr.Request
    ) -> Updates:
        """Show older conversations as well."""
        view.listed += LISTED
        return await self._list(user_of(request), conversation_id, Language(language), view)

    async def tick(
        self, conversation_id: str, language: str | None, view: View, request: gr.Request
    ) -> Updates:
        """Keep the model's state and the list's dots true."""
        user, tongue = user_of(request), _language(language, request)
        return self._state(tongue) | await self._list(user, conversation_id, tongue, view)

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

    async def _look(
        self, conversation_id: str, language: Language, view: View, request: gr.Request
    ) -> tuple[Updates, ChatOptions | None]:
        """A conversation, or the empty page, and its settings; a note if it cannot be read."""
        view.turn()
        user = user_of(request)
        try:
            opened = await self._conversations.open(user, conversation_id)
        except NotFound as error:
            gone = {self._on.note: self._why(error, language)} if conversation_id else {}
            return await self._empty(user, language, view) | gone, ChatOptions()
        except AppError as error:
            return self._state(language) | {self._on.note: self._why(error, language)}, None
        return await self._shown(user, opened, language, view), opened.conversation.options

    async def _begun(
        self, conversation_id: str, values: Mapping[Component, object], request: gr.Request
    ) -> Updates:
        """The page after an answer was begun there; a note if it cannot be read just now."""
        user, language = user_of(request), Language(str(values[self._on.language]))
        view = _view(values[self._on.view])
        view.turn()
        try:
            opened = await self._conversations.open(user, conversation_id)
        except AppError as error:
            return {self._on.bridge: conversation_id, self._on.note: self._why(error, language)}
        return await self._shown(user, opened, language, view)

    def _words(self, language: Language, *, clearable: bool) -> Updates:
        info = self._engine.info
        words = self._on.in_language(language, info.defaults if info else Sampling())
        return words | {self._on.tools: chrome.tools(language, clearable=clearable)}

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
            shown = await self._shown(user, opened, language, view)
            if not followed and not shown[self._on.note]:
                del shown[self._on.note]  # why a question was refused a moment ago stays there
            yield shown
        except AppError as error:  # unreadable, or deleted in another tab while we looked
            yield {self._on.note: self._why(error, language), **self._buttons(answering=False)}

    async def _empty(self, user: str, language: Language, view: View) -> Updates:
        on = self._on
        return {
            **self._state(language),
            on.note: "",
            **await self._list(user, "", language, view),
            on.bridge: "",
            on.tools: chrome.tools(language, clearable=False),
            on.welcome: gr.update(value=self._welcome(language), visible=True),
            on.chatbot: gr.update(value=[], visible=False),
            **self._buttons(answering=False),
        }

    async def _shown(self, user: str, opened: Opened, language: Language, view: View) -> Updates:
        on = self._on
        return {
            **self._state(language),
            on.note: "",
            **await self._list(user, opened.conversation.id, language, view),
            on.bridge: opened.conversation.id,
            on.tools: chrome.tools(language, clearable=True),
            on.welcome: gr.update(visible=False),
            on.chatbot: gr.update(value=self._bubbles(opened, language), visible=True),
            **self._buttons(answering=opened.job is not None),
        }

    def _buttons(self, *, answering: bool) -> Updates:
        return {
            self._on.send: gr.update(visible=not answering),
            self._on.stop: gr.update(visible=answering),
        }

    def _bubbles(self, opened: Opened, language: Language) -> list[render.Bubble]:
        messages: list[Message] = list(opened.messages)
        if opened.job is None:
            return render.transcript(messages, language)
        live = render.live_answer(opened.job.progress, language)
        return [*render.transcript(messages[:-1], language), live]

    async def _list(self, user: str, current: str, language: Language, view: View) -> Updates:
        """The list, or a note where it cannot be read."""
        try:
            recent = await self._conversations.recent(user, limit=view.listed + 1)
        except AppError as error:
            return {self._on.note: self._why(error, language)}
        markup = chrome.conversation_list(
            recent[: view.listed],
            current=current,
            live=self._conversations.being_answered(user),
            now=datetime.now().astimezone(),
            language=language,
            more=len(recent) > view.listed,
        )
        return {self._on.conversations: markup}

    def _state(self, language: Language) -> Updates:
        info, state = self._engine.info, self._engine.state
        return {
            self._on.header: chrome.header(info, state, language),
            self._on.welcome: gr.update(value=self._welcome(language)),
            self._on.banners: chrome.banners(info, language, open_to_network=self._open_to_network),
        }

    def _welcome(self, language: Language) -> str:
        return chrome.welcome(self._engine.info, self._engine.state, language)

    @staticmethod
    def _why(error: AppError, language: Language) -> str:
        return chrome.refused(refusal(language, error.code, error.values))


def _language(remembered: str | None, request: gr.Request) -> Language:
    return choose_language(remembered, request.headers.get("accept-language", ""))


def _view(value: object) -> View:
    assert isinstance(value, View)
    return value


def _request_id(given: object) -> str:
    """The browser's name for what it asks, so that a repeated event asks once; else a new one."""
    return given if isinstance(given, str) and REQUEST_ID.fullmatch(given) else uuid.uuid4().hex
