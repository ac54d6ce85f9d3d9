"""Routes of the pages of regression cases and their runs."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, Response

from api.conversations.presets import PresetReader
from api.edge.identity import user_of
from api.html import locale_of, page_answer
from chat.accounts.models import User
from chat.evaluation.cases import Cases, text_of
from chat.evaluation.models import CaseText, Run, VerdictCounts
from chat.evaluation.runs import Runs
from pages.campaigns.choices import PlanOptions
from pages.evaluation.case_form import EMPTY, case_page
from pages.evaluation.case_runs import SCRIPT, RunsView, RunView, run_page
from pages.evaluation.cases import cases_page

STATIC = Path(__file__).parents[2] / "pages" / "static"
MAX_LISTED = 20
"""Most runs offered for comparison."""


def case_pages(
    case_service: Cases, run_service: Runs, presets: PresetReader, root_path: str = ""
) -> APIRouter:
    """/cases/… for members."""
    router = APIRouter(default_response_class=HTMLResponse)

    @router.get(f"/{SCRIPT}")
    def script() -> FileResponse:
        return FileResponse(STATIC / SCRIPT, headers={"Cache-Control": "no-cache"})

    router.include_router(
        _runs(case_service, run_service, presets, root_path), prefix="/cases/runs"
    )
    router.include_router(_cases(case_service, run_service, presets, root_path), prefix="/cases")
    return router


def _cases(
    case_service: Cases, run_service: Runs, presets: PresetReader, root_path: str
) -> APIRouter:
    router = APIRouter()

    @router.get("")
    async def cases(request: Request) -> Response:
        user, locale = user_of(request), locale_of(request, root_path)
        page = cases_page(
            locale,
            user,
            cases=await case_service.list(user),
            shipped=sorted(
                case_service.shipped.values(),
                key=lambda case: not case.id.endswith(f".{locale.language}"),
            ),
            runs=await _runs_of(presets, user, await case_service.runs(user)),
            choices=PlanOptions(await presets.list(user.id, locale.language), run_service.engines),
        )
        return page_answer(page)

    @router.get("/new")
    async def new(request: Request, evidence: str = "") -> Response:
        user, locale = user_of(request), locale_of(request, root_path)
        text: CaseText = await case_service.draft(user, evidence) if evidence else EMPTY
        return page_answer(case_page(locale, user, text))

    @router.get("/{case_id}")
    async def case(request: Request, case_id: str) -> Response:
        user, locale = user_of(request), locale_of(request, root_path)
        text = text_of(await case_service.get(user, case_id))
        shipped = case_id in case_service.shipped
        return page_answer(case_page(locale, user, text, case_id=case_id, shipped=shipped))

    return router


def _runs(
    case_service: Cases, run_service: Runs, presets: PresetReader, root_path: str
) -> APIRouter:
    router = APIRouter()

    @router.get("/{run_id}")
    async def run(request: Request, run_id: str, against: str = "") -> Response:
        user, locale = user_of(request), locale_of(request, root_path)
        # Before the results: a result that arrives between the two reads would be missed.
        active = run_service.progress(run_id)
        run, results = await case_service.run(user, run_id)
        compared, others = await case_service.run(user, against) if against else (None, None)
        own_cases = {case.id: case for case in await case_service.list(user)}
        recent = (await case_service.runs(user))[:MAX_LISTED]
        runs = await _runs_of(presets, user, recent, run, *([compared] if compared else []))
        view = RunView(
            run=run,
            results=results,
            cases=own_cases | case_service.shipped,
            compared_with=compared,
            others=others,
            progress=(active.done, active.total) if active else None,
        )
        # Differences of long texts take long enough to block the event loop.
        return page_answer(await asyncio.to_thread(run_page, locale, user, view, runs))

    return router


async def _runs_of(
    presets: PresetReader, user: User, recent: Sequence[VerdictCounts], *more: Run
) -> RunsView:
    """The view of `recent`, with the preset names of these runs and of `more`."""
    refs = [run.preset for run in (*more, *(counted.run for counted in recent)) if run.preset]
    return RunsView(recent, await presets.names(user.id, refs))
