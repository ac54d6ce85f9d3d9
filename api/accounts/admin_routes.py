"""JSON routes for administrators (accounts) and members (guest links).

`Accounts` checks the permissions again and raises NotFound without them.
"""

import csv
import io
from collections.abc import Iterable
from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, BeforeValidator, Field
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from api.accounts.routes import PageContext
from api.downloads import download_headers
from api.edge.identity import account_of
from chat.accounts.models import AccountRole, AuditEntry

MAX_ENTRIES = 1000
FORMULA = tuple("=+-@\t\r")
"""First characters of a cell that a spreadsheet would evaluate as a formula."""

Number = Annotated[int, Field(strict=True, ge=1, le=10**9)]


Words = Annotated[str, BeforeValidator(lambda value: value or "")]
"""A text field that may be null. The service checks its length."""


class RoleChange(BaseModel):
    rank: AccountRole


class NewGuestLink(BaseModel):
    label: str = Field(max_length=200)
    days: Number
    max_guests: Number
    max_messages: Number
    max_tokens: Number
    preset_id: str | None = Field(None, max_length=200)
    welcome: Words = Field("", max_length=2000)


class NewLimits(BaseModel):
    """The limits of a guest link from now on."""

    days: Number
    max_guests: Number
    max_messages: Number
    max_tokens: Number


def user_routes(context: PageContext) -> APIRouter:
    """/api/people/… for administrators. A link in a response is a path that contains a secret."""
    router, accounts = APIRouter(prefix="/api/people"), context.accounts
    router.include_router(_invitation_routes(context))

    @router.post("/{user_id}/reset")
    async def reset(request: Request, user_id: str) -> JSONResponse:
        token = await accounts.one_time_links.reset(account_of(request).user, user_id)
        return context.link_response(request, f"/welcome#{token}")

    @router.post("/{user_id}/rank")
    async def set_role(request: Request, user_id: str, body: RoleChange) -> JSONResponse:
        await accounts.users.set_role(account_of(request).user, user_id, body.rank)
        return JSONResponse({})

    @router.post("/{user_id}/disable")
    async def disable(request: Request, user_id: str) -> JSONResponse:
        await accounts.users.disable(account_of(request).user, user_id)
        return JSONResponse({})

    @router.post("/{user_id}/enable")
    async def enable(request: Request, user_id: str) -> JSONResponse:
        await accounts.users.enable(account_of(request).user, user_id)
        return JSONResponse({})

    @router.post("/{user_id}/delete")
    async def delete(request: Request, user_id: str) -> dict[str, int]:
        return {"rows": await accounts.users.delete(account_of(request).user, user_id)}

    @router.get("/audit.csv")
    async def audit(request: Request) -> Response:
        entries = await accounts.users.audit_entries(account_of(request).user, limit=MAX_ENTRIES)
        headers = download_headers("audit.csv")
        return Response(as_csv(entries), headers=headers, media_type="text/csv")

    return router


def _invitation_routes(context: PageContext) -> APIRouter:
    router, accounts = APIRouter(), context.accounts

    @router.post("/invite")
    async def invite(request: Request, body: RoleChange) -> JSONResponse:
        token = await accounts.one_time_links.invite(account_of(request).user, body.rank)
        return context.link_response(request, f"/welcome#{token}")

    @router.post("/invitations/{invitation_id}/withdraw")
    async def withdraw(request: Request, invitation_id: str) -> JSONResponse:
        await accounts.one_time_links.withdraw(account_of(request).user, invitation_id)
        return JSONResponse({})

    return router


def guest_link_routes(context: PageContext) -> APIRouter:
    """/api/guest-links/… for members: their own links; for administrators all links."""
    router, accounts = APIRouter(prefix="/api/guest-links"), context.accounts

    @router.post("")
    async def add(request: Request, body: NewGuestLink) -> JSONResponse:
        values = body.model_dump()
        _, token = await accounts.guests.add_link(account_of(request).user, **values)
        return context.link_response(request, f"/guest#{token}")

    @router.post("/{link_id}/extend")
    async def extend(request: Request, link_id: str, body: NewLimits) -> JSONResponse:
        values = body.model_dump()
        await accounts.guests.extend_link(account_of(request).user, link_id, **values)
        return JSONResponse({})

    @router.post("/{link_id}/revoke")
    async def revoke(request: Request, link_id: str) -> JSONResponse:
        await accounts.guests.revoke_link(account_of(request).user, link_id)
        return JSONResponse({})

    return router


def as_csv(entries: Iterable[AuditEntry]) -> str:
    """The audit log as CSV; cells that look like formulas are quoted with an apostrophe."""
    text = io.StringIO()
    table = csv.writer(text)
    table.writerow(("at", "actor", "action", "target", "detail"))
    for entry in entries:
        row = (entry.at.isoformat(), entry.user_id, entry.action, entry.target, entry.detail)
        table.writerow([f"'{cell}" if cell.startswith(FORMULA) else cell for cell in row])
    return text.getvalue()
