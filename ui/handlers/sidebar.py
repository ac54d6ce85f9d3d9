"""The list of conversations, and what is done with a whole one."""

import gradio as gr

from chat.errors import AppError
from ui.components import Updates
from ui.handlers.shared import Shown, language_of, user_of
from ui.i18n import Language
from ui.view import LISTED, View


class Sidebar:
    """The events of the left side, and the tick that keeps the page true."""

    def __init__(self, shown: Shown) -> None:
        self._shown = shown
        self._on = shown.on
        self._conversations = shown.services.conversations

    async def clear(
        self, conversation_id: str, language: str, view: View, request: gr.Request
    ) -> Updates:
        """Delete the open conversation."""
        try:
            await self._conversations.delete(user_of(request), conversation_id)
        except AppError as error:
            return {self._on.note: self._shown.why(error, Language(language))}
        return await self._shown.open("", language, view, request)

    async def more(
        self, conversation_id: str, language: str, view: View, request: gr.Request
    ) -> Updates:
        """Show older conversations as well."""
        view.listed += LISTED
        return await self._shown.list(user_of(request), conversation_id, Language(language), view)

    async def tick(
        self, conversation_id: str, language: str | None, view: View, request: gr.Request
    ) -> Updates:
        """Keep the model's state and the list's dots true."""
        user, tongue = user_of(request), language_of(language, request)
        listed = await self._shown.list(user, conversation_id, tongue, view)
        return self._shown.state(tongue) | listed
