"""POST /v1/responses: answers items as OpenAI's Responses API does, and stores nothing."""

from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from api.edge.errors import refusal
from api.openai.context import ApiContext
from api.openai.ignored_fields import ignore
from api.openai.response_models import ERRORS
from api.openai.responses.encoder import ResponseEncoder
from api.openai.responses.request_models import ResponsesRequest
from api.openai.responses.response_models import ResponseBody
from api.openai.responses.to_domain import response_input
from api.openai.route import StrictRoute
from api.openai.stream import send_answer

ANSWERS: dict[int | str, dict[str, Any]] = ERRORS | {
    200: {
        "model": ResponseBody,
        "description": "The response; with `stream`, its events as server-sent events",
        "content": {"text/event-stream": {}},  # no schema: tools would apply it to each event
    }
}
STORED = "/v1/responses/{path:path}"


def response_routes(context: ApiContext) -> APIRouter:
    router = APIRouter(route_class=StrictRoute, tags=["completions"])

    @router.post("/v1/responses", summary="Answer items", responses=ANSWERS, response_model=None)
    async def answer_items(request: Request, body: ResponsesRequest) -> Response:
        for name in body.ignored():
            ignore(name)
        choices, info = await context.begin(request, body.model, [response_input(body, request)])
        encoder = ResponseEncoder(choices, info, body)
        return await send_answer(
            request, choices, encoder, stream=bool(body.stream), with_usage=True
        )

    @router.api_route(STORED, methods=["DELETE", "GET", "HEAD", "POST"], include_in_schema=False)
    def find_stored() -> Response:
        return refusal(
            404,
            "Responses are not stored here: keep their output, and send it in `input`.",
            code="not_found",
        )

    return router
