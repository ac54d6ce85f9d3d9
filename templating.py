"""HTML from template files: Jinja2 with autoescape, for every package that makes HTML.

Every value is escaped unless it is `markupsafe.Markup`, the type of finished HTML. Knows no page
and no text itself.
"""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

from jinja2 import BaseLoader, Environment, FileSystemLoader, StrictUndefined
from jinja2.ext import Extension
from jinja2.lexer import Token, TokenStream
from markupsafe import Markup, escape

from i18n import filled

LINE_BREAK_AT_TAG = re.compile(r"(?:(?<=>)|\A)\s*\n\s*|\s*\n\s*(?=<|\Z)")
LINE_BREAK_IN_TEXT = re.compile(r"\s*\n\s*")


class JoinLines(Extension):
    """Removes a template's own line breaks and indentation, so that layout adds no text nodes.

    White space between inline elements is visible in a browser, so templates could not be indented
    otherwise. A line break beside a tag or beside a Jinja tag becomes nothing, another one a space.
    Values are never changed. Not to be combined with `trim_blocks`: that removes the line break
    alone, so that the indentation after it is no longer recognised as such.
    """

    def filter_stream(self, stream: TokenStream) -> Iterator[Token]:
        for token in stream:
            if token.type == "data":
                joined = LINE_BREAK_IN_TEXT.sub(" ", LINE_BREAK_AT_TAG.sub("", token.value))
                yield Token(token.lineno, token.type, joined)
            else:
                yield token


def environment(folder: Path) -> Environment:
    """The templates of a folder: values are escaped, unknown names raise UndefinedError.

    The caller keeps it: a compiled template lives in its environment.
    """
    templates = Environment(
        loader=FileSystemLoader(folder),
        autoescape=True,
        undefined=StrictUndefined,
        auto_reload=False,
        extensions=[JoinLines],
    )
    templates.policies["json.dumps_kwargs"] = {"ensure_ascii": False}
    return templates


class Templates:
    """The macros in the HTML files of a folder. `names` are functions that the files may call."""

    def __init__(self, folder: Path, **names: Callable[..., object]) -> None:
        self._environment = environment(folder)
        self._environment.globals.update(names)

    def __call__(self, macro: str, /, **values: object) -> Markup:
        """The HTML of a macro, named as in "chrome.header": `header` in `chrome.html`."""
        file, _, name = macro.partition(".")
        template = self._environment.get_template(f"{file}.html")
        markup: Markup = getattr(template.module, name)(**values)
        return markup


def markup_text(template: str, **values: object) -> Markup:
    """A text with placeholders as HTML; only values that are Markup keep their tags."""
    escaped = {name: escape(value) for name, value in values.items()}
    return Markup(filled(str(escape(template)), **escaped))  # noqa: S704 - all parts are escaped


class _ChangingLoader(BaseLoader):
    """The templates of another loader; the source of one of them is changed."""

    def __init__(self, others: BaseLoader, name: str, change: Callable[[str], str]) -> None:
        self.others = others
        self._name = name
        self._change = change

    def get_source(
        self, environment: Environment, template: str
    ) -> tuple[str, str | None, Callable[[], bool] | None]:
        source, path, is_current = self.others.get_source(environment, template)
        return self._change(source) if template == self._name else source, path, is_current


def changed_template(environment: Environment, name: str, change: Callable[[str], str]) -> None:
    """Change the source of one template of a library's environment; an earlier change is undone."""
    loader = environment.loader
    assert loader
    others = loader.others if isinstance(loader, _ChangingLoader) else loader
    environment.loader = _ChangingLoader(others, name, change)
    assert environment.cache is not None
    environment.cache.clear()
