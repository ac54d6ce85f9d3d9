"""Converts errors to responses: a table from error to status, and one format of bodies.

The format is the OpenAI API's, so that programs need one parser. Knows no route.
"""

import logging
import math
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from api.edge.error_pages import as_page, is_navigation
from api.edge.headers import request_id, security_headers
from chat.accounts.errors import (
    BadKey,
    KeyNotAllowed,
    LastAdmin,
    LinkFull,
    NameTaken,
    ProviderRefused,
    QuotaExceeded,
    SignInNeeded,
    TooManyAttempts,
    WrongPassword,
)
from chat.campaigns.errors import AnswersUnfinished, NoPart, PlanInUse, VoteFrozen, VoteNeeded
from chat.conversations.errors import AnswerRunning, PlacesNeeded, RenamedMeanwhile, SharingOff
from chat.errors import AppError, BadRequest, NotFound, StoreFailed
from chat.evaluation.errors import RunInProgress
from chat.feedback.errors import NothingToExport
from chat.serving.errors import (
    Busy,
    EngineNotReady,
    EngineStalled,
    ModelNotFound,
    QueueTimeout,
    RequestTimeout,
    ShuttingDown,
    TooManyWaiting,
)

RATE_LIMIT_KINDS = (QuotaExceeded, TooManyWaiting, TooManyAttempts)
"""Errors that OpenAI's clients expect as "rate_limit_error"; the message names the limit."""


def error_body(error: AppError) -> dict[str, Any]:
    """The value of `{"error": …}`, in a response or an event of a stream."""
    status = status_of(error)
    code, kind = error.code, "server_error" if status >= 500 else "invalid_request_error"
    if isinstance(error, RATE_LIMIT_KINDS):
        code, kind = "rate_limit_exceeded", "rate_limit_error"
    name = error.values.get("name")
    return {
        "message": sentence(error),
        "type": kind,
        "param": name if isinstance(name, str) else None,
        "code": code,
    }


def openai_error_response(error: AppError) -> JSONResponse:
    """The response for a domain error on the routes for programs."""
    status = status_of(error)
    return JSONResponse({"error": error_body(error)}, status, retry_after(error, status))


def refusal(status: int, message: str, *, code: str, param: str | None = None) -> JSONResponse:
    """A response that says what is wrong with a program's request."""
    content = {
        "message": message,
        "type": "invalid_request_error",
        "param": param,
        "code": code,
    }
    return JSONResponse({"error": content}, status)


def sentence(error: AppError) -> str:
    """The error's own message, or its class's message with the error's values."""
    words = str(error)
    if words != error.of_its_kind():
        return words
    values = ", ".join(f"{name}: {value}" for name, value in error.values.items() if value)
    return f"{words.removesuffix('.')} ({values})." if values else words


log = logging.getLogger(__name__)

STATUS: Mapping[type[AppError], int] = {
    AppError: 500,
    BadRequest: 400,
    BadKey: 401,
    KeyNotAllowed: 403,
    ModelNotFound: 404,
    AnswerRunning: 409,
    RunInProgress: 409,
    PlanInUse: 409,
    AnswersUnfinished: 409,
    VoteNeeded: 409,
    VoteFrozen: 409,
    NothingToExport: 409,
    NoPart: 403,
    PlacesNeeded: 403,
    SharingOff: 403,
    RenamedMeanwhile: 409,
    NameTaken: 409,
    LastAdmin: 409,
    LinkFull: 403,
    SignInNeeded: 401,
    WrongPassword: 401,
    ProviderRefused: 401,
    NotFound: 404,
    TooManyAttempts: 429,
    QuotaExceeded: 429,
    TooManyWaiting: 429,
    Busy: 503,
    ShuttingDown: 503,
    QueueTimeout: 503,
    EngineNotReady: 503,
    StoreFailed: 503,
    EngineStalled: 504,
    RequestTimeout: 504,
}
RETRY_AFTER_S = "5"


def status_of(error: AppError) -> int:
    """The HTTP status of an error: that of its nearest base class in the table."""
    return next(STATUS[kind] for kind in type(error).__mro__ if kind in STATUS)


def retry_after(error: AppError, status: int) -> dict[str, str]:
    """The Retry-After header: the error's own time, or RETRY_AFTER_S for a temporary error."""
    seconds = error.values.get("retry_after_s")
    if isinstance(seconds, int | float):
        return {"Retry-After": str(max(1, math.ceil(seconds)))}
    passing = status == 503 or isinstance(error, TooManyWaiting)
    return {"Retry-After": RETRY_AFTER_S} if passing else {}


def error_response(
    status: int,
    message: str,
    *,
    code: str | None = None,
    param: str | None = None,
    limit: int | None = None,
    headers: Mapping[str, str] | None = None,
) -> JSONResponse:
    """A response with an error. `code` is stable, `message` is for people.

    `limit` is the largest length or value of the form field `param`, if there is one.
    """
    content: dict[str, object] = {
        "message": message,
        "type": "server_error" if status >= 500 else "invalid_request_error",
        "param": param,
        "code": code or HTTPStatus(status).name.lower(),
    }
    if limit is not None:
        content["limit"] = limit
    return JSONResponse({"error": content}, status, headers)


def app_error_response(error: AppError) -> JSONResponse:
    """The response for a domain error on our pages' routes, with the form field it concerns."""
    status = status_of(error)
    headers = retry_after(error, status)
    field, part = error.values.get("field"), error.values.get("part")
    param = limit = None
    if isinstance(field, str):
        param = f"{field}.{part}" if part else field
        bound = error.values.get("limit")
        limit = bound if isinstance(bound, int) else None
    message, code = str(error), error.code
    return error_response(status, message, code=code, param=param, limit=limit, headers=headers)


def add_error_handlers(app: FastAPI) -> None:
    """Make every route of `app` answer errors in this format."""
    app.add_exception_handler(AppError, _app_error)
    app.add_exception_handler(HTTPException, _http_error)
    cover_faults(app)


def cover_faults(app: FastAPI) -> None:
    """Replace FastAPI's responses to invalid input and to unexpected errors.

    For a mounted app (Gradio), whose other errors keep the format that its client expects.
    """
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(Exception, _fault)


async def _app_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, AppError)
    return app_error_response(error)


async def _http_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    return error_response(error.status_code, str(error.detail), headers=error.headers)


async def _invalid(request: Request, error: Exception) -> JSONResponse:
    # FastAPI's own response repeats the input, and fails if JSON or UTF-8 cannot encode it.
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"])[:100]
    where = where.encode("ascii", "replace").decode("ascii")
    return error_response(422, f"{where}: {first['msg']}", code="invalid_request", param=where)


async def _fault(request: Request, error: Exception) -> Response:
    # Starlette calls this outside of our middleware: headers and the page are added here.
    number = request_id(request.scope)
    log.error("request %s failed: %s %s", number, request.method, type(error).__name__)
    response = error_response(
        500,
        f"Something went wrong here. The server's log has it under request {number}.",
        code=AppError.code,
        headers={**security_headers(), "X-Request-ID": number},
    )
    return as_page(request.scope, response) if is_navigation(request.scope) else response
