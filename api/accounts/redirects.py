"""Where to go after signing in: a path of ours, whatever the address says."""

from urllib.parse import urlsplit


def safe_next(wanted: str, root_path: str) -> str:
    """`wanted` if it is a path below ours that a browser cannot take for another host's address.

    Browsers read a backslash as a slash, leave out tabs and line ends, and take two slashes at the
    beginning for a host.
    """
    home = f"{root_path}/"
    odd = any(sign in "\\" or not sign.isprintable() or sign.isspace() for sign in wanted)
    if odd or not wanted.startswith(home) or wanted.startswith("//"):
        return home
    parts = urlsplit(wanted)
    return wanted if not (parts.scheme or parts.netloc) else home
