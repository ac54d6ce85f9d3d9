"""Puts a script before all of Gradio's in the page that Gradio serves.

`gr.mount_gradio_app(head=…)` is not early enough: Gradio's own scripts add it, after they have kept
what they use of the browser.
"""

from gradio import routes
from markupsafe import Markup

from templating import changed_template
from ui.html import html

PAGE = "frontend/index.html"
AFTER = "head>"
"""The first place in Gradio's template where a script may stand."""


def put_first(script: str) -> None:
    """Have every page of Gradio begin with the script."""
    element = html("page.script", script=Markup(script))  # noqa: S704 - a file of ours

    def with_script(source: str) -> str:
        before, mark, after = source.partition(AFTER)
        if not mark:
            raise RuntimeError(f"Gradio's page has no {AFTER}: see ui/gradio_adapter")
        return f"{before}{mark}{{% raw %}}{element}{{% endraw %}}{after}"

    changed_template(routes.templates.env, PAGE, with_script)
