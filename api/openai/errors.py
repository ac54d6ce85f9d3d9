"""Validation errors in OpenAI's format, with the parameter that is wrong.

Messages never repeat values of the request, only names of fields.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from fastapi.exceptions import RequestValidationError
from starlette.responses import JSONResponse

from api.edge.errors import refusal
from api.openai.ignored_fields import HINTS

_NAMED = re.compile("`([a-z_]+)`")
"""Our messages about two parameters begin with the name of the first."""

_ROLES = frozenset({"system", "developer", "user", "assistant", "tool"})


def invalid(error: RequestValidationError) -> JSONResponse:
    """The response to an invalid body: its first error."""
    first = error.errors()[0]
    where = _param(first["loc"][1:])
    reason = _reason(first)
    if not where and (named := _NAMED.match(reason)):
        return refusal(422, f"{reason}.", code="invalid_request", param=named[1])
    message = f"{where or 'body'}: {reason}."
    return refusal(422, message, code="invalid_request", param=where or None)


def _param(loc: Sequence[int | str]) -> str:
    """The location as an expression, such as messages[0].content."""
    where = ""
    for number, part in enumerate(loc):
        if isinstance(part, int):
            where += f"[{part}]"
        elif part != "[key]" and not _is_union_tag(part, loc[number - 1] if number else ""):
            where += f".{part}" if where else part
    return where[:100].encode("ascii", "replace").decode("ascii")


def _is_union_tag(part: str, before: int | str) -> bool:
    """Whether `part` is the tag of a union, which pydantic adds to locations."""
    if before in ("response_format", "format"):
        return part != "type"
    return part.startswith("<") or (isinstance(before, int) and part in _ROLES)


def _reason(error: Mapping[str, Any]) -> str:
    """The reason without the value: pydantic's own messages repeat unknown tags."""
    hint = next((HINTS[part] for part in reversed(error["loc"]) if part in HINTS), None)
    if error["type"] == "extra_forbidden":
        return hint or "there is no such parameter"
    if error["type"] == "union_tag_not_found":
        return f"{error['ctx']['discriminator']} is missing"
    if error["type"] == "union_tag_invalid":
        return f"{error['ctx']['discriminator']} must be one of {error['ctx']['expected_tags']}"
    reason = str(error["msg"]).removeprefix("Value error, ")
    return f"{reason} ({hint})" if hint else reason
