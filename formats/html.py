"""Export of the displayed path as one HTML file without external resources and scripts."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict
from markupsafe import Markup

from chat.conversations.models import Archive, Message
from chat.conversations.tree import Tree
from formats.drawing import html
from formats.formulas.markdown import keep_formulas
from formats.formulas.mathml import mathml
from formats.words import ExportLanguage, Wording, moment

STYLE = Path(__file__).with_name("export.css")
POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
SCHEMES = frozenset({"http", "https", "mailto"})


def write_html(archive: Archive, language: ExportLanguage) -> str:
    """The whole page. Raises NotFound when the head is not among the messages."""
    conversation, words = archive.conversation, language.words
    path = Tree(archive.messages).path_to(conversation.head_id)
    return str(
        html(
            "export.page",
            title=conversation.title or words.untitled,
            conversation=conversation,
            messages=[
                (message, _about(message, words), _answer(message, words)) for message in path
            ],
            policy=POLICY,
            style=_style(),
            words=words,
        )
    )


def _about(message: Message, words: Wording) -> str:
    parts = [words.speaker(message), moment(message.created_at), *words.remarks(message)]
    return " · ".join(parts)


def _answer(message: Message, words: Wording) -> Markup | None:
    """The Markdown of an answer as HTML; None for a question."""
    return render(message.content, words) if message.role == "assistant" else None


def render(text: str, words: Wording, *, set_formulas: bool = False) -> Markup:
    """Markdown as HTML: raw HTML is escaped, links lead to the web only, images become links.

    With `set_formulas` formulas become MathML where possible; otherwise they stay as source.
    """
    env = {"picture": words.picture, "set_formulas": set_formulas}
    rendered = _markdown().render(text, env)
    return Markup(rendered)  # noqa: S704 - raw HTML is off, and the renderer escapes text


@cache
def _style() -> str:
    return STYLE.read_text(encoding="utf-8")


class _Markdown(MarkdownIt):
    """A Markdown parser that accepts http, https and mailto links only."""

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
    """Links send no referrer; an image becomes a link."""

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
        source = str(token.meta["source"])
        # A str, not Markup: adding the renderer's str to Markup would escape it again.
        return str(html("export.formula", drawn=drawn, source=source, block=token.block))

    def th_open(
        self, tokens: Sequence[Token], index: int, options: OptionsDict, env: EnvType
    ) -> str:
        """Aligns cells by an attribute, because pages may forbid inline styles."""
        token = tokens[index]
        if style := token.attrs.pop("style", None):
            token.attrSet("align", str(style).removeprefix("text-align:"))
        return self.renderToken(tokens, index, options, env)

    td_open = th_open

    def image(self, tokens: Sequence[Token], index: int, options: OptionsDict, env: EnvType) -> str:
        token = tokens[index]
        words = self.renderInlineAsText(token.children or [], options, env) or env["picture"]
        address = str(token.attrGet("src") or "")
        return str(html("export.picture", address=address, words=words))
