"""Answers to the questions of a survey, as they are stored. Pure."""

from collections.abc import Sequence

from chat.campaigns.models import QuestionKind, SurveyQuestion
from chat.campaigns.validation import MAX_SURVEY_TEXT
from chat.errors import BadRequest, MessageTooLong
from chat.validation import check_text


def checked_answer(question: SurveyQuestion, answer: str | int | Sequence[int]) -> str | int:
    """The answer in the form in which it is stored. Raises MessageTooLong, BadText, BadRequest."""
    kind = question.kind
    if kind is QuestionKind.TEXT and isinstance(answer, str):
        if len(answer) > MAX_SURVEY_TEXT:
            raise MessageTooLong(field=question.id, characters=len(answer), limit=MAX_SURVEY_TEXT)
        return check_text(answer)
    if type(answer) is int and answer in kind.numbers:
        return answer
    if kind is QuestionKind.CHOICE and type(answer) is int:
        return _options(question, [answer])
    if kind is QuestionKind.CHOICES and not isinstance(answer, str | int):
        return _options(question, answer)
    if answer == "" and kind is not QuestionKind.TEXT:
        return ""
    raise BadRequest(
        "A scale is answered with a number on it, options by their index, other questions with "
        "words."
    )


def chosen_options(question: SurveyQuestion, answer: str | int) -> Sequence[int]:
    """The indexes of the options that a stored answer names."""
    lines = str(answer).split("\n")
    return [index for index, option in enumerate(question.options) if option in lines]


def _options(question: SurveyQuestion, indexes: Sequence[int]) -> str:
    """The options in their order, one a line. Raises BadRequest."""
    if not set(indexes) <= set(range(len(question.options))):
        raise BadRequest("There is no such option.")
    return "\n".join(question.options[index] for index in sorted(set(indexes)))
