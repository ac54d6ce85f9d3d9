"""Ratings: the thumbs below an answer, and the form beside the conversation."""

from collections.abc import Mapping

from markupsafe import Markup

from chat.conversations.models import Message
from chat.feedback.models import REASONS, Ratable, Rating, RatingInput
from chat.feedback.snapshots import may_be_rated
from chat.feedback.validation import MAX_COMMENT
from i18n import Language
from ui.html import html
from ui.i18n import text

Ratings = Mapping[str, Rating]
"""The user's newest rating of each answer, by the answer's id."""


def thumbs(message: Message, ratings: Ratings | None, language: Language) -> Markup:
    """The two buttons below an answer; empty where it cannot be rated. None: none can be."""
    if ratings is None or not may_be_rated(message):
        return Markup()
    return thumbs_of(message.id, ratings.get(message.id), language)


def thumbs_of(message_id: str, rating: Rating | None, language: Language) -> Markup:
    """The two buttons, and a third where there is a rating already."""
    rating_input = rating.rating_input if rating else RatingInput()
    more = ""
    if rating_input != RatingInput():
        has_words = rating_input.comment or rating_input.correction or rating_input.reasons
        more = "your-rating" if has_words else "add-comment"
    return html(
        "rating.thumbs",
        message_id=message_id,
        rating_input=rating_input,
        more=more,
        language=language,
    )


def form(
    place: tuple[str, str], ratable: Ratable, language: Language, *, key: str, chosen: str = ""
) -> Markup:
    """The rating form of the answer at `place`, a conversation id and a message id.

    `chosen` is the thumb that was pressed. The script opens the form with the requested `key`.
    """
    rating = ratable.rating
    rating_input = rating.rating_input if rating else RatingInput()
    conversation_id, message_id = place
    return html(
        "rating.form",
        key=key,
        conversation_id=conversation_id,
        message_id=message_id,
        chosen=chosen or rating_input.verdict or "",
        rating_input=rating_input,
        correction=ratable.answer if rating_input.correction is None else rating_input.correction,
        reasons=_reasons(ratable.reasons, rating_input, language),
        rating=rating,
        withdrawable=rating_input != RatingInput(),
        limit=MAX_COMMENT,
        language=language,
    )


def outcome(request: str, rated: Markup, language: Language) -> Markup:
    """The rating with that request id was saved; `rated` are the thumbs as they are now."""
    return html("rating.taken", request=request, thumbs=rated, language=language)


def refused(request: str, why: str) -> Markup:
    """The rating with that request id was not saved."""
    return html("rating.refused", request=request, why=why)


def _reasons(
    offered: tuple[str, ...], rating_input: RatingInput, language: Language
) -> list[tuple[str, str]]:
    """Codes and names: the reasons offered now, and those ticked before.

    A host's own reasons have no translation.
    """
    return [
        (reason, text(language, f"reason-{reason}") if reason in REASONS else reason)
        for reason in dict.fromkeys((*offered, *rating_input.reasons))
    ]
