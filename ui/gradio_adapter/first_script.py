"""Puts a script before all of Gradio's in the page that Gradio serves, and an outline of the page.

`gr.mount_gradio_app(head=…)` is not early enough: Gradio's own scripts add it, after they have kept
what they use of the browser. The outline stands in the page until the scripts have drawn it.
"""

import re

from gradio import routes
from markupsafe import Markup

from templating import changed_template
from ui.html import html

PAGE = "frontend/index.html"
AFTER = "head>"
"""The first place in Gradio's template where a script may stand."""


BODY = re.compile(r"\Wbody\b[^<>{}]*>")
"""The tag after which the outline stands; not a rule of a style sheet."""


def put_first(script: str, outline: Markup) -> None:
    """Have every page of Gradio begin with the script, and its body with the outline."""
    element = html("page.script", script=Markup(script))  # noqa: S704 - a file of ours

    def with_script(source: str) -> str:
        before, mark, after = source.partition(AFTER)
        if not mark:
            raise RuntimeError(f"Gradio's page has no {AFTER}: see ui/gradio_adapter")
        body = BODY.search(after)
        if not body:
            raise RuntimeError("Gradio's page has no body: see ui/gradio_adapter")
        head, rest = after[: body.end()], after[body.end() :]
        return f"{before}{mark}{_raw(element)}{head}{_raw(outline)}{rest}"

    changed_template(routes.templates.env, PAGE, with_script)


def _raw(markup: Markup) -> str:
    """The markup as a part of a template that Jinja leaves as it is."""
    return f"{{% raw %}}{markup}{{% endraw %}}"
