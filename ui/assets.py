"""The page's script and style, each written in several files and joined here in a fixed order."""

from pathlib import Path

HERE = Path(__file__).parent

SCRIPTS = (
    "core",
    "transcript",
    "sidebar",
    "keyboard",
    "attach",
    "composer",
    "presets",
    "rating",
    "campaign",
    "account",
)
STYLES = ("base", "transcript", "rating", "sidebar", "composer", "campaign", "dashboard")

HEAD = """
<link rel="icon" href="icons/icon.svg" type="image/svg+xml">
<link rel="apple-touch-icon" href="icons/apple-touch-icon.png">
<meta name="apple-mobile-web-app-title" content="Qwen Chat">
<meta name="theme-color" content="#faf9f7">
"""
"""What an installed page shows outside of itself; the script keeps the colour to the theme's."""


def script() -> str:
    """What runs in the browser: one scope, `core` first."""
    return _joined("scripts", SCRIPTS, "js")


def style() -> str:
    """How the page looks; `base` first, because the others lean on its variables."""
    return _joined("styles", STYLES, "css")


def dashboard(what: str) -> str:
    """What runs in the browser before the dashboard asks for figures."""
    return (HERE / "scripts" / f"dashboard-{what}.js").read_text(encoding="utf-8")


def _joined(folder: str, names: tuple[str, ...], kind: str) -> str:
    return "\n".join(
        (HERE / folder / f"{name}.{kind}").read_text(encoding="utf-8") for name in names
    )
