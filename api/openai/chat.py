"""POST /v1/chat/completions: answers a conversation."""

from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from api.openai.context import ApiContext
from api.openai.encoding import ChatEncoder
from api.openai.request_models import ChatRequest
from api.openai.response_models import ERRORS, ChatCompletion
from api.openai.route import StrictRoute
from api.openai.stream import send_answer
from api.openai.to_domain import chat_inputs

ANSWERS: dict[int | str, dict[str, Any]] = ERRORS | {
    200: {
        "model": ChatCompletion,
        "description": "The answer; with `stream`, its pieces as server-sent events",
        "content": {"text/event-stream": {}},  # no schema: tools would apply it to each event
    }
}


def chat_routes(context: ApiContext) -> APIRouter:
    router = APIRouter(route_class=StrictRoute, tags=["completions"])

    @router.post(
        "/v1/chat/completions",
        summary="Answer a conversation",
        responses=ANSWERS,
        response_model=None,
    )
    async def answer_conversation(request: Request, body: ChatRequest) -> Response:
        with_usage = bool(body.stream_options and body.stream_options.include_usage)
        choices, info = await context.begin(request, body.model, chat_inputs(body, request))
        encoder = ChatEncoder(
            choices,
            info,
            logprobs=bool(body.logprobs),
            with_usage=with_usage,
            n=body.n or 1,
        )
        return await send_answer(
            request, choices, encoder, stream=bool(body.stream), with_usage=with_usage
        )

    return router
