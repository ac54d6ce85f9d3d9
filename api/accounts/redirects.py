"""Where to go after signing in: a path of ours, whatever the address says."""

from urllib.parse import urlsplit


def safe_next(path: str, root_path: str) -> str:
    """`wanted` if it is a path below ours that a browser cannot take for another host's address.

    Browsers read a backslash as a slash, leave out tabs and line ends, and take two slashes at the
    beginning for a host.
    """
    home = f"{root_path}/"
    odd = any(sign in "\\" or not sign.isprintable() or sign.isspace() for sign in path)
    if odd or not path.startswith(home) or path.startswith("//"):
        return home
    parts = urlsplit(path)
    return path if not (parts.scheme or parts.netloc) else home
