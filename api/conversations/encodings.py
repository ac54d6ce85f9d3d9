"""The encoding of a file that the browser reads and cannot tell."""

import asyncio
from typing import Annotated

from fastapi import APIRouter
from pydantic import Base64Bytes, BaseModel, Field

from formats.encodings import MAX_SAMPLE, encoding_of

MAX_BASE64 = 4 * (MAX_SAMPLE // 3 + 1)


class Sample(BaseModel):
    """A part of the file, and the language of the page."""

    sample: Annotated[Base64Bytes, Field(max_length=MAX_BASE64)]
    language: str = Field(default="", max_length=10)


def encoding_routes() -> APIRouter:
    """POST /api/encoding."""
    router = APIRouter()

    @router.post("/api/encoding")
    async def find_encoding(body: Sample) -> dict[str, str]:
        found = await asyncio.to_thread(encoding_of, body.sample, body.language)
        return {"encoding": found}

    return router
