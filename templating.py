"""HTML from template files: Jinja2 with autoescape.

Every value is escaped unless it is `markupsafe.Markup`, the type of finished HTML.
"""

import re
from collections.abc import Callable
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from jinja2.ext import Extension
from markupsafe import Markup, escape

from i18n import filled

BETWEEN_TAGS = re.compile(r"(?<=[>}])[ \t]*\n\s*(?=[<{])")


class Compact(Extension):
    """Removes line breaks between tags: they lay out the template, not the page.

    A browser would show them as spaces between buttons that stand in one line.
    """

    def preprocess(self, source: str, name: str | None, filename: str | None = None) -> str:
        return BETWEEN_TAGS.sub("", source).strip()


class Templates:
    """The macros in the HTML files of a folder. `names` are functions that the files may call."""

    def __init__(self, folder: Path, **names: Callable[..., object]) -> None:
        self._environment = Environment(
            loader=FileSystemLoader(folder),
            extensions=[Compact],
            autoescape=True,
            undefined=StrictUndefined,  # a missing value is an error, not an empty place
            auto_reload=False,
        )
        self._environment.globals.update(names)

    def __call__(self, macro: str, /, **values: object) -> Markup:
        """The HTML of a macro, named as in "chrome.header": `header` in `chrome.html`."""
        file, _, name = macro.partition(".")
        template = self._environment.get_template(f"{file}.html")
        made: Markup = getattr(template.module, name)(**values)
        return made


def markup_text(template: str, **values: object) -> Markup:
    """A text with placeholders as HTML; only values that are Markup keep their tags."""
    escaped = {name: escape(value) for name, value in values.items()}
    return Markup(filled(str(escape(template)), **escaped))  # noqa: S704 - all parts are escaped
