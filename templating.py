"""HTML from template files: Jinja2 with autoescape, one environment for a folder of templates.

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


def environment(folder: Path, **names: Callable[..., object]) -> Environment:
    """The templates of `folder`, with `names` as functions. A missing value raises an error."""
    made = Environment(
        loader=FileSystemLoader(folder),
        extensions=[Compact],
        autoescape=True,
        undefined=StrictUndefined,
        auto_reload=False,
    )
    made.globals.update(names)
    return made


def markup_text(template: str, **values: object) -> Markup:
    """A text with placeholders as HTML; only values that are Markup keep their tags."""
    escaped = {name: escape(value) for name, value in values.items()}
    return Markup(filled(str(escape(template)), **escaped))  # noqa: S704 - all parts are escaped
