"""JSON routes of campaigns: for hosts, who plan, open and close them, and for testers.

The services check ownership and participation.
"""

from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, Field
from starlette.requests import Request
from starlette.responses import JSONResponse

from api.accounts.admin_routes import Number, Words
from api.accounts.routes import PageContext
from api.campaigns.forms import PlanForm
from api.edge.identity import account_of, user_of
from api.html import locale_of
from chat.accounts.access import is_guest
from chat.campaigns.errors import CampaignDraft
from chat.campaigns.hosts import Campaigns
from chat.campaigns.participation import Participation
from pages.campaigns.participation import chat_address

Chosen = Annotated[list[int], Field(max_length=100)]
"""Options by their index."""

Digest = Annotated[str, Field(max_length=64)]


class NewCampaignLink(BaseModel):
    label: str = Field(max_length=200)
    days: Number
    max_guests: Number
    max_messages: Number
    max_tokens: Number
    welcome: Words = Field("", max_length=2000)


class Agreement(BaseModel):
    digest: Digest


class Survey(BaseModel):
    """`send`: the survey is complete; else the answers are saved as a draft."""

    answers: dict[str, Chosen | int | str | None] = {}
    send: bool = False


def campaign_routes(
    campaigns: Campaigns, participation: Participation, context: PageContext
) -> APIRouter:
    """/api/campaigns/… for hosts, /api/campaign/… for testers."""
    router = APIRouter()
    router.include_router(_plans(campaigns, context.root_path), prefix="/api/campaigns")
    router.include_router(_running(campaigns, context), prefix="/api/campaigns")
    router.include_router(_testers(participation, context), prefix="/api/campaign")
    return router


def _plans(campaigns: Campaigns, root_path: str) -> APIRouter:
    router = APIRouter()

    def at(campaign_id: str) -> dict[str, str]:
        return {"next": f"{root_path}/campaigns/{campaign_id}"}

    @router.post("")
    async def add(request: Request, body: PlanForm) -> dict[str, str]:
        return at((await campaigns.add(user_of(request), body.value())).id)

    def draft_of(campaign_id: str) -> dict[str, str]:
        """Where the script saves the draft from now on, opens it and finds it again."""
        api, page = (
            f"{root_path}/api/campaigns/{campaign_id}",
            f"{root_path}/campaigns/{campaign_id}",
        )
        return {"draft": f"{api}/draft", "post": api, "edit": f"{page}/edit"}

    @router.post("/drafts")
    async def add_draft(request: Request, body: PlanForm) -> dict[str, str]:
        return draft_of((await campaigns.add_draft(user_of(request), body.value())).id)

    @router.post("/{campaign_id}/draft")
    async def save_draft(request: Request, campaign_id: str, body: PlanForm) -> dict[str, str]:
        user = user_of(request)
        return draft_of((await campaigns.save_draft(user, campaign_id, body.value())).id)

    @router.post("/{campaign_id}")
    async def change(request: Request, campaign_id: str, body: PlanForm) -> dict[str, str]:
        return at((await campaigns.change(user_of(request), campaign_id, body.value())).id)

    @router.post("/{campaign_id}/delete")
    async def delete(request: Request, campaign_id: str) -> dict[str, str | int]:
        rows = await campaigns.delete(user_of(request), campaign_id)
        return {"next": f"{root_path}/campaigns", "rows": rows}

    return router


def _running(campaigns: Campaigns, context: PageContext) -> APIRouter:
    router = APIRouter()

    @router.post("/{campaign_id}/close")
    async def close(request: Request, campaign_id: str) -> JSONResponse:
        await campaigns.close(user_of(request), campaign_id)
        return JSONResponse({})

    @router.post("/{campaign_id}/reopen")
    async def reopen(request: Request, campaign_id: str) -> JSONResponse:
        await campaigns.reopen(user_of(request), campaign_id)
        return JSONResponse({})

    @router.get("/{campaign_id}/progress")
    async def progress(request: Request, campaign_id: str) -> dict[str, int]:
        counts = await campaigns.counts(user_of(request), campaign_id)
        return asdict(counts) | {"waiting": campaigns.waiting}

    @router.post("/{campaign_id}/links")
    async def add_link(request: Request, campaign_id: str, body: NewCampaignLink) -> JSONResponse:
        user = account_of(request).user
        campaign = await campaigns.get(user, campaign_id)  # `Accounts` checks no ownership
        if campaign.is_draft:
            raise CampaignDraft
        _, token = await context.accounts.guests.add_link(
            user, **body.model_dump(), campaign_id=campaign_id
        )
        return context.link_response(request, f"/guest#{token}")

    return router


def _testers(participation: Participation, context: PageContext) -> APIRouter:
    router = APIRouter()

    @router.post("/{campaign_id}/consent")
    async def agree(request: Request, campaign_id: str, body: Agreement) -> dict[str, str]:
        user, locale = user_of(request), locale_of(request, context.root_path)
        await participation.agree(user, campaign_id, body.digest, page_language=locale.language)
        visit = await participation.visit(user, campaign_id)
        return {"next": f"{context.root_path}{chat_address(user, visit)}"}

    @router.post("/{campaign_id}/survey")
    async def keep_survey(request: Request, campaign_id: str, body: Survey) -> dict[str, str]:
        answers = {key: "" if answer is None else answer for key, answer in body.answers.items()}
        await participation.keep_survey(user_of(request), campaign_id, answers, send=body.send)
        return {"next": f"{context.root_path}/campaign/{campaign_id}"}

    @router.post("/{campaign_id}/withdraw")
    async def withdraw(request: Request, campaign_id: str) -> JSONResponse:
        user = user_of(request)
        rows = await participation.withdraw(user, campaign_id)
        if not is_guest(user):
            return JSONResponse({"rows": rows})
        rows += await context.accounts.users.delete_own(user)  # a guest has no other data
        return context.sign_out_response(request, rows=rows)

    return router
