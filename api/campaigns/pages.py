"""Routes of the campaign pages."""

from dataclasses import dataclass
from pathlib import Path

from fastapi import APIRouter
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, RedirectResponse, Response

from api.accounts.routes import PageContext
from api.conversations.presets import PresetReader
from api.edge.identity import user_of
from api.html import locale_of, page_answer
from chat.accounts.models import User, utc_now
from chat.campaigns.hosts import Campaigns
from chat.campaigns.live import LiveCampaigns
from chat.campaigns.models import Campaign, Mode
from chat.campaigns.participation import Participation
from chat.campaigns.validation import copied
from chat.errors import NotFound
from chat.feedback.reports import Reports
from chat.feedback.results import Results
from pages.campaigns.campaign import campaign_page, campaigns_page, edit_page
from pages.campaigns.choices import PlanOptions
from pages.campaigns.comparison import comparison_block
from pages.campaigns.live import live_block
from pages.campaigns.participation import (
    campaign_visit_page,
    preview_page,
    survey_page,
    unavailable_page,
)
from pages.campaigns.plan_form import EMPTY
from pages.campaigns.survey_results import survey_block
from pages.campaigns.variants import variants_block
from pages.feedback.results import campaign_results
from pages.html import PageLocale

SCRIPT = Path(__file__).parents[2] / "pages" / "static" / "campaigns.js"


@dataclass(frozen=True, slots=True)
class CampaignResults:
    """The sections of a campaign's page that come from ratings and votes."""

    campaigns: Campaigns
    results: Results
    reports: Reports

    async def blocks(
        self, locale: PageLocale, user: User, campaign: Campaign
    ) -> tuple[Markup, Markup]:
        """The results section, and the tables of variants."""
        results = campaign_results(locale, campaign)
        report = await self.reports.report(user, campaign.id)
        if campaign.plan.mode is not Mode.SINGLE:
            testers = await self.campaigns.testers(user, campaign.id)
            names = await self.results.names(user)
            results = comparison_block(locale, report, testers, names) + results
        return results + survey_block(locale, report), variants_block(locale, report)


def campaign_pages(
    campaigns: Campaigns,
    participation: Participation,
    presets: PresetReader,
    context: PageContext,
    results_of: CampaignResults | None = None,
    live: LiveCampaigns | None = None,
) -> APIRouter:
    """/campaigns/… for hosts, /campaign/… for testers."""
    router, root_path = APIRouter(default_response_class=HTMLResponse), context.root_path

    @router.get("/campaigns.js")
    def script() -> FileResponse:
        return FileResponse(SCRIPT, headers={"Cache-Control": "no-cache"})

    @router.get("/plan.js")
    def plan_script() -> FileResponse:
        return FileResponse(SCRIPT.with_name("plan.js"), headers={"Cache-Control": "no-cache"})

    router.include_router(_plans(campaigns, presets, root_path), prefix="/campaigns")
    router.include_router(_previews(campaigns, root_path), prefix="/campaigns")
    router.include_router(_running(campaigns, context, results_of, live), prefix="/campaigns")
    router.include_router(_testers(participation, context), prefix="/campaign")
    return router


def _plans(campaigns: Campaigns, presets: PresetReader, root_path: str) -> APIRouter:
    router = APIRouter()

    async def options_of(user: User, locale: PageLocale) -> PlanOptions:
        usable = await presets.list(user.id, locale.language)
        return PlanOptions(usable, campaigns.engines)

    @router.get("/new")
    async def new(request: Request, copy: str = "") -> Response:
        user, locale = user_of(request), locale_of(request, root_path)
        plan = copied((await campaigns.get(user, copy)).plan) if copy else EMPTY
        options = await options_of(user, locale)
        return page_answer(edit_page(locale, user, plan, options))

    @router.get("/{campaign_id}/edit")
    async def edit(request: Request, campaign_id: str) -> Response:
        user, locale = user_of(request), locale_of(request, root_path)
        campaign = await campaigns.get(user, campaign_id)
        counts = await campaigns.counts(user, campaign_id)
        page = edit_page(
            locale,
            user,
            campaign.plan,
            await options_of(user, locale),
            campaign_id=campaign_id,
            in_use=counts.consented > 0,
            is_draft=campaign.is_draft,
        )
        return page_answer(page)

    return router


def _previews(campaigns: Campaigns, root_path: str) -> APIRouter:
    router = APIRouter()

    @router.get("/{campaign_id}/preview")
    async def preview(request: Request, campaign_id: str) -> Response:
        user, locale = user_of(request), locale_of(request, root_path)
        campaign = await campaigns.get(user, campaign_id)
        return page_answer(preview_page(locale, user, campaign))

    return router


def _running(
    campaigns: Campaigns,
    context: PageContext,
    results_of: CampaignResults | None,
    live: LiveCampaigns | None,
) -> APIRouter:
    router, root_path = APIRouter(), context.root_path

    @router.get("")
    async def overview(request: Request) -> Response:
        user, locale = user_of(request), locale_of(request, root_path)
        return page_answer(campaigns_page(locale, user, await campaigns.list(user), utc_now()))

    @router.get("/{campaign_id}")
    async def one(request: Request, campaign_id: str) -> Response:
        user, locale = user_of(request), locale_of(request, root_path)
        campaign = await campaigns.get(user, campaign_id)
        if campaign.is_draft:
            return RedirectResponse(f"{root_path}/campaigns/{campaign_id}/edit", 303)
        results, variants = None, None
        if results_of:
            results, variants = await results_of.blocks(locale, user, campaign)
        page = campaign_page(
            locale,
            user,
            campaign,
            counts=await campaigns.counts(user, campaign_id),
            waiting=campaigns.waiting,
            links=await campaigns.links(user, campaign_id),
            skipped=await campaigns.skipped(user, campaign_id),
            now=utc_now(),
            results=results,
            variants=variants,
            engines=campaigns.engines,
            shared=context.shared_view(request, f"/campaign/{campaign_id}"),
            live=await _live(locale, user, campaign, campaigns, live) if live else None,
        )
        return page_answer(page)

    return router


async def _live(
    locale: PageLocale, user: User, campaign: Campaign, campaigns: Campaigns, live: LiveCampaigns
) -> Markup:
    links = await campaigns.links(user, campaign.id)
    return live_block(locale, campaign, await live.state(user, campaign.id), links)


def _testers(participation: Participation, context: PageContext) -> APIRouter:
    router, root_path = APIRouter(), context.root_path

    @router.get("/{campaign_id}")
    async def visit(request: Request, campaign_id: str) -> Response:
        user, locale = user_of(request), locale_of(request, root_path)
        try:
            visit = await participation.arrive(user, campaign_id)
        except NotFound:
            return page_answer(unavailable_page(locale), 404)
        allowance = await context.accounts.guests.allowance(user)
        return page_answer(campaign_visit_page(locale, user, visit, allowance))

    @router.get("/{campaign_id}/survey")
    async def survey(request: Request, campaign_id: str) -> Response:
        user, locale = user_of(request), locale_of(request, root_path)
        try:
            visit = await participation.arrive(user, campaign_id)
        except NotFound:
            return page_answer(unavailable_page(locale), 404)
        page = survey_page if visit.may_answer else campaign_visit_page
        return page_answer(page(locale, user, visit))

    return router
