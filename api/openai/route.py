"""Route class of the routes for programs: strict JSON in, OpenAI's errors and headers out."""

import time
from collections.abc import Callable, Coroutine
from typing import Any

from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from api.edge.errors import openai_error_response, refusal
from api.openai.errors import invalid
from api.openai.ignored_fields import FieldReport, reading_fields
from api.openai.strict_json import BadJson, read_json
from chat.errors import AppError


class StrictRequest(Request):
    """A request whose body is read as `strict_json` reads it."""

    async def json(self) -> Any:
        try:
            return await read_json(await self.body())
        except BadJson as error:
            # FastAPI passes on HTTPException only, and replaces other errors by its own message.
            raise _Unreadable(400, str(error)) from None


class _Unreadable(HTTPException):
    """The body is not usable JSON."""


class StrictRoute(APIRoute):
    """A route with strict JSON parsing; its OpenAPI schema is that of an ordinary route."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def handle_strictly(request: Request) -> Response:
            began_at = time.monotonic()
            report = FieldReport(strict=request.app.state.api_strict)
            try:
                with reading_fields(report):
                    answer = await handle(StrictRequest(request.scope, request.receive))
            except RequestValidationError as error:
                answer = invalid(error)
            except _Unreadable as error:
                answer = refusal(400, error.detail, code="invalid_json")
            except AppError as error:
                answer = openai_error_response(error)
            if answer.status_code < 400:
                answer.headers.update(report.header)
            answer.headers["OpenAI-Processing-Ms"] = f"{1000 * (time.monotonic() - began_at):.0f}"
            return answer

        return handle_strictly
