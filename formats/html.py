"""The shown path of a conversation as one HTML file that loads nothing and runs nothing."""

from collections.abc import Sequence
from functools import cache
from html import escape
from pathlib import Path
from urllib.parse import urlsplit

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict

from chat.tree import Tree
from chat.types import Archive, Attachment, Message
from formats.words import Language, Wording, moment

STYLE = Path(__file__).with_name("export.css")
POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
SCHEMES = frozenset({"http", "https", "mailto"})
MAX_FORMULA = 4_000
"""Characters that are looked through for a formula's end, so that many beginnings cost little."""

FORMULAS = (("\\(", "\\)"), ("\\[", "\\]"), ("$$", "$$"))


def write_html(archive: Archive, language: Language) -> str:
    """The whole page. Raises NotFound when the head is not among the messages."""
    conversation, words = archive.conversation, language.words
    title = escape(conversation.title) or words.untitled
    path = Tree(archive.messages).path_to(conversation.head_id)
    parts = [
        "<!doctype html>",
        f'<html lang="{words.tag}"><head><meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">',
        '<meta name="referrer" content="no-referrer">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        '<meta name="color-scheme" content="light dark">',
        f"<title>{title}</title><style>{_style()}</style></head><body><main>",
        f'<h1 dir="auto">{title}</h1><p class="about">{words.notice}</p>',
    ]
    if conversation.options.system_prompt:
        parts.append(
            f"<details><summary>{words.system}</summary>"
            f'<pre dir="auto">{escape(conversation.options.system_prompt)}</pre></details>'
        )
    parts += [_message(message, words) for message in path]
    return "\n".join([*parts, "</main></body></html>\n"])


def _message(message: Message, words: Wording) -> str:
    about = " · ".join([words.speaker(message), moment(message.created_at)])
    about = " · ".join([about, *map(escape, words.remarks(message))])
    files = "".join(map(_file, message.attachments))
    # A question is shown as it was typed; only answers are meant as Markdown.
    body = (
        render(message.content, words)
        if message.role == "assistant"
        else f'<p class="typed">{escape(message.content)}</p>'
    )
    return (
        f'<article class="{message.role}"><p class="about">{about}</p>'
        f'<div dir="auto">{files}{body}</div></article>'
    )


def _file(item: Attachment) -> str:
    return (
        f"<details><summary>{escape(item.name)}</summary>"
        f"<pre><code>{escape(item.text)}</code></pre></details>"
    )


def render(text: str, words: Wording) -> str:
    """Markdown as HTML, with raw HTML as text, links to the web alone and no pictures."""
    return str(_markdown().render(text, {"picture": words.picture}))


@cache
def _style() -> str:
    return STYLE.read_text(encoding="utf-8")


class _Markdown(MarkdownIt):
    """Markdown whose links lead to the web or to a mailbox, and nowhere else."""

    def validateLink(self, url: str) -> bool:
        try:
            return urlsplit(url.strip()).scheme in SCHEMES
        except ValueError:
            return False


@cache
def _markdown() -> MarkdownIt:
    markdown = _Markdown("commonmark", {"html": False}, renderer_cls=_Renderer)
    markdown.enable(["table", "strikethrough"])
    markdown.inline.ruler.before("escape", "formula", _formula)
    return markdown


def _formula(state: StateInline, silent: bool) -> bool:
    """Keep TeX as it is written: to Markdown the backslash of \\( would be an escape."""
    for start, end in FORMULAS:
        if state.src.startswith(start, state.pos):
            last = min(state.posMax, state.pos + MAX_FORMULA)
            close = state.src.find(end, state.pos + len(start), last)
            if close < 0:
                return False
            if not silent:
                token = state.push("code_inline", "code", 0)
                token.content = state.src[state.pos : close + len(end)]
            state.pos = close + len(end)
            return True
    return False


class _Renderer(RendererHTML):
    """Links open without telling where from; a picture becomes a link to it."""

    def link_open(
        self, tokens: Sequence[Token], index: int, options: OptionsDict, env: EnvType
    ) -> str:
        tokens[index].attrSet("rel", "noopener noreferrer")
        return self.renderToken(tokens, index, options, env)

    def th_open(
        self, tokens: Sequence[Token], index: int, options: OptionsDict, env: EnvType
    ) -> str:
        """Aligned by an attribute: pages that allow no style of their own show it too."""
        token = tokens[index]
        if style := token.attrs.pop("style", None):
            token.attrSet("align", str(style).removeprefix("text-align:"))
        return self.renderToken(tokens, index, options, env)

    td_open = th_open

    def image(self, tokens: Sequence[Token], index: int, options: OptionsDict, env: EnvType) -> str:
        token = tokens[index]
        words = self.renderInlineAsText(token.children or [], options, env) or env["picture"]
        address = escape(str(token.attrGet("src") or ""))
        return f'<a href="{address}" rel="noopener noreferrer">[{escape(words)}]</a>'
