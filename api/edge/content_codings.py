"""Request bodies as they were before they were compressed."""

import asyncio
import zlib

from starlette.datastructures import Headers
from starlette.responses import Response

from api.edge.errors import error_response

GZIP = frozenset({"gzip", "x-gzip"})
GZIP_FORMAT = 16 + zlib.MAX_WBITS  # zlib's number for gzip with its header and check sum
SMALL_BODY = 64 * 1024
"""Compressed bodies up to this size are inflated on the event loop."""


class NotGzip(Exception):
    """The body is not one whole gzip file."""


def coding_of(headers: Headers) -> str:
    """The content codings of the body, separated by commas; empty if it is sent as it is."""
    sent = ",".join(headers.getlist("content-encoding")).lower().split(",")
    return ",".join(coding.strip() for coding in sent if coding.strip() not in ("", "identity"))


def unknown_coding() -> Response:
    """The answer to a body in another coding."""
    return error_response(
        415,
        "Send the body uncompressed, or with Content-Encoding: gzip.",
        headers={"Accept-Encoding": "gzip"},
    )


def inflated_size(body: bytes) -> int:
    """The bytes that the body has once it is inflated, by its own account at its end."""
    return int.from_bytes(body[-4:], "little")


async def inflated(body: bytes) -> bytes:
    """The body before gzip, of `inflated_size`, in a thread if it is large. Raises NotGzip."""
    if len(body) <= SMALL_BODY:
        return _inflate(body)
    return await asyncio.to_thread(_inflate, body)


def _inflate(body: bytes) -> bytes:
    size = inflated_size(body)
    stream = zlib.decompressobj(GZIP_FORMAT)
    try:
        content = stream.decompress(body, size + 1)
    except zlib.error:
        raise NotGzip from None
    # One file only: thousands of empty ones in a row would take quadratic time.
    if len(content) != size or not stream.eof or stream.unused_data:
        raise NotGzip
    return content
