"""The shown path of a conversation as one HTML file that loads nothing and runs nothing."""

from collections.abc import Sequence
from functools import cache
from html import escape
from pathlib import Path
from urllib.parse import urlsplit

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict

from chat.conversations.models import Archive, Attachment, Message
from chat.conversations.tree import Tree
from formats.formulas import keep_formulas
from formats.mathml import mathml
from formats.words import ExportLanguage, Wording, moment

STYLE = Path(__file__).with_name("export.css")
POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
SCHEMES = frozenset({"http", "https", "mailto"})


def write_html(archive: Archive, language: ExportLanguage) -> str:
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


def render(text: str, words: Wording, *, set_formulas: bool = False) -> str:
    """Markdown as HTML, with raw HTML as text, links to the web alone and no pictures.

    Formulas stay as they are written, or are set as MathML, where that can be done.
    """
    env = {"picture": words.picture, "set_formulas": set_formulas}
    return str(_markdown().render(text, env))


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
    keep_formulas(markdown)
    return markdown


class _Renderer(RendererHTML):
    """Links open without telling where from; a picture becomes a link to it."""

    def link_open(
        self, tokens: Sequence[Token], index: int, options: OptionsDict, env: EnvType
    ) -> str:
        tokens[index].attrSet("rel", "noopener noreferrer")
        return self.renderToken(tokens, index, options, env)

    def formula(
        self, tokens: Sequence[Token], index: int, options: OptionsDict, env: EnvType
    ) -> str:
        token = tokens[index]
        is_block = token.markup != "\\("
        drawn = mathml(token.content, block=is_block) if env["set_formulas"] else None
        shown = drawn or f"<code>{escape(str(token.meta['source']), quote=False)}</code>"
        return f"<p>{shown}</p>\n" if token.block else shown

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
