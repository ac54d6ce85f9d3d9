"""The tasks of a campaign beside the chat."""

from markupsafe import Markup

from chat.accounts.access import is_guest
from chat.accounts.models import User
from chat.campaigns.models import Visit, VisitStage
from chat.campaigns.translation import in_language
from i18n import Language
from ui.html import html

AWAY = (VisitStage.NOT_BEGUN, VisitStage.CONSENT)
"""Stages before the work: the visit page has the next step."""


def panel(visit: Visit, user: User, language: Language) -> Markup:
    """The tasks with their ticks and a link to the survey; or where the script leads the tester,
    with the text in the box: to the visit page, or to the page that compares."""
    address = f"campaign/{visit.campaign.id}"
    if visit.participant is None or visit.stage in AWAY:
        return html("campaign.go", address=address)
    if visit.compares and visit.may_ask:
        return html("campaign.go", address=f"{address}/compare")
    return html(
        "campaign.tasks",
        plan=in_language(visit.campaign.plan, language),
        done=visit.participant.done,
        address=address,
        over=_over(visit),
        end=_end(visit),
        may_leave=not is_guest(user),  # guests have no other conversations
        language=language,
    )


def _over(visit: Visit) -> str:
    """The text key of the notice that the campaign is over; empty while it runs."""
    if visit.stage is VisitStage.WORK:
        return ""
    return "test-finished" if visit.stage is VisitStage.FINISHED else "test-over"


def _end(visit: Visit) -> str:
    return "to-survey" if visit.campaign.plan.survey else "to-end"
