"""Response headers of downloads."""

from collections.abc import Mapping
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
