"""Links to copies of conversations: for their owners, and without login for who has a link."""

import asyncio
from functools import partial
from typing import Literal

from fastapi import APIRouter
from pydantic import BaseModel, Field
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from api.edge.identity import user_of
from api.html import locale_of, markdown_renderer, page_answer
from chat.conversations.shares import Shares
from pages.conversations.shares import OfferedChat, shared_page, shares_page

SECRET_PAGE = {"X-Robots-Tag": "noindex, nofollow", "Cache-Control": "no-store"}
"""Headers of a page whose address is a secret."""


class NewShare(BaseModel):
    conversation_id: str = Field(max_length=300)
    days: int
    include: frozenset[Literal["system_prompt", "files"]] = frozenset()


def share_routes(shares: Shares, root_path: str = "") -> APIRouter:
    """/shares and /api/shares/… for members, their own links; /shared/{token} for anybody."""
    router = APIRouter()

    @router.get("/shares")
    async def page(request: Request, conversation: str = "") -> Response:
        user, locale = user_of(request), locale_of(request, root_path)
        offered = None
        if conversation and shares.enabled:
            offered = OfferedChat(conversation, await shares.title(user, conversation))
        links = await shares.list(user)
        return page_answer(shares_page(locale, user, links, offered, enabled=shares.enabled))

    @router.post("/api/shares")
    async def add(request: Request, body: NewShare) -> dict[str, str]:
        share, token = await shares.share(
            user_of(request),
            body.conversation_id,
            days=body.days,
            system_prompt="system_prompt" in body.include,
            files="files" in body.include,
        )
        return {"link": f"{root_path}/shared/{token}", "id": share.id}

    @router.post("/api/shares/{share_id}/revoke")
    async def revoke(request: Request, share_id: str) -> JSONResponse:
        await shares.revoke(user_of(request), share_id)
        return JSONResponse({})

    @router.get("/shared/{token}")
    async def shared(request: Request, token: str) -> Response:
        share, copy = await shares.open(token)
        locale = locale_of(request, root_path)
        draw = partial(shared_page, locale, share, copy, markdown_renderer(locale))
        answer = page_answer(await asyncio.to_thread(draw))
        answer.headers.update(SECRET_PAGE)
        return answer

    return router
