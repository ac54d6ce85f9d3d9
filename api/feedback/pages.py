"""Routes of the result pages: the list of rated answers, and one answer."""

from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, Response

from api.edge.identity import user_of
from api.feedback.query import FilterQuery, ListQuery
from api.html import locale_of, markdown_renderer, page_answer
from chat.accounts.models import User
from chat.feedback.result_models import RatingFilter
from chat.feedback.results import Results
from pages.feedback.answer import AnswerView, answer_page
from pages.feedback.results import RatingListView, results_page
from pages.html import PageLocale

SCRIPT = Path(__file__).parents[2] / "pages" / "static" / "results.js"


def results_pages(results: Results, root_path: str = "") -> APIRouter:
    """/results and /results/{evidence_id}."""
    router = APIRouter(default_response_class=HTMLResponse)

    @router.get("/results.js")
    def script() -> FileResponse:
        return FileResponse(SCRIPT, headers={"Cache-Control": "no-cache"})

    @router.get("/results")
    async def listed(request: Request, query: Annotated[ListQuery, Query()]) -> Response:
        user, filters, after = user_of(request), query.value(), query.place()
        page, counts = await results.look(user, filters, after)
        view = RatingListView(
            filters,
            page,
            counts,
            await results.choices(user),
            await results.names(user),
            await results.reviewers(user),
            first_page=after is None,
        )
        return page_answer(results_page(locale_of(request, root_path), user, view))

    @router.get("/results/{evidence_id}")
    async def one(
        request: Request, evidence_id: str, query: Annotated[FilterQuery, Query()]
    ) -> Response:
        user, locale = user_of(request), locale_of(request, root_path)
        view = await _answer_view(results, user, evidence_id, query.value(), locale)
        return page_answer(answer_page(locale, user, view))

    return router


async def _answer_view(
    results: Results, user: User, evidence_id: str, filters: RatingFilter, locale: PageLocale
) -> AnswerView:
    """The view of the page of one answer. Raises NotFound."""
    detail = await results.read(user, evidence_id)
    return AnswerView(
        detail,
        filters,
        await results.choices(user),
        answer=markdown_renderer(locale)(detail.rated.snapshot.answer),
        next_id=await results.next_open(user, filters, evidence_id),
        names=await results.names(user),
        reviewers=await results.reviewers(user),
    )
