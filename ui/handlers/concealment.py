"""Whether a tab may know what answers, found anew where its state was lost by a restart."""

from contextlib import suppress

import gradio as gr

from chat.conversations.models import TEMPORARY
from chat.errors import AppError
from ui.handlers.page_state import user_of
from ui.services import Services
from ui.view import View


async def learn(services: Services, conversation_id: str, view: View, request: gr.Request) -> None:
    """Set `view.conceals` where it is not known."""
    if view.conceals is not None:
        return
    user = user_of(request)
    with suppress(AppError):  # the next tick tries again
        if conversation_id and not conversation_id.startswith(TEMPORARY):
            opened = await services.conversations.open(user.id, conversation_id)
            view.campaign_id = opened.conversation.campaign_id
        visit = await services.participation.current(user, view.campaign_id)
        view.conceals = visit is not None and visit.campaign.plan.conceals_variants
