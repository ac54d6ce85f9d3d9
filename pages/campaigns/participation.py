"""Campaigns for their testers: consent, tasks, survey, thanks."""

from markupsafe import Markup

from chat.accounts.access import is_guest
from chat.accounts.models import GuestAllowance, User
from chat.campaigns.models import Visit, VisitStage
from chat.campaigns.validation import MAX_SURVEY_TEXT, SCALE, consent_digest
from pages.html import PageLocale, render

SCRIPT = "campaigns.js"


def campaign_visit_page(
    locale: PageLocale, user: User, visit: Visit, allowance: GuestAllowance | None = None
) -> Markup:
    """What the stage of the visit asks for: consent, tasks, the survey, or nothing any more.

    `allowance` is what a guest has left.
    """
    plan = visit.campaign.plan
    return render(
        "campaigns/visit.html",
        locale,
        heading=plan.title,
        script=SCRIPT,
        stage=visit.stage,
        plan=plan,
        at=_at(visit),
        chat_path=chat_address(user, visit),
        digest=consent_digest(plan),
        done_count=len(visit.participant.done) if visit.participant else 0,
        survey_end=visit.campaign.survey_end,
        has_participant=visit.participant is not None,
        is_guest=is_guest(user),
        allowance=allowance,
    )


def survey_page(locale: PageLocale, user: User, visit: Visit) -> Markup:
    """The survey with the answers so far."""
    return render(
        "campaigns/survey.html",
        locale,
        heading=visit.campaign.plan.title,
        script=SCRIPT,
        questions=visit.campaign.plan.survey,
        answers=visit.participant.survey if visit.participant else {},
        scale=SCALE,
        max_text=MAX_SURVEY_TEXT,
        at=_at(visit),
        chat_path=chat_address(user, visit),
        can_go_back=visit.stage is VisitStage.WORK,
    )


def unavailable_page(locale: PageLocale) -> Markup:
    """A campaign that does not exist, or that the user may not open."""
    return render("campaigns/unavailable.html", locale)


def chat_address(user: User, visit: Visit) -> str:
    """The path at which a tester asks questions."""
    if visit.compares:
        return f"/campaign/{visit.campaign.id}/compare"
    return "/" if is_guest(user) else f"/?campaign={visit.campaign.id}"


def _at(visit: Visit) -> str:
    return f"/campaign/{visit.campaign.id}"
