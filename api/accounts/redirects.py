"""Validates the redirect target after signing in: only a path of this app."""

from urllib.parse import urlsplit


def safe_next(path: str, root_path: str) -> str:
    """`path` if it is below `root_path` and a browser cannot read it as a URL of another host.

    Browsers read a backslash as a slash, remove tabs and line ends, and read two leading slashes as
    the beginning of a host. Returns the home page for every other path.
    """
    home = f"{root_path}/"
    odd = any(sign in "\\" or not sign.isprintable() or sign.isspace() for sign in path)
    if odd or not path.startswith(home) or path.startswith("//"):
        return home
    parts = urlsplit(path)
    return path if not (parts.scheme or parts.netloc) else home
