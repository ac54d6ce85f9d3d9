"""The sentence for a refused import, from the error that the server sent to the browser. Pure."""

import re

from chat.conversations.errors import BadImport
from i18n import Language
from ui.i18n import refusal, text

TOO_LARGE_FOR_PROXY = "too_large_for_proxy"
"""The page's own code for a 413 that is not the server's: `ui/scripts/core.js`."""

BROKEN = frozenset(
    {TOO_LARGE_FOR_PROXY, BadImport.code, *(kind.code for kind in BadImport.__subclasses__())}
)
"""The codes for which `broken_file` has a sentence."""

LINE = re.compile(r"\Aline (\d+)")


def broken_file(code: str, reason: str, language: Language) -> str:
    """The sentence for a file of that `code`. `reason` is "where: why", or why alone."""
    if code == TOO_LARGE_FOR_PROXY:
        return text(language, "import-too-large-for-proxy")
    reason = LINE.sub(lambda line: text(language, "line", number=line[1]), reason)
    where, _, _ = reason.rpartition(": ")
    return refusal(language, code, {"why": reason, "where": where or text(language, "the-file")})
