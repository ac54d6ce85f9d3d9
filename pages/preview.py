"""The documents in which previews of code run: HTML, SVG and diagrams that a model wrote.

The chat page opens one in a frame and posts the code to it. `POLICY` gives it an origin of its own
(`sandbox` without `allow-same-origin`): no cookie, no storage, no way into the page. It loads
nothing; where its scripts may navigate is bounded by `frame-src` of the chat page.
"""

from functools import cache
from importlib.resources import files
from pathlib import Path

from markupsafe import Markup

from pages.html import render_fragment

POLICY = "; ".join(
    (
        "sandbox allow-scripts",
        "default-src 'none'",
        "script-src 'unsafe-inline'",
        "style-src 'unsafe-inline'",
        "img-src data: blob:",
        "media-src data: blob:",
        "font-src data:",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'self'",
    )
)
SCRIPTS = Path(__file__).parent / "static"


@cache
def markup_preview() -> Markup:
    """The document that becomes the HTML or SVG that is posted to it."""
    return _document((SCRIPTS / "preview-markup.js").read_text(encoding="utf-8"))


@cache
def diagram_preview() -> Markup:
    """The document that draws the Mermaid diagram that is posted to it.

    Of the package only its copy of mermaid.js is used: it draws by a JavaScript engine of its own,
    and a browser knows the fonts of the user.
    """
    mermaid = (files("mermaidx") / "assets" / "mermaid.js").read_text(encoding="utf-8")
    return _document(mermaid, (SCRIPTS / "preview-diagram.js").read_text(encoding="utf-8"))


def _document(*scripts: str) -> Markup:
    # No script holds "</script": a test looks. They are inline because a document with an origin of
    # its own may not load files of the app's.
    safe = [Markup(script) for script in scripts]  # noqa: S704 - files of ours and of a library
    return render_fragment("preview.html", scripts=safe)
