"""Responses of downloads: their headers, and the refusal of files that would be empty."""

from collections.abc import AsyncIterator, Mapping
from urllib.parse import quote


def download_headers(file_name: str) -> Mapping[str, str]:
    """Headers that make a browser save the file under this name, and never display it.

    `file_name` must be safe on any system; it may contain letters of any script.
    """
    plain = "".join(sign if sign.isascii() else "_" for sign in file_name)
    every = quote(file_name, safe="")
    return {
        "Content-Disposition": f"attachment; filename=\"{plain}\"; filename*=UTF-8''{every}",
        "Content-Security-Policy": "sandbox",
        "Cache-Control": "no-store",
    }


async def begun(pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The pieces from the first one with a byte, so that an error before it is still a response.

    Raises what the pieces raise before their first byte.
    """
    first = b""
    async for piece in pieces:
        if piece:
            first = piece
            break

    async def rest() -> AsyncIterator[bytes]:
        yield first
        async for piece in pieces:
            yield piece

    return rest()
