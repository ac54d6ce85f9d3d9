"""The panel of a campaign's tasks: ticking them off."""

import gradio as gr

from chat.errors import AppError
from i18n import Language
from ui.components import Updates
from ui.handlers.page_state import PageState, user_of
from ui.view import View


class TaskPanel:
    """The events of the tasks."""

    def __init__(self, page: PageState) -> None:
        self._page = page
        self._participation = page.services.participation

    async def tick(
        self, event: gr.EventData, language: str, view: View, request: gr.Request
    ) -> Updates:
        """Tick a task, or remove the tick."""
        lang, user = Language(language), user_of(request)
        try:
            await self._participation.tick(
                user, view.campaign_id, str(event.task), done=bool(event.done)
            )
        except AppError as error:
            return {self._page.on.note: self._page.why(error, lang)}
        return await self._page.tasks(user, lang, view)
