"""The Markdown of answers: CommonMark with tables, tasks, `~~`, formulas, and Chinese emphasis."""

from functools import cache
from urllib.parse import urlsplit

from markdown_it import MarkdownIt
from mdit_py_plugins.tasklists import tasklists_plugin

from formats.answers.cells import keep_tags_in_cells
from formats.answers.emphasis import keep_wide_emphasis
from formats.answers.renderer import AnswerRenderer
from formats.formulas.markdown import keep_formulas

SCHEMES = frozenset({"http", "https", "mailto"})


class _Markdown(MarkdownIt):
    """Accepts http, https and mailto links only."""

    def validateLink(self, url: str) -> bool:
        try:
            return urlsplit(url.strip()).scheme in SCHEMES
        except ValueError:
            return False


@cache
def parser() -> MarkdownIt:
    """The parser and its renderer. HTML in an answer is text."""
    markdown = _Markdown("commonmark", {"html": False}, renderer_cls=AnswerRenderer)
    markdown.enable(["table", "strikethrough"])
    keep_wide_emphasis(markdown)
    markdown.use(tasklists_plugin)
    keep_formulas(markdown)
    keep_tags_in_cells(markdown)
    return markdown
