"""Paths within a JSON schema, and references to them. Never leaves the document."""

from typing import Any
from urllib.parse import unquote

Path = tuple[str | int, ...]


def pointer(where: str, path: Path) -> str:
    """The path as text: a name, then a JSON pointer."""
    steps = (str(step).replace("~", "~0").replace("/", "~1") for step in path)
    return "/".join((f"{where}#", *steps))


def follow(root: Any, reference: str | Path) -> tuple[Path, Any]:
    """Resolve a reference to its path and value. Raises LookupError."""
    path: Path = ()
    node = root
    key: Any
    for step in _steps(reference) if isinstance(reference, str) else reference:
        key = int(step) if isinstance(node, list) and str(step).isdecimal() else step
        if not isinstance(node, dict if isinstance(key, str) else list):
            raise LookupError(step)
        node = node[key]
        path = (*path, key)
    return path, node


def _steps(reference: str) -> list[str]:
    document, _, fragment = unquote(reference).partition("#")
    if document or (fragment and not fragment.startswith("/")):
        raise LookupError(reference)
    return [step.replace("~1", "/").replace("~0", "~") for step in fragment.split("/")[1:]]
