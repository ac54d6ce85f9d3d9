"""Routes of blind comparisons: the page, questions, votes, and an event stream of the answers.

Answers leave as HTML rendered here, without any other field, so that they stay anonymous.
"""

import asyncio
import json
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from pathlib import Path
from typing import Annotated
from uuid import uuid4

from fastapi import APIRouter
from pydantic import BaseModel, Field
from starlette.requests import Request
from starlette.responses import (
    FileResponse,
    HTMLResponse,
    JSONResponse,
    RedirectResponse,
    Response,
    StreamingResponse,
)

from api.edge.identity import user_of
from api.event_stream import STREAM_HEADERS, kept_alive
from api.html import locale_of, markdown_renderer, page_answer
from chat.campaigns.comparison_models import ComparisonRequest, ComparisonView
from chat.campaigns.comparisons import Comparisons
from chat.campaigns.models import VisitStage, VoteChoice
from chat.campaigns.participation import Participation
from chat.errors import AppError, NotFound
from pages.campaigns.compare import (
    actions_html,
    compare_page,
    comparison_html,
    side_html,
    tasks_html,
)
from pages.campaigns.participation import unavailable_page
from pages.html import PageLocale

SCRIPT = Path(__file__).parents[2] / "pages" / "static" / "compare.js"
RENDER_INTERVAL_S = 0.15
"""Least time between two renderings of an unfinished answer."""

RENDER_SHARE = 0.03
"""Share of one core for rendering one tester's answers: long answers are rendered less often."""

Id = Annotated[str, Field(max_length=64)]
RequestId = Annotated[str, Field(min_length=8, max_length=64)]


class QuestionForm(BaseModel):
    """A question to both variants; `after` is the id of the previous comparison."""

    question: str | None = None
    request_id: RequestId
    task_id: Id | None = None
    after: Id | None = None

    def value(self) -> ComparisonRequest:
        return ComparisonRequest(
            self.question or "", self.request_id, self.task_id or "", self.after or ""
        )


class RetryForm(BaseModel):
    request_id: RequestId


class VoteForm(BaseModel):
    choice: VoteChoice


class SkipForm(BaseModel):
    reason: str | None = None


class CommentForm(BaseModel):
    comment: str | None = None


class TaskTick(BaseModel):
    task: Id
    done: bool | None = None


def compare_routes(
    comparisons: Comparisons, participation: Participation, root_path: str = ""
) -> APIRouter:
    """/campaign/{id}/compare with what belongs to it."""
    router = APIRouter()
    router.include_router(_pages(comparisons, root_path), default_response_class=HTMLResponse)
    router.include_router(_question_routes(comparisons, root_path))
    router.include_router(_vote_routes(comparisons, participation, root_path))

    @router.post("/api/campaign/{campaign_id}/tick")
    async def tick(request: Request, campaign_id: str, body: TaskTick) -> dict[str, str]:
        user = user_of(request)
        await participation.tick(user, campaign_id, body.task, done=bool(body.done))
        visit = await participation.visit(user, campaign_id)
        return {"html": tasks_html(locale_of(request, root_path), visit)}

    return router


def _pages(comparisons: Comparisons, root_path: str) -> APIRouter:
    router = APIRouter()

    @router.get("/compare.js")
    def script() -> FileResponse:
        return FileResponse(SCRIPT, headers={"Cache-Control": "no-cache"})

    @router.get("/campaign/{campaign_id}/compare")
    async def page(request: Request, campaign_id: str) -> Response:
        user, locale = user_of(request), locale_of(request, root_path)
        try:
            visit = await comparisons.visit(user, campaign_id)
        except NotFound:
            return page_answer(unavailable_page(locale), 404)
        if visit.participant is None or visit.stage in (VisitStage.NOT_BEGUN, VisitStage.CONSENT):
            return RedirectResponse(f"{root_path}/campaign/{campaign_id}", 303)
        rounds = await comparisons.views(user, campaign_id)
        return page_answer(compare_page(locale, visit, rounds, markdown_renderer(locale)))

    return router


def _question_routes(comparisons: Comparisons, root_path: str) -> APIRouter:
    router = APIRouter()

    async def rendered(request: Request, comparison_id: str) -> dict[str, str]:
        locale = locale_of(request, root_path)
        view = await comparisons.view(user_of(request), comparison_id)
        return {
            "html": comparison_html(locale, view, markdown_renderer(locale)),
            "next_request": uuid4().hex,
        }

    @router.post("/api/campaign/{campaign_id}/duels")
    async def ask(request: Request, campaign_id: str, body: QuestionForm) -> dict[str, str]:
        comparison = await comparisons.ask(
            user_of(request), campaign_id, body.value(), address=_address(request)
        )
        return await rendered(request, comparison.id)

    @router.post("/api/duels/{comparison_id}/again")
    async def ask_again(request: Request, comparison_id: str, body: RetryForm) -> dict[str, str]:
        comparison = await comparisons.ask_again(
            user_of(request), comparison_id, request_id=body.request_id, address=_address(request)
        )
        return await rendered(request, comparison.id)

    @router.post("/api/duels/{comparison_id}/stop")
    async def stop(request: Request, comparison_id: str) -> JSONResponse:
        await comparisons.stop(user_of(request), comparison_id)
        return JSONResponse({})

    @router.get("/api/duel-events/{comparison_id}")
    async def events(request: Request, comparison_id: str) -> Response:
        user, locale = user_of(request), locale_of(request, root_path)
        await comparisons.view(user, comparison_id)  # raises NotFound before the stream begins
        body = kept_alive(_events(locale, comparisons.watch(user, comparison_id)))
        return StreamingResponse(body, headers=STREAM_HEADERS, media_type="text/event-stream")

    return router


def _vote_routes(
    comparisons: Comparisons, participation: Participation, root_path: str
) -> APIRouter:
    router = APIRouter()

    async def actions_response(request: Request, comparison_id: str) -> dict[str, str]:
        """What can be done now, and the tasks: a vote marks its task as done."""
        user, locale = user_of(request), locale_of(request, root_path)
        view = await comparisons.view(user, comparison_id)
        visit = await participation.visit(user, view.comparison.campaign_id)
        return {"html": actions_html(locale, view), "tasks": tasks_html(locale, visit)}

    @router.post("/api/duels/{comparison_id}/vote")
    async def vote(request: Request, comparison_id: str, body: VoteForm) -> dict[str, str]:
        await comparisons.vote(user_of(request), comparison_id, body.choice)
        return await actions_response(request, comparison_id)

    @router.post("/api/duels/{comparison_id}/skip")
    async def skip(request: Request, comparison_id: str, body: SkipForm) -> dict[str, str]:
        await comparisons.skip(user_of(request), comparison_id, body.reason or "")
        return await actions_response(request, comparison_id)

    @router.post("/api/duels/{comparison_id}/comment")
    async def comment(request: Request, comparison_id: str, body: CommentForm) -> dict[str, str]:
        await comparisons.comment(user_of(request), comparison_id, body.comment or "")
        return await actions_response(request, comparison_id)

    return router


async def _events(
    locale: PageLocale, rounds: AsyncGenerator[ComparisonView, None]
) -> AsyncGenerator[bytes, None]:
    """Server-sent events of a comparison until both answers are complete."""
    render_markdown, last = markdown_renderer(locale), b""
    try:
        async with aclosing(rounds):  # also when the client disconnects
            async for view in rounds:
                began = time.perf_counter()
                event_data = {
                    "left": side_html(locale, view.left, render_markdown),
                    "right": side_html(locale, view.right, render_markdown),
                    "foot": actions_html(locale, view) if not view.is_open else "",
                    "open": view.is_open,
                }
                event = b"data: " + json.dumps(event_data).encode() + b"\n\n"
                took = time.perf_counter() - began
                yield event if event != last else b""
                last = event
                if view.is_open:
                    await asyncio.sleep(max(RENDER_INTERVAL_S, took / RENDER_SHARE))
    except AppError:  # deleted meanwhile: the browser reconnects and gets the error
        return


def _address(request: Request) -> str:
    return request.client.host if request.client else ""
