"""The web app: our routes behind the edge. What else is mounted on it stands behind it too."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from fastapi import APIRouter, FastAPI
from starlette.middleware import Middleware
from starlette.routing import Mount

from api.accounts.admin_routes import guest_link_routes, people_routes
from api.accounts.key_routes import key_routes
from api.accounts.oidc_routes import provider_routes
from api.accounts.pages import people_pages
from api.accounts.routes import PageContext, account_routes
from api.campaigns.comparisons import compare_routes
from api.campaigns.pages import CampaignResults, campaign_pages
from api.campaigns.routes import campaign_routes
from api.conversations.exports import Archives, export_routes
from api.conversations.presets import PresetReader, preset_routes
from api.edge.errors import add_error_handlers, cover_faults
from api.edge.options import EdgeOptions
from api.edge.page_events import PageEvents
from api.edge.stack import edge_middleware
from api.evaluation.pages import case_pages
from api.evaluation.routes import case_routes
from api.feedback.pages import results_pages
from api.feedback.routes import results_routes
from api.feedback.vote_pages import vote_pages
from api.openai import openai_routes
from api.ops.docs import docs_routes
from api.ops.health import ops_routes
from api.ops.install import install_routes
from api.ops.metrics import Metrics, metrics_routes
from chat.accounts.authentication import Authenticator, OpenAuthenticator
from chat.accounts.sso import IdentityProvider
from chat.campaigns.comparisons import Comparisons
from chat.campaigns.hosts import Campaigns
from chat.campaigns.participation import Participation
from chat.evaluation.cases import Cases
from chat.evaluation.runs import Runs
from chat.feedback.ratings import Ratings
from chat.feedback.reports import Reports
from chat.feedback.results import Results
from chat.feedback.votes import Votes
from chat.serving.completions import Completions
from chat.serving.ports import Engine
from chat.serving.readiness import Readiness


@dataclass(frozen=True, slots=True)
class HostServices:
    """The services of feedback. Results and votes are kept in databases alone."""

    campaigns: Campaigns
    participation: Participation
    casebook: Cases
    replays: Runs
    results: Results | None = None
    reports: Reports | None = None
    comparisons: Comparisons | None = None
    votes: Votes | None = None


def hosting_routes(hosting: HostServices, context: PageContext, presets: PresetReader) -> APIRouter:
    """Every route of hosts and testers."""
    campaigns, participation = hosting.campaigns, hosting.participation
    router = APIRouter()
    router.include_router(campaign_routes(campaigns, participation, context))
    outcome = None
    if hosting.results and hosting.reports:
        outcome = CampaignResults(campaigns, hosting.results, hosting.reports)
    router.include_router(
        campaign_pages(campaigns, participation, presets, context.root_path, outcome)
    )
    router.include_router(
        case_routes(hosting.casebook, hosting.replays, presets, context.root_path)
    )
    router.include_router(case_pages(hosting.casebook, hosting.replays, presets, context.root_path))
    if hosting.results and hosting.reports:
        router.include_router(results_routes(hosting.results, hosting.reports))
        if hosting.votes:  # before the results, where any name is an answer's
            router.include_router(vote_pages(hosting.votes, hosting.results, context.root_path))
        router.include_router(results_pages(hosting.results, context.root_path))
    if comparisons := hosting.comparisons:
        router.include_router(compare_routes(comparisons, participation, context.root_path))
    return router


@dataclass(frozen=True, slots=True)
class SignIn:
    """What lets people in: who decides it, and the routes of accounts.

    `allow_new`: whom `provider` vouches for becomes a member, if not one already.
    """

    authenticator: Authenticator
    context: PageContext
    provider: IdentityProvider | None = None
    allow_new: bool = False


def build_api(  # noqa: PLR0913 - the parts of the app, each by its name
    *,
    engine: Engine,
    edge: EdgeOptions,
    archives: Archives | None = None,
    presets: PresetReader | None = None,
    people: SignIn | None = None,
    handlers: Mapping[int, str] | None = None,
    metrics: Metrics | None = None,
    completions: Completions | None = None,
    ratings: Ratings | None = None,
    hosting: HostServices | None = None,
    failing: Callable[[], Sequence[str]] = tuple,
) -> FastAPI:
    """The app with the edge around it, and routes on it for what is given.

    Without people everybody is the local user. `handlers` are the page's events by number, as
    `api.edge.permissions` names them. `failing` names the background jobs that keep failing.
    Mount the page after all routes have been added, then call `cover_mounted`.
    """
    metrics = metrics or Metrics()
    authenticator = people.authenticator if people else OpenAuthenticator()
    events = PageEvents()
    app = _empty_app(edge_middleware(edge, authenticator, handlers or {}, metrics, events))
    app.state.page_events = events  # the page sets its part of them when it is mounted
    app.include_router(ops_routes(engine, Readiness(engine), failing))
    app.include_router(install_routes())
    app.include_router(metrics_routes(metrics))
    if archives:
        app.include_router(export_routes(archives))
    if presets:
        app.include_router(preset_routes(presets))
    if people and presets:
        _add_people(app, people, presets, hosting)
    _add_programs(app, completions, ratings)
    return app


def _empty_app(middleware: list[Middleware]) -> FastAPI:
    app = FastAPI(
        title="Qwen Chat", docs_url=None, redoc_url=None, openapi_url=None, middleware=middleware
    )
    add_error_handlers(app)
    return app


def _add_people(
    app: FastAPI, people: SignIn, presets: PresetReader, hosting: HostServices | None
) -> None:
    context = people.context
    app.include_router(account_routes(context))
    app.include_router(people_routes(context.accounts, context.root_path))
    app.include_router(guest_link_routes(context.accounts, context.root_path))
    app.include_router(key_routes(context.accounts, context.root_path))
    app.include_router(
        people_pages(context, people.authenticator, presets, provider=bool(people.provider))
    )
    if hosting:
        app.include_router(hosting_routes(hosting, context, presets))
    if people.provider:
        app.include_router(provider_routes(context, people.provider, allow_new=people.allow_new))


def _add_programs(app: FastAPI, completions: Completions | None, ratings: Ratings | None) -> None:
    """Their document is there without any, too, and says so."""
    programs = openai_routes(completions, ratings) if completions else APIRouter()
    app.include_router(programs)
    app.include_router(docs_routes(programs.routes))


def cover_mounted(app: FastAPI) -> None:
    """Let apps that were mounted on `app` answer invalid input and faults as we do."""
    for route in app.routes:
        if isinstance(route, Mount) and isinstance(route.app, FastAPI):
            cover_faults(route.app)
