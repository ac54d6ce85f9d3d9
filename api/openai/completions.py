"""POST /v1/completions: continues text."""

from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from api.openai.context import ApiContext
from api.openai.encoding import TextEncoder
from api.openai.request_models import CompletionRequest
from api.openai.response_models import ERRORS, TextCompletion
from api.openai.route import StrictRoute
from api.openai.stream import send_answer
from api.openai.to_domain import text_inputs

ANSWERS: dict[int | str, dict[str, Any]] = ERRORS | {
    200: {
        "model": TextCompletion,
        "description": "What was written; with `stream`, its pieces as server-sent events",
        "content": {"text/event-stream": {}},  # no schema: tools would apply it to each event
    }
}


def completion_routes(context: ApiContext) -> APIRouter:
    router = APIRouter(route_class=StrictRoute, tags=["completions"])

    @router.post(
        "/v1/completions", summary="Go on with text", responses=ANSWERS, response_model=None
    )
    async def go_on_with_text(request: Request, body: CompletionRequest) -> Response:
        with_usage = bool(body.stream_options and body.stream_options.include_usage)
        inputs = text_inputs(body, request)
        choices, info = await context.begin(request, body.model, inputs)
        encoder = TextEncoder(
            choices,
            info,
            logprobs=body.logprobs is not None,
            with_usage=with_usage,
            n=body.n or 1,
            echo=bool(body.echo),
        )
        return await send_answer(
            request, choices, encoder, stream=bool(body.stream), with_usage=with_usage
        )

    return router
