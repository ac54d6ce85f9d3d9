"""Pages rendered by the server as responses: their language and their security policy."""

from functools import partial

from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse

from formats.answers.rendering import render
from formats.words import ExportLanguage
from i18n import choose_language
from pages.campaigns.compare import MarkdownRenderer
from pages.html import PageLocale

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
"""Stricter than the policy of the chat page: no inline script runs, even if escaping failed."""


def locale_of(request: Request, root_path: str) -> PageLocale:
    """The language of the page: the one chosen before, else the browser's."""
    accepted = request.headers.get("accept-language", "")
    language = choose_language(request.cookies.get(LANGUAGE_COOKIE), accepted)
    return PageLocale(language, root_path, request.scope["path"].removeprefix(root_path))


def markdown_renderer(locale: PageLocale) -> MarkdownRenderer:
    """A renderer of Markdown as HTML without scripts, with texts in the language of the page."""
    return partial(render, picture=ExportLanguage(locale.language.value).words.picture)


def page_answer(html: Markup, status: int = 200) -> HTMLResponse:
    headers = {"Content-Security-Policy": POLICY, "Cache-Control": "no-store"}
    return HTMLResponse(html, status, headers)
