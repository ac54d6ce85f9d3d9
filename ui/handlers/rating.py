"""What people say of answers: the form, and what is sent from it."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import gradio as gr

from chat.errors import AppError, NotFound
from chat.feedback.models import RatingInput, Verdict
from i18n import Language
from ui import rating
from ui.components import Updates
from ui.handlers.page_state import PageState, person_of
from ui.i18n import refusal, text


class RatingPanel:
    """The events of the thumbs and of the form. Nothing of the conversation is drawn anew."""

    def __init__(self, shown: PageState) -> None:
        self._shown = shown
        self._on = shown.on
        self._ratings = shown.services.ratings

    async def open(
        self, event: gr.EventData, conversation_id: str, language: str, request: gr.Request
    ) -> Updates:
        """The form for an answer, with what was said of it before."""
        tongue, place = Language(language), (conversation_id, str(event.message))
        try:
            ratable = await self._ratings.look(person_of(request), *place)
        except AppError as error:
            return {self._on.note: self._shown.refused(_why(error, tongue))}
        key, chosen = str(event.key), str(event.verdict)
        return {self._on.panel: rating.form(place, ratable, tongue, key=key, chosen=chosen)}

    async def rate(self, event: gr.EventData, language: str, request: gr.Request) -> Updates:
        """Keep what was said; what is refused stays in the form."""
        tongue, person = Language(language), person_of(request)
        sent, message_id = str(event.request), str(event.message)
        try:
            opinion = opinion_of(event.opinion)
            if event.quick:  # only the thumb: what was said besides stays
                before = (await self._ratings.newest(person.id, [message_id])).get(message_id)
                opinion = replace(
                    before.rating_input if before else opinion, verdict=opinion.verdict
                )
            given = await self._ratings.rate(
                person,
                conversation_id=str(event.conversation),
                message_id=message_id,
                rating_input=opinion,
                page_language=tongue.value,
            )
        except AppError as error:
            why = _why(error, tongue)
            shown: Updates = {self._on.rated: rating.refused(sent, why)}
            return shown | {self._on.note: self._shown.refused(why)} if event.quick else shown
        thumbs = rating.thumbs_of(message_id, given, tongue)
        return {self._on.rated: rating.outcome(sent, thumbs, tongue)}


def opinion_of(said: Mapping[str, Any]) -> RatingInput:
    """What a browser has sent, whatever it is."""
    verdict, correction = said.get("verdict"), said.get("correction")
    return RatingInput(
        Verdict(verdict) if verdict in set(Verdict) else None,
        tuple(str(reason) for reason in said.get("reasons") or ()),
        str(said.get("comment") or ""),
        None if correction is None else str(correction),
    )


def _why(error: AppError, language: Language) -> str:
    if isinstance(error, NotFound):
        return text(language, "rating-gone")
    return refusal(language, error.code, error.values)
