"""Puts a script before all of Gradio's in the page that Gradio serves.

`gr.mount_gradio_app(head=…)` is not early enough: Gradio's own scripts add it, after they have kept
what they use of the browser.
"""

from collections.abc import Callable

from gradio import routes
from jinja2 import BaseLoader, Environment
from markupsafe import Markup

from ui.html import html

PAGE = "frontend/index.html"
HEAD = "<head>"


class _Loader(BaseLoader):
    """Gradio's templates; the page's with the script."""

    def __init__(self, others: BaseLoader, script: str) -> None:
        self.others = others
        self._script = html("page.script", script=Markup(script))  # noqa: S704 - a file of ours

    def get_source(
        self, environment: Environment, template: str
    ) -> tuple[str, str | None, Callable[[], bool] | None]:
        source, path, is_current = self.others.get_source(environment, template)
        if template == PAGE:
            before, head, after = source.partition(HEAD)
            if not head:
                raise RuntimeError(f"Gradio's page has no {HEAD}: see ui/gradio_adapter")
            source = f"{before}{head}{{% raw %}}{self._script}{{% endraw %}}{after}"
        return source, path, is_current


def put_first(script: str) -> None:
    """Have every page of Gradio begin with the script."""
    environment: Environment = routes.templates.env
    loader = environment.loader
    assert loader
    others = loader.others if isinstance(loader, _Loader) else loader
    environment.loader = _Loader(others, script)
    assert environment.cache is not None
    environment.cache.clear()
