"""A running campaign for its host: what is new, asked for every few seconds, and its chats."""

from dataclasses import asdict
from hashlib import sha256
from pathlib import Path

from fastapi import APIRouter
from pydantic import BaseModel, Field
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, JSONResponse, Response

from api.accounts.routes import PageContext
from api.edge.identity import user_of
from api.html import locale_of, markdown_renderer, page_answer
from chat.campaigns.hosts import Campaigns
from chat.campaigns.live import LiveCampaigns
from chat.campaigns.participation import Participation
from pages.campaigns.live import chat_page, live_parts
from pages.campaigns.notice import notice_html

SCRIPTS = Path(__file__).parents[2] / "pages" / "static"


class Extension(BaseModel):
    hours: int


class Notice(BaseModel):
    notice: str | None = None


class MoreOfLink(BaseModel):
    """How many more guests, and how many more questions each."""

    guests: int = Field(0, ge=0, le=1_000)
    messages: int = Field(0, ge=0, le=100_000)


def live_routes(campaigns: Campaigns, live: LiveCampaigns, context: PageContext) -> APIRouter:
    """/api/campaigns/{id}/live and /campaigns/{id}/chats/{id}."""
    router, root_path = APIRouter(), context.root_path

    @router.get("/live.js")
    def script() -> FileResponse:
        return FileResponse(SCRIPTS / "live.js", headers={"Cache-Control": "no-cache"})

    @router.get("/api/campaigns/{campaign_id}/live")
    async def newest(request: Request, campaign_id: str) -> Response:
        """What the page shows now; 304 where it is what the page has."""
        user, locale = user_of(request), locale_of(request, root_path)
        version = f"{await live.version(user, campaign_id)} {locale.language}"
        tag = f'"{sha256(version.encode()).hexdigest()[:24]}"'
        headers = {"ETag": tag, "Cache-Control": "no-cache"}
        if request.headers.get("if-none-match") == tag:
            return Response(status_code=304, headers=headers)
        campaign = await campaigns.get(user, campaign_id)
        counts = await campaigns.counts(user, campaign_id)
        links = await campaigns.links(user, campaign_id)
        parts = live_parts(locale, campaign, await live.state(user, campaign_id), links)
        figures = asdict(counts) | {"waiting": campaigns.waiting}
        return JSONResponse({"figures": figures, "parts": parts}, headers=headers)

    @router.get("/campaigns/{campaign_id}/chats/{conversation_id}", response_class=HTMLResponse)
    async def chat(request: Request, campaign_id: str, conversation_id: str) -> Response:
        user, locale = user_of(request), locale_of(request, root_path)
        archive = await live.chat(user, campaign_id, conversation_id)
        names = (await live.state(user, campaign_id)).names
        page = chat_page(locale, user, archive, names, markdown_renderer(locale))
        return page_answer(page)

    router.include_router(_acts(live), prefix="/api/campaigns")
    return router


def _acts(live: LiveCampaigns) -> APIRouter:
    router = APIRouter()

    @router.post("/{campaign_id}/pause")
    async def pause(request: Request, campaign_id: str) -> JSONResponse:
        await live.pause(user_of(request), campaign_id)
        return JSONResponse({})

    @router.post("/{campaign_id}/resume")
    async def resume(request: Request, campaign_id: str) -> JSONResponse:
        await live.resume(user_of(request), campaign_id)
        return JSONResponse({})

    @router.post("/{campaign_id}/extend")
    async def extend(request: Request, campaign_id: str, body: Extension) -> JSONResponse:
        await live.extend(user_of(request), campaign_id, body.hours)
        return JSONResponse({})

    @router.post("/{campaign_id}/notice")
    async def tell(request: Request, campaign_id: str, body: Notice) -> JSONResponse:
        await live.tell(user_of(request), campaign_id, body.notice or "")
        return JSONResponse({})

    @router.post("/{campaign_id}/links/{link_id}/raise")
    async def raise_link(
        request: Request, campaign_id: str, link_id: str, body: MoreOfLink
    ) -> JSONResponse:
        user = user_of(request)
        await live.raise_link(user, campaign_id, link_id, **body.model_dump())
        return JSONResponse({})

    return router


def notice_routes(participation: Participation, context: PageContext) -> APIRouter:
    """What the host tells testers, which their pages ask for."""
    router = APIRouter()

    @router.get("/notice.js")
    def script() -> FileResponse:
        return FileResponse(SCRIPTS / "notice.js", headers={"Cache-Control": "no-cache"})

    @router.get("/api/campaign/{campaign_id}/notice")
    async def notice(request: Request, campaign_id: str) -> dict[str, str]:
        visit = await participation.visit(user_of(request), campaign_id)
        return {"html": notice_html(locale_of(request, context.root_path), visit.campaign)}

    return router
