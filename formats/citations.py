"""The marks that ChatGPT writes between the words of an answer, for sources, places and links.

A mark is U+E200, its kind, fields after U+E202 each, and U+E201: private characters that no font
has. U+E203 to U+E206 stand around words that a source speaks about.
"""

import json
import re
from collections.abc import Mapping

MARK = re.compile("[ \t]*\ue200([^\ue200\ue201]*)\ue201")
LONE = re.compile("[\ue200-\ue20f]")
SEPARATOR = "\ue202"


def without_marks(text: str, replacements: Mapping[str, str]) -> tuple[str, int]:
    """The text as ChatGPT shows it, and how many marks had no words. The words stay.

    `replacements` has what stands in place of a mark, by the whole mark.
    """
    dropped = 0

    def words_of(match: re.Match[str]) -> str:
        nonlocal dropped
        mark = match[0].lstrip(" \t")
        space = match[0][: len(match[0]) - len(mark)]
        if words := replacements.get(mark) or _words(*match[1].split(SEPARATOR)):
            return space + words
        dropped += 1
        return space if text[match.end() : match.end() + 1].isalnum() else ""

    marked = MARK.sub(words_of, text)
    return LONE.sub("", marked), dropped


def _words(kind: str, *fields: str) -> str:
    """The words of a mark without an entry; empty for one that only names a source."""
    if not fields:
        return ""
    if kind == "entity":
        return _entity(fields[0])
    if kind in ("url", "link_title"):
        target = fields[-1] if len(fields) > 1 else ""
        is_link = target.startswith(("https://", "http://")) and not re.search(r"[\s()<>]", target)
        return f"[{fields[0]}]({target})" if is_link else fields[0]
    return ""


def _entity(field: str) -> str:
    """The name in ["kind", "name", …]; the field itself where it is no such list."""
    try:
        value = json.loads(field)
    except (ValueError, RecursionError):
        return field
    if isinstance(value, list) and len(value) > 1 and isinstance(value[1], str):
        return value[1]
    return field
