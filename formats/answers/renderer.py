"""Writes the tokens of an answer as HTML."""

from collections.abc import Sequence

from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict

from formats.answers.highlight import highlighted
from formats.drawing import html
from formats.formulas.mathml import mathml

LONGEST_LANGUAGE = 30
"""Most characters of a language's name above its code."""


class AnswerRenderer(RendererHTML):
    """Links send no referrer; an image becomes a link; formulas are MathML, code is highlighted.

    `env` holds "picture", the word for an image without one; "copy", the label of the button that
    copies code, without which there is no button; and "open" while the last block is being written.
    """

    def link_open(
        self, tokens: Sequence[Token], index: int, options: OptionsDict, env: EnvType
    ) -> str:
        if not tokens[index].attrGet("href"):  # "[words]()" would lead to the page itself
            return ""  # the end tag that is left over goes with the sanitiser
        tokens[index].attrSet("rel", "noopener noreferrer")
        return self.renderToken(tokens, index, options, env)

    def formula(
        self, tokens: Sequence[Token], index: int, options: OptionsDict, env: EnvType
    ) -> str:
        token = tokens[index]
        is_block = token.markup not in ("\\(", "$")
        drawn = mathml(token.content, block=is_block)
        source = str(token.meta["source"])
        # A str, not Markup: adding the renderer's str to Markup would escape it again.
        return str(html("answer.formula", drawn=drawn, source=source, block=token.block))

    def fence(self, tokens: Sequence[Token], index: int, options: OptionsDict, env: EnvType) -> str:
        token = tokens[index]
        name = token.info.split()[0][:LONGEST_LANGUAGE] if token.info.strip() else ""
        # Code that grows is highlighted once it has ended: again at every step would cost much.
        is_open = bool(env.get("open")) and index == len(tokens) - 1
        code = highlighted(token.content, "" if is_open else name)
        return str(html("answer.code", code=code, language=name or "text", copy=env.get("copy")))

    def code_block(
        self, tokens: Sequence[Token], index: int, options: OptionsDict, env: EnvType
    ) -> str:
        """Indented code."""
        return self.fence(tokens, index, options, env)

    def th_open(
        self, tokens: Sequence[Token], index: int, options: OptionsDict, env: EnvType
    ) -> str:
        """Aligns cells by an attribute, because pages may forbid inline styles."""
        token = tokens[index]
        if style := token.attrs.pop("style", None):
            token.attrSet("align", str(style).removeprefix("text-align:"))
        return self.renderToken(tokens, index, options, env)

    td_open = th_open

    def table_open(
        self, tokens: Sequence[Token], index: int, options: OptionsDict, env: EnvType
    ) -> str:
        """A wide table scrolls by itself, in a box around it."""
        return str(html("answer.table_start")) + self.renderToken(tokens, index, options, env)

    def table_close(
        self, tokens: Sequence[Token], index: int, options: OptionsDict, env: EnvType
    ) -> str:
        return self.renderToken(tokens, index, options, env) + str(html("answer.table_end"))

    def image(self, tokens: Sequence[Token], index: int, options: OptionsDict, env: EnvType) -> str:
        token = tokens[index]
        words = self.renderInlineAsText(token.children or [], options, env) or env["picture"]
        address = str(token.attrGet("src") or "")
        return str(html("answer.picture", address=address, words=words))
