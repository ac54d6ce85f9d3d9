"""POST /v1/feedback: programs rate an answer that they have received."""

from typing import Annotated, Literal

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request

from api.edge.credentials import principal_of
from api.openai.request_parts import Strict, Text
from api.openai.response_models import ERRORS
from api.openai.route import StrictRoute
from chat.errors import NotFound
from chat.feedback.models import Rating, RatingInput, Verdict
from chat.feedback.ratings import Ratings
from chat.feedback.validation import MAX_COMMENT
from chat.serving.response_cache import RECENT_S

MAX_REASONS = 20
Reason = Annotated[str, Field(max_length=60)]
NOT_REMEMBERED = (
    "There is no answer of that id. Answers are remembered for "
    f"{RECENT_S / 60:.0f} minutes at most, fewer when there are many, not beyond a restart, "
    "and not with `store` false."
)


class FeedbackRequest(Strict):
    """Omitted fields are empty: a request with only the id withdraws the rating."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"id": "chatcmpl-1", "verdict": "down", "reasons": ["wrong-facts"]}]
        }
    )

    id: Annotated[str, Field(min_length=1, max_length=200)]
    verdict: Literal["up", "down"] | None = None
    reasons: Annotated[list[Reason], Field(fail_fast=True, max_length=MAX_REASONS)] | None = None
    comment: Annotated[str, Field(max_length=MAX_COMMENT)] | None = None
    correction: Text | None = None

    @property
    def rating_input(self) -> RatingInput:
        verdict = Verdict(self.verdict) if self.verdict else None
        return RatingInput(verdict, tuple(self.reasons or ()), self.comment or "", self.correction)


class FeedbackOut(BaseModel):
    """The stored rating. Each change makes a new version."""

    id: str
    object: Literal["feedback"] = "feedback"
    created: int
    version: int
    verdict: Verdict | None
    reasons: list[str]
    comment: str
    correction: str | None


def feedback_routes(ratings: Ratings) -> APIRouter:
    router = APIRouter(route_class=StrictRoute, tags=["feedback"], responses=ERRORS)

    @router.post("/v1/feedback", summary="Rate an answer")
    async def rate(body: FeedbackRequest, request: Request) -> FeedbackOut:
        user = principal_of(request).user
        try:
            rating = await ratings.rate_completion(user, body.id, body.rating_input)
        except NotFound:
            raise NotFound(NOT_REMEMBERED) from None
        return _feedback_out(body.id, rating)

    return router


def _feedback_out(completion_id: str, rating: Rating) -> FeedbackOut:
    rating_input = rating.rating_input
    return FeedbackOut(
        id=completion_id,
        created=int(rating.rated_at.timestamp()),
        version=rating.version,
        verdict=rating_input.verdict,
        reasons=list(rating_input.reasons),
        comment=rating_input.comment,
        correction=rating_input.correction,
    )
