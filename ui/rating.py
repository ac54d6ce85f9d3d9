"""What people say of an answer: the thumbs under it, and the form beside the conversation.

Pure HTML, every value escaped. What is typed into the form stays with the script until it is kept.
"""

from collections.abc import Mapping
from html import escape

from chat.conversations.models import Message
from chat.feedback.models import REASONS, Rating, RatingInput, Verdict
from chat.feedback.ratings import MAX_COMMENT, Ratable
from chat.feedback.snapshots import may_be_rated
from i18n import Language
from ui.i18n import text
from ui.icons import icon

Ratings = Mapping[str, Rating]
"""What somebody said last of their answers, by the answer."""


def thumbs(message: Message, ratings: Ratings | None, language: Language) -> str:
    """The two buttons under an answer; nothing where it cannot be rated. None: nothing can be."""
    if ratings is None or not may_be_rated(message):
        return ""
    return thumbs_of(message.id, ratings.get(message.id), language)


def thumbs_of(message_id: str, rating: Rating | None, language: Language) -> str:
    """The two buttons, and a third for who has said something already."""
    opinion = rating.opinion if rating else RatingInput()
    more = ""
    if opinion != RatingInput():
        said = opinion.comment or opinion.correction or opinion.reasons
        more = (
            f'<button class="more" data-do="rate-more">'
            f"<span>{text(language, 'your-rating' if said else 'add-comment')}</span></button>"
        )
    return (
        f'<span class="thumbs" role="group" aria-label="{text(language, "rating")}" '
        f'data-rating="{escape(message_id)}">{_thumb(Verdict.UP, opinion, language)}'
        f"{_thumb(Verdict.DOWN, opinion, language)}{more}</span>"
    )


def form(
    place: tuple[str, str], ratable: Ratable, language: Language, *, key: str, chosen: str = ""
) -> str:
    """All that can be said of the answer at `place`, a conversation and a message.

    `chosen` is the thumb that led here. The script opens the form whose key it asked for.
    """
    rating = ratable.rating
    opinion = rating.opinion if rating else RatingInput()
    correction = ratable.answer if opinion.correction is None else opinion.correction
    corrected = "" if opinion.correction is None else "data-corrected"
    conversation_id, message_id = place
    lost = escape(text(language, "rating-lost"))
    too_long = escape(text(language, "comment-too-long", limit=f"{MAX_COMMENT:,}"))
    return (
        f'<dialog class="rating" data-key="{escape(key)}" aria-labelledby="panel-title">'
        f'<header><h2 id="panel-title">{text(language, "rate-answer")}</h2>'
        f"{_close(language)}</header>"
        f'<form class="rate" data-message="{escape(message_id)}" data-lost="{lost}" '
        f'data-conversation="{escape(conversation_id)}" data-long="{too_long}" '
        f'data-limit="{MAX_COMMENT}" {corrected}>'
        f"{_verdicts(chosen or opinion.verdict or '', language)}"
        f"{_reasons(ratable.reasons, opinion, language)}"
        f'<label class="field"><span>{text(language, "comment")}</span>'
        f'<textarea name="comment" rows="3" dir="auto">\n{escape(opinion.comment)}</textarea>'
        f'</label><details class="field"><summary>{text(language, "should-have-been")}'
        f'</summary><textarea name="correction" rows="8" dir="auto" '
        f'aria-label="{text(language, "should-have-been")}">\n{escape(correction)}</textarea>'
        f'</details><p class="kept">{text(language, "rating-kept")}</p>'
        f'<p class="why" role="alert"></p>{_foot(rating, language)}</form></dialog>'
    )


def outcome(request: str, rated: str, language: Language) -> str:
    """The rating with that name was taken; `rated` are the thumbs as they are now."""
    said = text(language, "rating-taken")
    return f'<div data-request="{escape(request)}" data-said="{said}">{rated}</div>'


def refused(request: str, why: str) -> str:
    """The rating with that name was not taken."""
    return f'<div data-request="{escape(request)}" data-why="{escape(why)}"></div>'


def _thumb(verdict: Verdict, opinion: RatingInput, language: Language) -> str:
    name = text(language, f"thumb-{verdict}")
    pressed = "true" if opinion.verdict is verdict else "false"
    return (
        f'<button data-do="rate-{verdict}" aria-pressed="{pressed}" aria-label="{name}" '
        f'title="{name}">{icon(verdict, 16)}</button>'
    )


def _verdicts(chosen: str, language: Language) -> str:
    choices = "".join(
        f'<label><input type="radio" name="verdict" value="{verdict}" '
        f"{'checked' if chosen == verdict else ''}>{icon(verdict, 17)}"
        f"<span>{text(language, f'thumb-{verdict}')}</span></label>"
        for verdict in Verdict
    )
    return (
        f'<fieldset class="verdicts"><legend class="hidden-words">{text(language, "rating")}'
        f"</legend>{choices}</fieldset>"
    )


def _reasons(offered: tuple[str, ...], opinion: RatingInput, language: Language) -> str:
    """Those that are offered, and those that were when they were ticked."""
    boxes = "".join(
        f'<label><input type="checkbox" name="reason" value="{escape(reason)}" '
        f"{'checked' if reason in opinion.reasons else ''}>"
        f"<span>{_reason(reason, language)}</span></label>"
        for reason in dict.fromkeys((*offered, *opinion.reasons))
    )
    return (
        f'<fieldset class="reasons"><legend>{text(language, "what-was-wrong")}</legend>'
        f"{boxes}</fieldset>"
    )


def _reason(reason: str, language: Language) -> str:
    """A host's own reasons are shown as they were written."""
    return text(language, f"reason-{reason}") if reason in REASONS else escape(reason)


def _foot(rating: Rating | None, language: Language) -> str:
    version = withdraw = ""
    if rating:
        moment = rating.rated_at.isoformat(timespec="seconds")
        number = text(language, "rating-version", version=rating.version)
        version = (
            f'<span class="version">{number} · <time datetime="{moment}">{moment}</time></span>'
        )
    if rating and rating.opinion != RatingInput():
        withdraw = (
            f'<button type="button" class="quiet" data-do="withdraw-rating">'
            f"{text(language, 'withdraw')}</button>"
        )
    return (
        f'<div class="foot">{version}{withdraw}<button type="button" data-do="cancel-rating">'
        f'{text(language, "cancel")}</button><button type="submit">{text(language, "save")}'
        "</button></div>"
    )


def _close(language: Language) -> str:
    close = text(language, "close")
    return (
        f'<form method="dialog"><button aria-label="{close}" title="{close}">'
        f"{icon('cross')}</button></form>"
    )
