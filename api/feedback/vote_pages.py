"""The pages of votes as routes: the list, and one vote of it."""

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from api.edge.identity import person_of
from api.feedback.vote_query import VoteListQuery, VoteQuery
from api.html import draw_for, page_answer, reader_of
from chat.feedback.results import Results
from chat.feedback.votes import Votes
from pages.feedback.vote import ShownVote, vote_page
from pages.feedback.votes import FoundVotes, votes_page


def vote_pages(votes: Votes, results: Results, root_path: str = "") -> APIRouter:
    """/results/votes: the list, and one vote of it."""
    router = APIRouter(prefix="/results/votes", default_response_class=HTMLResponse)

    @router.get("")
    async def listed(request: Request, query: Annotated[VoteListQuery, Query()]) -> Response:
        user, wanted, after = person_of(request), query.value(), query.place()
        found = FoundVotes(
            wanted,
            await votes.page(user, wanted, after),
            await votes.counts(user, wanted),
            await votes.choices(user, wanted.campaign_id),
            await results.names(user),
            first_page=after is None,
        )
        return page_answer(votes_page(reader_of(request, root_path), user, found))

    @router.get("/{duel_id}")
    async def one(request: Request, duel_id: str, query: Annotated[VoteQuery, Query()]) -> Response:
        user, reader, wanted = person_of(request), reader_of(request, root_path), query.value()
        contest = await votes.read(user, duel_id)
        shown = ShownVote(
            contest,
            wanted,
            (await votes.choices(user)).campaigns.get(contest.duel.campaign_id),
            draw_for(reader),
            next_id=await votes.next_id(user, wanted, contest.duel),
            presets=(await results.choices(user)).presets,
            names=await results.names(user),
        )
        return page_answer(vote_page(reader, user, shown))

    return router
