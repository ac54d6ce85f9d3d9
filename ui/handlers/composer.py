"""The box at the bottom: asking, stopping, and the settings that go with a question."""

import re
import uuid
from collections.abc import Mapping

import gradio as gr
from gradio.components import Component

from chat.errors import AppError
from chat.types import Question
from ui.components import Updates
from ui.handlers.shared import Shown, user_of
from ui.i18n import Language

REQUEST_ID = re.compile(r"[0-9A-Za-z-]{8,64}")
"""What the browser calls a request: one text in the box, however often it is sent."""


class Composer:
    """The events of the box and of the settings."""

    def __init__(self, shown: Shown) -> None:
        self._shown = shown
        self._on = shown.on
        self._conversations = shown.services.conversations
        self._answers = shown.services.answers

    async def send(self, values: Mapping[Component, object], request: gr.Request) -> Updates:
        """Ask. What is refused stays in the box; what is taken leaves it, whatever comes then."""
        user, language = user_of(request), Language(str(values[self._on.language]))
        question = Question(
            str(values[self._on.message] or ""), request_id(values[self._on.request_id])
        )
        try:
            job = await self._answers.send(
                user,
                conversation_id=str(values[self._on.bridge] or "") or None,
                question=question,
                options=self._on.options(values),
            )
        except AppError as error:
            return {self._on.note: self._shown.why(error, language)}
        shown = await self._shown.begun(job.conversation_id, values, request)
        return shown | {self._on.message: ""}

    async def stop(self, conversation_id: str, request: gr.Request) -> None:
        """End the answer being written; its last picture comes through `listen`."""
        self._answers.stop(user_of(request), conversation_id)

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
            return {self._on.note: self._shown.why(error, language)}
        return {self._on.note: ""}


def request_id(given: object) -> str:
    """The browser's name for what it asks, so that a repeated event asks once; else a new one."""
    return given if isinstance(given, str) and REQUEST_ID.fullmatch(given) else uuid.uuid4().hex
