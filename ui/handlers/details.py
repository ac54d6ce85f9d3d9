"""The panel beside the conversation: an answer's details with its prompt, or a sent file."""

import gradio as gr
from markupsafe import Markup

from chat.conversations.models import Message
from chat.errors import AppError, NotFound
from i18n import Language
from ui import details
from ui.components import Updates
from ui.handlers.page_state import PageState, user_id_of
from ui.i18n import refusal


class Details:
    """The events that fill the panel."""

    def __init__(self, page: PageState) -> None:
        self._page = page
        self._on = page.on
        self._services = page.services

    async def answer(
        self, event: gr.EventData, conversation_id: str, language: str, request: gr.Request
    ) -> Updates:
        """All details of an answer except its prompt, which may be long."""
        return await self._answer(event, conversation_id, Language(language), request)

    async def prompt(
        self, event: gr.EventData, conversation_id: str, language: str, request: gr.Request
    ) -> Updates:
        """The same with the exact prompt, or with the reason why there is none."""
        lang = Language(language)
        try:
            prompt = await self._services.answers.prompt_of(
                user_id_of(request), conversation_id=conversation_id, message_id=str(event.message)
            )
            prompt_html = details.exact_prompt(prompt, lang)
        except AppError as error:
            prompt_html = details.no_prompt(refusal(lang, error.code, error.values))
        return await self._answer(event, conversation_id, lang, request, prompt=prompt_html)

    async def file(
        self, event: gr.EventData, conversation_id: str, language: str, request: gr.Request
    ) -> Updates:
        """The text of a file that went with a question."""
        lang, place = Language(language), int(event.place)
        try:
            message = await self._message(event, conversation_id, request)
            if not 0 <= place < len(message.attachments):
                raise NotFound
        except AppError as error:
            return {self._on.note: self._page.why(error, lang)}
        item = message.attachments[place]
        return {self._on.panel: details.sent_file(message, place, item, lang)}

    async def _answer(
        self,
        event: gr.EventData,
        conversation_id: str,
        language: Language,
        request: gr.Request,
        *,
        prompt: Markup | None = None,
    ) -> Updates:
        try:
            message = await self._message(event, conversation_id, request)
            preset = await self._preset_name(message, request)
        except AppError as error:
            return {self._on.note: self._page.why(error, language)}
        html = details.answer_details(message, language, preset=preset, prompt=prompt)
        return {self._on.panel: html}

    async def _message(
        self, event: gr.EventData, conversation_id: str, request: gr.Request
    ) -> Message:
        """A message on the selected path. Raises NotFound."""
        opened = await self._services.conversations.open(user_id_of(request), conversation_id)
        for message in opened.messages:
            if message.id == str(event.message):
                return message
        raise NotFound

    async def _preset_name(self, message: Message, request: gr.Request) -> str:
        ref = message.provenance.preset if message.provenance else None
        if ref is None:
            return ""
        try:
            found = await self._services.presets.get(user_id_of(request), ref.id, ref.version)
        except NotFound:  # a preset of another user that is no longer shared
            return ""
        return found.text.name
