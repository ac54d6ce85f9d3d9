"""The web app: our routes behind the edge's middleware, which also covers mounted apps."""

from collections.abc import Mapping
from dataclasses import dataclass

from fastapi import APIRouter, FastAPI
from starlette.middleware import Middleware
from starlette.routing import Mount

from api.accounts.admin_routes import guest_link_routes, user_routes
from api.accounts.key_routes import key_routes
from api.accounts.oidc_routes import provider_routes
from api.accounts.pages import account_pages
from api.accounts.routes import PageContext, account_routes, admit_nobody
from api.campaigns.comparisons import compare_routes
from api.campaigns.live import live_routes, notice_routes
from api.campaigns.pages import CampaignResults, campaign_pages
from api.campaigns.routes import campaign_routes
from api.conversations.encodings import encoding_routes
from api.conversations.exports import Archives, export_routes
from api.conversations.presets import PresetReader, preset_routes
from api.conversations.previews import preview_routes
from api.conversations.shares import share_routes
from api.edge.errors import add_error_handlers, cover_faults
from api.edge.identity import is_of_member
from api.edge.options import EdgeOptions
from api.edge.page_events import PageEvents
from api.edge.stack import edge_middleware
from api.evaluation.pages import case_pages
from api.evaluation.routes import case_routes
from api.feedback.pages import results_pages
from api.feedback.routes import results_routes
from api.feedback.table_routes import table_routes
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
from chat.campaigns.live import LiveCampaigns
from chat.campaigns.participation import Participation
from chat.conversations.shares import Shares
from chat.evaluation.cases import Cases
from chat.evaluation.runs import Runs
from chat.feedback.ratings import Ratings
from chat.feedback.reports import Reports
from chat.feedback.results import Results
from chat.feedback.tables import CampaignTables
from chat.feedback.votes import Votes
from chat.serving.completions import Completions
from chat.serving.ports import Engine
from chat.serving.readiness import Readiness


@dataclass(frozen=True, slots=True)
class HostServices:
    """The services of campaigns, evaluation and feedback; None where only a database has them."""

    campaigns: Campaigns
    participation: Participation
    cases: Cases
    runs: Runs
    results: Results | None = None
    reports: Reports | None = None
    comparisons: Comparisons | None = None
    votes: Votes | None = None
    tables: CampaignTables | None = None
    live: LiveCampaigns | None = None


def hosting_routes(hosting: HostServices, context: PageContext, presets: PresetReader) -> APIRouter:
    """Every route of hosts and testers."""
    campaigns, participation = hosting.campaigns, hosting.participation
    router = APIRouter()
    router.include_router(campaign_routes(campaigns, participation, context))
    outcome = None
    if hosting.results and hosting.reports:
        outcome = CampaignResults(campaigns, hosting.results, hosting.reports)
    pages_of_hosts = campaign_pages(
        campaigns, participation, presets, context, outcome, hosting.live
    )
    router.include_router(pages_of_hosts)
    if hosting.live:
        router.include_router(live_routes(campaigns, hosting.live, context))
    router.include_router(notice_routes(participation, context))
    router.include_router(case_routes(hosting.cases, hosting.runs, presets, context.root_path))
    router.include_router(case_pages(hosting.cases, hosting.runs, presets, context.root_path))
    if hosting.results and hosting.reports:
        router.include_router(results_routes(hosting.results, hosting.reports))
        if hosting.votes:  # before /results/{evidence_id}, which would match /results/votes
            router.include_router(vote_pages(hosting.votes, hosting.results, context.root_path))
        if hosting.tables:
            router.include_router(table_routes(hosting.tables))
        router.include_router(results_pages(hosting.results, context.root_path))
    if comparisons := hosting.comparisons:
        router.include_router(compare_routes(comparisons, participation, context.root_path))
    return router


@dataclass(frozen=True, slots=True)
class SignIn:
    """How users sign in: the authenticator, and the context of the account routes.

    `allow_new`: unknown users whom `provider` identifies become members.
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
    shares: Shares | None = None,
    sign_in: SignIn | None = None,
    handlers: Mapping[int, str] | None = None,
    metrics: Metrics | None = None,
    completions: Completions | None = None,
    ratings: Ratings | None = None,
    hosting: HostServices | None = None,
    readiness: Readiness | None = None,
    api_strict: bool = False,
) -> FastAPI:
    """The app with its middleware and routes.

    Adds the routes of the services that are passed. Without `sign_in` every request is the local
    user's. `handlers` maps the page's event numbers to the names in `api.edge.permissions`.
    `readiness` answers `/readyz`; by default it checks only the engine. With `api_strict` the
    routes for programs refuse what they would ignore.
    Mount the page after all routes have been added, then call `cover_mounted`.
    """
    metrics = metrics or Metrics()
    authenticator = sign_in.authenticator if sign_in else OpenAuthenticator()
    events = PageEvents()
    app = _empty_app(edge_middleware(edge, authenticator, handlers or {}, metrics, events))
    app.state.api_strict = api_strict
    app.state.page_events = events  # the page sets its part of them when it is mounted
    app.include_router(ops_routes(engine, readiness or Readiness(engine), is_of_member))
    app.include_router(install_routes())
    app.include_router(metrics_routes(metrics))
    _add_files(app, archives, presets)
    if sign_in and presets:
        _add_accounts(app, sign_in, presets, hosting)
    if shares:
        app.include_router(share_routes(shares, edge.root_path))
    _add_programs(app, completions, ratings)
    return app


def _add_files(app: FastAPI, archives: Archives | None, presets: PresetReader | None) -> None:
    app.include_router(preview_routes())
    if archives:
        app.include_router(export_routes(archives))
        app.include_router(encoding_routes())
    if presets:
        app.include_router(preset_routes(presets))


def _empty_app(middleware: list[Middleware]) -> FastAPI:
    app = FastAPI(
        title="Qwen Chat",
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,  # `api.edge.slashes` does it
        middleware=middleware,
    )
    add_error_handlers(app)
    return app


def _add_accounts(
    app: FastAPI, sign_in: SignIn, presets: PresetReader, hosting: HostServices | None
) -> None:
    context = sign_in.context
    admit = hosting.participation.open_link if hosting else admit_nobody
    app.include_router(account_routes(context, admit))
    app.include_router(user_routes(context))
    app.include_router(guest_link_routes(context))
    app.include_router(key_routes(context.accounts, context.root_path))
    app.include_router(
        account_pages(context, sign_in.authenticator, presets, provider=bool(sign_in.provider))
    )
    if hosting:
        app.include_router(hosting_routes(hosting, context, presets))
    if sign_in.provider:
        app.include_router(provider_routes(context, sign_in.provider, allow_new=sign_in.allow_new))


def _add_programs(app: FastAPI, completions: Completions | None, ratings: Ratings | None) -> None:
    """Add the routes for programs. Their OpenAPI document is served even without routes."""
    programs = openai_routes(completions, ratings) if completions else APIRouter()
    app.include_router(programs)
    app.include_router(docs_routes(programs.routes))


def cover_mounted(app: FastAPI) -> None:
    """Make apps mounted on `app` answer invalid input, faults and slashes as our routes do."""
    for route in app.routes:
        if isinstance(route, Mount) and isinstance(route.app, FastAPI):
            cover_faults(route.app)
            route.app.router.redirect_slashes = False
