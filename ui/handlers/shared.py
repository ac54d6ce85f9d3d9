"""What several events have in common: who asks, and the page as it is shown after them."""

from collections.abc import Mapping
from datetime import datetime

import gradio as gr
from gradio.components import Component

from chat.conversations import Opened
from chat.errors import AppError, NotFound
from chat.types import LOCAL_USER, ChatOptions, Message, Sampling
from ui import chrome, render
from ui.components import Components, Updates
from ui.i18n import Language, choose_language, refusal
from ui.services import Services
from ui.view import View


def user_of(request: gr.Request) -> str:
    """Who asks. The one place that knows: today everybody is the local user."""
    return LOCAL_USER


def language_of(remembered: str | None, request: gr.Request) -> Language:
    """The language that was chosen before, else the browser's."""
    return choose_language(remembered, request.headers.get("accept-language", ""))


def view_of(value: object) -> View:
    """The tab's view among a handler's input values."""
    assert isinstance(value, View)
    return value


class Shown:
    """The page as updates of its components. Every conversation is asked for by its user."""

    def __init__(self, services: Services, components: Components, *, open_to_network: bool):
        self.services = services
        self.on = components
        self._open_to_network = open_to_network

    async def look(
        self, conversation_id: str, language: Language, view: View, request: gr.Request
    ) -> tuple[Updates, ChatOptions | None]:
        """A conversation, or the empty page, and its settings; a note if it cannot be read."""
        view.turn()
        user = user_of(request)
        try:
            opened = await self.services.conversations.open(user, conversation_id)
        except NotFound as error:
            gone = {self.on.note: self.why(error, language)} if conversation_id else {}
            return await self.empty(user, language, view) | gone, ChatOptions()
        except AppError as error:
            return self.state(language) | {self.on.note: self.why(error, language)}, None
        return await self.page(user, opened, language, view), opened.conversation.options

    async def open(
        self, conversation_id: str, language: str, view: View, request: gr.Request
    ) -> Updates:
        """A conversation with its settings, or the empty page when there is none of that id."""
        shown, options = await self.look(conversation_id, Language(language), view, request)
        return shown if options is None else shown | self.on.show_options(options)

    async def begun(
        self, conversation_id: str, values: Mapping[Component, object], request: gr.Request
    ) -> Updates:
        """The page after an answer was begun there; a note if it cannot be read just now."""
        user, language = user_of(request), Language(str(values[self.on.language]))
        view = view_of(values[self.on.view])
        view.turn()
        try:
            opened = await self.services.conversations.open(user, conversation_id)
        except AppError as error:
            return {self.on.bridge: conversation_id, self.on.note: self.why(error, language)}
        return await self.page(user, opened, language, view)

    async def empty(self, user: str, language: Language, view: View) -> Updates:
        """The page without a conversation."""
        on = self.on
        return {
            **self.state(language),
            on.note: "",
            **await self.list(user, "", language, view),
            on.bridge: "",
            on.tools: chrome.tools(language, clearable=False),
            on.welcome: gr.update(value=self._welcome(language), visible=True),
            on.chatbot: gr.update(value=[], visible=False),
            **self.buttons(answering=False),
        }

    async def page(self, user: str, opened: Opened, language: Language, view: View) -> Updates:
        """The page with a conversation."""
        on = self.on
        return {
            **self.state(language),
            on.note: "",
            **await self.list(user, opened.conversation.id, language, view),
            on.bridge: opened.conversation.id,
            on.tools: chrome.tools(language, clearable=True),
            on.welcome: gr.update(visible=False),
            on.chatbot: gr.update(value=_bubbles(opened, language), visible=True),
            **self.buttons(answering=opened.job is not None),
        }

    def words(self, language: Language, *, clearable: bool) -> Updates:
        """What is drawn once for a language."""
        info = self.services.engine.info
        words = self.on.in_language(language, info.defaults if info else Sampling())
        return words | {self.on.tools: chrome.tools(language, clearable=clearable)}

    def buttons(self, *, answering: bool) -> Updates:
        """Send, or Stop in its place."""
        return {
            self.on.send: gr.update(visible=not answering),
            self.on.stop: gr.update(visible=answering),
        }

    async def list(self, user: str, current: str, language: Language, view: View) -> Updates:
        """The conversations at the left; a note if they cannot be read."""
        try:
            recent = await self.services.conversations.recent(user, limit=view.listed + 1)
        except AppError as error:
            return {self.on.note: self.why(error, language)}
        markup = chrome.conversation_list(
            recent[: view.listed],
            current=current,
            live=self.services.answers.being_answered(user),
            now=datetime.now().astimezone(),
            language=language,
            more=len(recent) > view.listed,
        )
        return {self.on.conversations: markup}

    def state(self, language: Language) -> Updates:
        """How the model is."""
        info, state = self.services.engine.info, self.services.engine.state
        return {
            self.on.header: chrome.header(info, state, language),
            self.on.welcome: gr.update(value=self._welcome(language)),
            self.on.banners: chrome.banners(info, language, open_to_network=self._open_to_network),
        }

    @staticmethod
    def why(error: AppError, language: Language) -> str:
        """The sentence above the box that says why something was not done."""
        return chrome.refused(refusal(language, error.code, error.values))

    def _welcome(self, language: Language) -> str:
        return chrome.welcome(self.services.engine.info, self.services.engine.state, language)


def _bubbles(opened: Opened, language: Language) -> list[render.Bubble]:
    messages: list[Message] = list(opened.messages)
    if opened.job is None:
        return render.transcript(messages, language)
    live = render.live_answer(opened.job.progress, language)
    return [*render.transcript(messages[:-1], language), live]
