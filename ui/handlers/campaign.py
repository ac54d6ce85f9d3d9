"""The tasks beside the chat: which are shown, and ticking them off."""

import gradio as gr

from chat.errors import AppError
from i18n import Language
from ui.components import Updates
from ui.handlers.page_state import PageState, person_of
from ui.view import View


class TaskPanel:
    """The events of the tasks."""

    def __init__(self, shown: PageState) -> None:
        self._shown = shown
        self._taking_part = shown.services.participation

    async def tick(
        self, event: gr.EventData, language: str, view: View, request: gr.Request
    ) -> Updates:
        """Tick a task off, or on again."""
        tongue, person = Language(language), person_of(request)
        try:
            await self._taking_part.tick(
                person, view.campaign_id, str(event.task), done=bool(event.done)
            )
        except AppError as error:
            return {self._shown.on.note: self._shown.why(error, tongue)}
        return await self._shown.tasks(person, tongue, view)
