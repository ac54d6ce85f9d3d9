"""The page's script and style, each written in several files and joined here in a fixed order."""

from pathlib import Path

from formats.answers.rendering import STYLE as ANSWER_STYLE

HERE = Path(__file__).parent

SCRIPTS = (
    "core",
    "transcript",
    "preview",
    "sidebar",
    "keyboard",
    "attach",
    "composer",
    "sending",
    "presets",
    "rating",
    "campaign",
    "account",
    "tick",
)
STYLES = ("base", "transcript", "rating", "sidebar", "composer", "campaign", "dashboard")


def script() -> str:
    """The page's script: one scope, `core` first."""
    return _joined("scripts", SCRIPTS, "js")


def script_before_gradio() -> str:
    """The script that runs before those of Gradio."""
    return (HERE / "scripts" / "before-gradio.js").read_text(encoding="utf-8")


def skeleton_style() -> str:
    """The style of the page's outline, which is drawn before Gradio's scripts have come."""
    return (HERE / "styles" / "skeleton.css").read_text(encoding="utf-8")


def style() -> str:
    """The page's style; `base` first, because the others use its variables."""
    answers = ANSWER_STYLE.read_text(encoding="utf-8")
    # Nested, so that its rules are stronger than Gradio's for the same elements.
    return _joined("styles", STYLES, "css") + f"\n#transcript .md {{\n{answers}}}\n"


def dashboard(what: str) -> str:
    """The dashboard's script, which runs before it requests figures."""
    return (HERE / "scripts" / f"dashboard-{what}.js").read_text(encoding="utf-8")


def _joined(folder: str, names: tuple[str, ...], kind: str) -> str:
    return "\n".join(
        (HERE / folder / f"{name}.{kind}").read_text(encoding="utf-8") for name in names
    )
