"""Files on their way out: their names and headers."""

from collections.abc import Mapping
from urllib.parse import quote


def download_headers(file_name: str) -> Mapping[str, str]:
    """Headers with which a browser keeps a file under this name, whatever it holds, and shows none.

    The name has to be one that is safe on any system; its letters may be of any script.
    """
    plain = "".join(sign if sign.isascii() else "_" for sign in file_name)
    every = quote(file_name, safe="")
    return {
        "Content-Disposition": f"attachment; filename=\"{plain}\"; filename*=UTF-8''{every}",
        "Content-Security-Policy": "sandbox",
        "Cache-Control": "no-store",
    }
