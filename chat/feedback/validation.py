"""Bounds and checks of ratings and of notes of reviewers."""

from chat.errors import MessageTooLong
from chat.feedback.models import RatingInput
from chat.validation import check_text

MAX_COMMENT = 20_000
"""Characters of a comment, and of a correction beyond the length of the answer it starts from."""


def check_rating_input(rating_input: RatingInput, answer: str) -> RatingInput:
    """A rating of that answer in the form that is stored. Raises MessageTooLong, BadText."""
    comment, correction = rating_input.comment.strip(), rating_input.correction or ""
    _check_length("comment", comment, MAX_COMMENT)
    _check_length("correction", correction, MAX_COMMENT + len(answer))
    return RatingInput(
        rating_input.verdict,
        tuple(dict.fromkeys(rating_input.reasons)),
        comment,
        _correction(correction, answer),
    )


def _check_length(what: str, text: str, limit: int) -> None:
    if len(text) > limit:
        raise MessageTooLong(what=what, characters=len(text), limit=limit)
    check_text(text)


def _correction(text: str, answer: str) -> str | None:
    """None if empty or equal to the answer. Browsers send CRLF line ends, which are normalised."""
    text, answer = text.replace("\r\n", "\n"), answer.replace("\r\n", "\n")
    return None if text.strip() in ("", answer.strip()) else text


MOST_NOTE = 20_000
"""Characters."""
