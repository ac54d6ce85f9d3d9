"""The routes for programs, compatible with the OpenAI API."""

import time

from fastapi import APIRouter
from starlette.responses import Response

from api.edge.errors import refusal
from api.edge.permissions import UNKNOWN_API_ROUTE
from api.openai.chat import chat_routes
from api.openai.completions import completion_routes
from api.openai.context import ApiContext
from api.openai.feedback import feedback_routes
from api.openai.index import index_routes
from api.openai.models import model_routes
from api.openai.responses import response_routes
from chat.feedback.ratings import Ratings
from chat.serving.completions import Completions

METHODS = ["DELETE", "GET", "OPTIONS", "PATCH", "POST", "PUT"]


def openai_routes(completions: Completions, ratings: Ratings | None = None) -> APIRouter:
    """/v1/…; without /v1/feedback if `ratings` is None."""
    context = ApiContext(completions, started_at=int(time.time()))
    router = APIRouter()
    for routes in (chat_routes, completion_routes, response_routes, model_routes, index_routes):
        router.include_router(routes(context))
    if ratings:
        router.include_router(feedback_routes(ratings))
    router.add_api_route(UNKNOWN_API_ROUTE, unknown_route, methods=METHODS, include_in_schema=False)
    return router


def unknown_route() -> Response:
    """404 in OpenAI's format for every other path below /v1/."""
    return refusal(404, "There is no such route; /docs lists what there is.", code="not_found")
