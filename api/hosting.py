"""What hosts and testers do, as routes: the services behind them, in one place."""

from dataclasses import dataclass

from fastapi import APIRouter

from api.account_routes import Reception
from api.campaign_pages import Outcome, campaign_pages
from api.campaign_routes import campaign_routes
from api.case_pages import case_pages
from api.case_routes import case_routes
from api.compare_routes import compare_routes
from api.preset_files import Presets
from api.results_pages import results_pages
from api.results_routes import results_routes
from api.vote_pages import vote_pages
from chat.casebook import Casebook
from chat.comparing import Comparisons
from chat.hosting import Campaigns
from chat.replaying import Replays
from chat.reporting import Reports
from chat.results import Results
from chat.taking_part import TakingPart
from chat.votes import Votes


@dataclass(frozen=True, slots=True)
class Hosting:
    """The services of feedback. Results and votes are kept in databases alone."""

    campaigns: Campaigns
    taking_part: TakingPart
    casebook: Casebook
    replays: Replays
    results: Results | None = None
    reports: Reports | None = None
    comparisons: Comparisons | None = None
    votes: Votes | None = None


def hosting_routes(hosting: Hosting, desk: Reception, presets: Presets) -> APIRouter:
    """Every route of hosts and testers."""
    campaigns, taking_part = hosting.campaigns, hosting.taking_part
    router = APIRouter()
    router.include_router(campaign_routes(campaigns, taking_part, desk))
    outcome = None
    if hosting.results and hosting.reports:
        outcome = Outcome(campaigns, hosting.results, hosting.reports)
    router.include_router(campaign_pages(campaigns, taking_part, presets, desk.root_path, outcome))
    router.include_router(case_routes(hosting.casebook, hosting.replays, presets, desk.root_path))
    router.include_router(case_pages(hosting.casebook, hosting.replays, presets, desk.root_path))
    if hosting.results and hosting.reports:
        router.include_router(results_routes(hosting.results, hosting.reports))
        if hosting.votes:  # before the results, where any name is an answer's
            router.include_router(vote_pages(hosting.votes, hosting.results, desk.root_path))
        router.include_router(results_pages(hosting.results, desk.root_path))
    if comparisons := hosting.comparisons:
        router.include_router(compare_routes(comparisons, taking_part, desk.root_path))
    return router
