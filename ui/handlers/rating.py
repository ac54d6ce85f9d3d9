"""The events of ratings."""

from collections.abc import Mapping
from typing import Any

import gradio as gr

from chat.errors import AppError, NotFound
from chat.feedback.models import RatingInput, Verdict
from i18n import Language
from ui import rating
from ui.components import Updates
from ui.handlers.page_state import PageState, user_of
from ui.i18n import refusal, text


class RatingPanel:
    """The events of the thumbs and of the form. The conversation is not redrawn."""

    def __init__(self, page: PageState) -> None:
        self._page = page
        self._on = page.on
        self._ratings = page.services.ratings

    async def open(
        self, event: gr.EventData, conversation_id: str, language: str, request: gr.Request
    ) -> Updates:
        """The form for an answer, with the earlier rating."""
        lang, place = Language(language), (conversation_id, str(event.message))
        try:
            ratable = await self._ratings.look(user_of(request), *place)
        except AppError as error:
            return {self._on.note: self._page.refused(_why(error, lang))}
        key, chosen = str(event.key), str(event.verdict)
        return {self._on.panel: rating.form(place, ratable, lang, key=key, chosen=chosen)}

    async def rate(self, event: gr.EventData, language: str, request: gr.Request) -> Updates:
        """Save the rating; a refused one stays in the form."""
        lang, user = Language(language), user_of(request)
        sent, message_id = str(event.request), str(event.message)
        try:
            saved = await self._ratings.rate(
                user,
                conversation_id=str(event.conversation),
                message_id=message_id,
                rating_input=rating_input_of(event.opinion),
                page_language=lang.value,
                verdict_only=bool(event.quick),  # only the thumb: the other parts stay
            )
        except AppError as error:
            why = _why(error, lang)
            updates: Updates = {self._on.rated: rating.refused(sent, why)}
            return updates | {self._on.note: self._page.refused(why)} if event.quick else updates
        thumbs = rating.thumbs_of(message_id, saved, lang)
        return {self._on.rated: rating.outcome(sent, thumbs, lang)}


def rating_input_of(data: Mapping[str, Any]) -> RatingInput:
    """The rating in the data of an event."""
    verdict, correction = data.get("verdict"), data.get("correction")
    return RatingInput(
        Verdict(verdict) if verdict in set(Verdict) else None,
        tuple(str(reason) for reason in data.get("reasons") or ()),
        str(data.get("comment") or ""),
        None if correction is None else str(correction),
    )


def _why(error: AppError, language: Language) -> str:
    if isinstance(error, NotFound):
        return text(language, "rating-gone")
    return refusal(language, error.code, error.values)
