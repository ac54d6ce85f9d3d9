"""Campaigns for their testers: consent, tasks, survey, thanks."""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from chat.accounts.access import is_guest
from chat.accounts.models import GuestAllowance, User
from chat.campaigns.models import (
    Campaign,
    Plan,
    SurveyAnswers,
    SurveyQuestion,
    Visit,
    VisitStage,
)
from chat.campaigns.survey import chosen_options
from chat.campaigns.translation import in_language
from chat.campaigns.validation import MAX_SURVEY_TEXT, consent_digest
from pages.host_nav import render_host_page
from pages.html import PageLocale, render

SCRIPT = "campaigns.js"


@dataclass(frozen=True, slots=True)
class AskedQuestion:
    """A question in the tester's language, with the indexes of the options chosen so far."""

    question: SurveyQuestion
    chosen: Sequence[int]


def campaign_visit_page(
    locale: PageLocale, user: User, visit: Visit, allowance: GuestAllowance | None = None
) -> Markup:
    """What the stage of the visit asks for: consent, tasks, the survey, or nothing any more.

    `allowance` is what a guest has left.
    """
    plan = in_language(visit.campaign.plan, locale.language)
    return render(
        "campaigns/visit.html",
        locale,
        heading=plan.title,
        script=SCRIPT,
        campaign=visit.campaign,
        stage=visit.stage,
        plan=plan,
        at=_at(visit),
        chat_path=chat_address(user, visit),
        digest=consent_digest(visit.campaign.plan),
        done_count=len(visit.participant.done) if visit.participant else 0,
        survey_end=visit.campaign.survey_end,
        has_participant=visit.participant is not None,
        is_guest=is_guest(user),
        allowance=allowance,
    )


def survey_page(locale: PageLocale, user: User, visit: Visit) -> Markup:
    """The survey with the answers so far."""
    plan = in_language(visit.campaign.plan, locale.language)
    answers = visit.participant.survey if visit.participant else {}
    return render(
        "campaigns/survey.html",
        locale,
        heading=plan.title,
        script=SCRIPT,
        campaign=visit.campaign,
        questions=_questions(visit.campaign.plan, plan, answers),
        answers=answers,
        max_text=MAX_SURVEY_TEXT,
        at=_at(visit),
        chat_path=chat_address(user, visit),
        can_go_back=visit.stage is VisitStage.WORK,
    )


def preview_page(locale: PageLocale, user: User, campaign: Campaign) -> Markup:
    """The plan as a tester reads it in this language, for its host."""
    plan, at = in_language(campaign.plan, locale.language), f"/campaigns/{campaign.id}"
    return render_host_page(
        "campaigns/preview.html",
        locale,
        user,
        heading=plan.title or locale.text("untitled"),
        plan=plan,
        questions=_questions(campaign.plan, plan, {}),
        max_text=MAX_SURVEY_TEXT,
        back=f"{at}/edit" if campaign.is_draft else at,
    )


def unavailable_page(locale: PageLocale) -> Markup:
    """A campaign that does not exist, or that the user may not open."""
    return render("campaigns/unavailable.html", locale)


def chat_address(user: User, visit: Visit) -> str:
    """The path at which a tester asks questions."""
    if visit.compares:
        return f"/campaign/{visit.campaign.id}/compare"
    return "/" if is_guest(user) else f"/?campaign={visit.campaign.id}"


def _questions(stored: Plan, read: Plan, answers: SurveyAnswers) -> Sequence[AskedQuestion]:
    """`read` is the stored plan in the language of the reader; answers name stored options."""
    return [
        AskedQuestion(asked, chosen_options(question, answers.get(question.id, "")))
        for question, asked in zip(stored.survey, read.survey, strict=True)
    ]


def _at(visit: Visit) -> str:
    return f"/campaign/{visit.campaign.id}"
