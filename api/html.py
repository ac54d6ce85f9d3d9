"""Pages made by the server as answers: in whose language, and how strictly they are shown."""

from functools import partial

from starlette.requests import Request
from starlette.responses import HTMLResponse

from formats.html import render
from formats.words import ExportLanguage
from i18n import choose_language
from pages.campaigns.compare import Draw
from pages.html import ReaderContext


def draw_for(reader: ReaderContext) -> Draw:
    """Makes Markdown into HTML that is safe, with the words of the reader's language."""
    return partial(render, words=ExportLanguage(reader.language.value).words, set_formulas=True)


LANGUAGE_COOKIE = "qwen_chat_language"

POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "manifest-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)
"""Stricter than the chat page's: nothing that somebody put into these pages would run."""


def reader_of(request: Request, root_path: str) -> ReaderContext:
    """Who reads: in the language that was chosen before, else the browser's."""
    spoken = request.headers.get("accept-language", "")
    return ReaderContext(choose_language(request.cookies.get(LANGUAGE_COOKIE), spoken), root_path)


def page_answer(html: str, status: int = 200) -> HTMLResponse:
    headers = {"Content-Security-Policy": POLICY, "Cache-Control": "no-store"}
    return HTMLResponse(html, status, headers)
