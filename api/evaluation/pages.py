"""The pages of regression cases as routes: which data each is made from."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, Response

from api.conversations.presets import PresetReader
from api.edge.identity import person_of
from api.html import page_answer, reader_of
from chat.accounts.models import User
from chat.evaluation.cases import Cases, CaseText, VerdictCounts, text_of
from chat.evaluation.models import Run
from chat.evaluation.runs import Runs
from pages.campaigns.choices import PlanOptions
from pages.evaluation.case_form import EMPTY, case_page
from pages.evaluation.case_runs import SCRIPT, RunsView, RunView, run_page
from pages.evaluation.cases import cases_page

STATIC = Path(__file__).parents[2] / "pages" / "static"
LISTED = 20
"""Runs to compare with."""


def case_pages(
    casebook: Cases, replays: Runs, presets: PresetReader, root_path: str = ""
) -> APIRouter:
    """/cases/… for members."""
    router = APIRouter(default_response_class=HTMLResponse)

    @router.get(f"/{SCRIPT}")
    def script() -> FileResponse:
        return FileResponse(STATIC / SCRIPT, headers={"Cache-Control": "no-cache"})

    router.include_router(_runs(casebook, replays, presets, root_path), prefix="/cases/runs")
    router.include_router(_cases(casebook, replays, presets, root_path), prefix="/cases")
    return router


def _cases(casebook: Cases, replays: Runs, presets: PresetReader, root_path: str) -> APIRouter:
    router = APIRouter()

    @router.get("")
    async def cases(request: Request) -> Response:
        user, reader = person_of(request), reader_of(request, root_path)
        page = cases_page(
            reader,
            user,
            cases=await casebook.list(user),
            shipped=sorted(
                casebook.shipped.values(),
                key=lambda case: not case.id.endswith(f".{reader.language}"),
            ),
            runs=await _runs_of(presets, user, await casebook.runs(user)),
            choices=PlanOptions(await presets.list(user.id, reader.language), replays.engines),
        )
        return page_answer(page)

    @router.get("/new")
    async def new(request: Request, evidence: str = "") -> Response:
        user, reader = person_of(request), reader_of(request, root_path)
        text: CaseText = await casebook.draft(user, evidence) if evidence else EMPTY
        return page_answer(case_page(reader, user, text))

    @router.get("/{case_id}")
    async def case(request: Request, case_id: str) -> Response:
        user, reader = person_of(request), reader_of(request, root_path)
        text = text_of(await casebook.get(user, case_id))
        shipped = case_id in casebook.shipped
        return page_answer(case_page(reader, user, text, case_id=case_id, shipped=shipped))

    return router


def _runs(casebook: Cases, replays: Runs, presets: PresetReader, root_path: str) -> APIRouter:
    router = APIRouter()

    @router.get("/{run_id}")
    async def run(request: Request, run_id: str, against: str = "") -> Response:
        user, reader = person_of(request), reader_of(request, root_path)
        going = replays.progress(run_id)  # before the results: none that is new is missed
        run, results = await casebook.run(user, run_id)
        beside, others = await casebook.run(user, against) if against else (None, None)
        kept = {case.id: case for case in await casebook.list(user)}
        tallies = (await casebook.runs(user))[:LISTED]
        runs = await _runs_of(presets, user, tallies, run, *([beside] if beside else []))
        shown = RunView(
            run=run,
            results=results,
            cases=kept | casebook.shipped,
            beside=beside,
            others=others,
            going_on=(going.done, going.total) if going else None,
        )
        # Comparing long texts takes a while.
        return page_answer(await asyncio.to_thread(run_page, reader, user, shown, runs))

    return router


async def _runs_of(
    presets: PresetReader, user: User, tallies: Sequence[VerdictCounts], *more: Run
) -> RunsView:
    """These runs with what their presets and those of `more` are called."""
    refs = [run.preset for run in (*more, *(tally.run for tally in tallies)) if run.preset]
    return RunsView(tallies, await presets.names(user.id, refs))
