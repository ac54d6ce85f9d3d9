"""The answers to a campaign's survey, for its host: counts by choice, and texts."""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from chat.feedback.report_models import Report, SurveyResult
from pages.html import PageLocale, render

MOST_TEXTS = 30
"""Texts of one question on the page; the export has all."""

LONGEST_TEXT = 1_000
"""Characters of a text on the page."""


@dataclass(frozen=True, slots=True)
class CountedChoice:
    """One possible answer, and how often it was given."""

    label: str
    count: int


@dataclass(frozen=True, slots=True)
class ListedQuestion:
    """A question with its answers. `remarks` are the number of answers and what belongs to it.

    `choices` is empty for a question that is answered in words. `is_cut`: the export has more.
    """

    text: str
    count: int
    remarks: Sequence[str]
    choices: Sequence[CountedChoice]
    texts: Sequence[str]
    is_cut: bool


def survey_block(locale: PageLocale, report: Report) -> Markup:
    """A section of the campaign's page; empty for a campaign without a survey."""
    if not report.survey:
        return Markup()
    questions = [_listed(locale, result) for result in report.survey]
    return render("campaigns/survey_results.html", locale, questions=questions)


def _listed(locale: PageLocale, result: SurveyResult) -> ListedQuestion:
    newest = result.texts[::-1][:MOST_TEXTS]
    remarks = [locale.text("survey-answered", count=f"{result.count:,}")]
    if result.mean is not None:
        remarks.append(locale.text("survey-mean", mean=f"{result.mean:.1f}"))
    if result.unsent:
        remarks.append(locale.text("survey-unsent", count=f"{result.unsent:,}"))
    return ListedQuestion(
        text=result.question.text,
        count=result.count,
        remarks=remarks,
        choices=_choices(result) if result.count else (),
        texts=[_excerpt(text) for text in newest],
        is_cut=len(newest) < len(result.texts) or any(len(one) > LONGEST_TEXT for one in newest),
    )


def _choices(result: SurveyResult) -> Sequence[CountedChoice]:
    """The possible answers of a question that has such, also those that nobody gave."""
    question, numbers = result.question, result.question.kind.numbers
    if question.kind.has_options:
        return [CountedChoice(option, count) for option, count in result.options.items()]
    ends = {numbers[0]: question.low, numbers[-1]: question.high} if numbers else {}
    return [
        CountedChoice(f"{number} {ends.get(number, '')}".strip(), result.numbers.get(number, 0))
        for number in numbers
    ]


def _excerpt(text: str) -> str:
    return text if len(text) <= LONGEST_TEXT else f"{text[:LONGEST_TEXT]} …"
