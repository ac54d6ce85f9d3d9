"""API keys: their page and its JSON routes. They need a session: a key cannot make another key.

`Accounts` checks the permissions again and raises NotFound without them.
"""

from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, Field
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from api.edge.identity import account_of
from api.html import locale_of, page_answer
from chat.accounts.models import KeyScope, utc_now
from chat.accounts.service import Accounts
from pages.accounts.keys import keys_page

Number = Annotated[int, Field(strict=True, ge=1, le=10**9)]


class NewKey(BaseModel):
    name: str = Field(max_length=200)
    scopes: frozenset[KeyScope] = frozenset({KeyScope.API})
    days: Number | None = None
    requests_per_minute: Number | None = None
    tokens_per_day: Number | None = None


def key_routes(accounts: Accounts, root_path: str = "") -> APIRouter:
    """/keys and /api/keys/… for members: their own keys; for administrators all keys."""
    router = APIRouter()

    @router.get("/keys")
    async def page(request: Request) -> Response:
        user, locale = account_of(request).user, locale_of(request, root_path)
        keys = await accounts.keys.list(user)
        owners = await accounts.users.owner_names(user)
        return page_answer(keys_page(locale, user, keys, owners, utc_now()))

    @router.post("/api/keys")
    async def add(request: Request, body: NewKey) -> dict[str, str]:
        key, secret = await accounts.keys.add(account_of(request).user, **body.model_dump())
        return {"key": secret, "id": key.id}

    @router.post("/api/keys/{key_id}/revoke")
    async def revoke(request: Request, key_id: str) -> JSONResponse:
        await accounts.keys.revoke(account_of(request).user, key_id)
        return JSONResponse({})

    return router
