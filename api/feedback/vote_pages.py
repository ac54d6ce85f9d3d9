"""Routes of the vote pages: the list of votes, and one vote."""

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from api.edge.identity import user_of
from api.feedback.vote_query import VoteListQuery, VoteQuery
from api.html import locale_of, markdown_renderer, page_answer
from chat.feedback.results import Results
from chat.feedback.votes import Votes
from pages.feedback.vote import VoteView, vote_page
from pages.feedback.votes import VoteListView, votes_page


def vote_pages(votes: Votes, results: Results, root_path: str = "") -> APIRouter:
    """/results/votes and /results/votes/{comparison_id}."""
    router = APIRouter(prefix="/results/votes", default_response_class=HTMLResponse)

    @router.get("")
    async def listed(request: Request, query: Annotated[VoteListQuery, Query()]) -> Response:
        user, filters, after = user_of(request), query.value(), query.place()
        view = VoteListView(
            filters,
            await votes.page(user, filters, after),
            await votes.counts(user, filters),
            await votes.choices(user, filters.campaign_id),
            await results.names(user),
            first_page=after is None,
        )
        return page_answer(votes_page(locale_of(request, root_path), user, view))

    @router.get("/{comparison_id}")
    async def one(
        request: Request, comparison_id: str, query: Annotated[VoteQuery, Query()]
    ) -> Response:
        user, locale, filters = user_of(request), locale_of(request, root_path), query.value()
        voted = await votes.read(user, comparison_id)
        view = VoteView(
            voted,
            filters,
            (await votes.choices(user)).campaigns.get(voted.comparison.campaign_id),
            markdown_renderer(locale),
            next_id=await votes.next_id(user, filters, voted.comparison),
            presets=(await results.choices(user)).presets,
            names=await results.names(user),
        )
        return page_answer(vote_page(locale, user, view))

    return router
