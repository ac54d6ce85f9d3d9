"""What a tab has to know of its campaign between two draws, also after a restart."""

from contextlib import suppress

import gradio as gr

from chat.conversations.models import TEMPORARY
from chat.errors import AppError
from ui.handlers.page_state import user_of
from ui.services import Services
from ui.view import View


async def learn(services: Services, conversation_id: str, view: View, request: gr.Request) -> None:
    """Set `view.conceals` where it is not known, and read the campaign of the tab anew."""
    if view.conceals is not None and not view.campaign_id:
        return
    user = user_of(request)
    with suppress(AppError):  # the next tick tries again
        if view.conceals is None and conversation_id and not conversation_id.startswith(TEMPORARY):
            opened = await services.conversations.open(user.id, conversation_id)
            view.campaign_id = opened.conversation.campaign_id
        visit = await services.participation.current(user, view.campaign_id)
        view.conceals = visit is not None and visit.campaign.plan.conceals_variants
        view.campaign = visit.campaign if visit else None
