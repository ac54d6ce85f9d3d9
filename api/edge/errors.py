"""Errors to answers: one table from error to status, one shape for every body.

The shape is the OpenAI API's, so that programs need no second parser. Knows no route.
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
from starlette.responses import JSONResponse

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
from chat.campaigns.errors import AnswersUnfinished, NoPart, PlanInUse
from chat.conversations.errors import AnswerRunning, PlacesNeeded, RenamedMeanwhile
from chat.errors import AppError, BadRequest, NotFound
from chat.evaluation.errors import RunInProgress
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
"""What the clients call a rate limit, whatever it counts; the message says which it is."""


def error_body(error: AppError) -> dict[str, Any]:
    """What goes out as `{"error": …}`, as an answer or in the middle of a stream."""
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


def told(error: AppError) -> JSONResponse:
    """The answer that tells of an error of the domain."""
    status = status_of(error)
    return JSONResponse({"error": error_body(error)}, status, retry_after(error, status))


def refusal(status: int, message: str, *, code: str, param: str | None = None) -> JSONResponse:
    """An answer that says what is wrong with the request."""
    content = {
        "message": message,
        "type": "invalid_request_error",
        "param": param,
        "code": code,
    }
    return JSONResponse({"error": content}, status)


def sentence(error: AppError) -> str:
    """What is told of an error: its own words, or those of its kind with the values it has."""
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
    NoPart: 403,
    PlacesNeeded: 403,
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
    EngineStalled: 504,
    RequestTimeout: 504,
}
RETRY_AFTER_S = "5"


def status_of(error: AppError) -> int:
    """The HTTP status of an error: that of its nearest kind in the table."""
    return next(STATUS[kind] for kind in type(error).__mro__ if kind in STATUS)


def retry_after(error: AppError, status: int) -> dict[str, str]:
    """The header that says when it is worth trying again, if that is known or soon."""
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
    """An answer that says what went wrong. `code` is stable, `message` is for people.

    `limit` is told only where there is one: what the field `param` of a form may hold.
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


def answer_to(error: AppError) -> JSONResponse:
    """The answer that tells of an error of the domain, and which field of a form it is about."""
    status = status_of(error)
    headers = retry_after(error, status)
    field, part = error.values.get("field"), error.values.get("part")
    param = limit = None
    if isinstance(field, str):
        param = f"{field}.{part}" if part else field
        told = error.values.get("limit")
        limit = told if isinstance(told, int) else None
    message, code = str(error), error.code
    return error_response(status, message, code=code, param=param, limit=limit, headers=headers)


def add_error_handlers(app: FastAPI) -> None:
    """Let every route of `app` answer errors in the one shape."""
    app.add_exception_handler(AppError, _app_error)
    app.add_exception_handler(HTTPException, _http_error)
    cover_faults(app)


def cover_faults(app: FastAPI) -> None:
    """Replace the two answers in which FastAPI shows too much or fails itself.

    For a mounted app whose own errors keep their shape, because its own client reads them.
    """
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(Exception, _fault)


async def _app_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, AppError)
    return answer_to(error)


async def _http_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    return error_response(error.status_code, str(error.detail), headers=error.headers)


async def _invalid(request: Request, error: Exception) -> JSONResponse:
    # FastAPI's own answer repeats the input, and fails on what JSON or UTF-8 cannot hold.
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"])[:100]
    where = where.encode("ascii", "replace").decode("ascii")
    return error_response(422, f"{where}: {first['msg']}", code="invalid_request", param=where)


async def _fault(request: Request, error: Exception) -> JSONResponse:
    # Answered outside the edge, so what the edge adds to every answer is added here.
    number = request_id(request.scope)
    log.error("request %s failed: %s %s", number, request.method, type(error).__name__)
    return error_response(
        500,
        f"Something went wrong here. The server's log has it under request {number}.",
        code=AppError.code,
        headers={**security_headers(), "X-Request-ID": number},
    )
