"""The page's script and style, each written in several files and joined here in a fixed order."""

from pathlib import Path

HERE = Path(__file__).parent

SCRIPTS = ("core", "transcript", "sidebar", "keyboard", "attach", "composer", "presets")
STYLES = ("base", "transcript", "sidebar", "composer")


def script() -> str:
    """What runs in the browser: one scope, `core` first."""
    return _joined("scripts", SCRIPTS, "js")


def style() -> str:
    """How the page looks; `base` first, because the others lean on its variables."""
    return _joined("styles", STYLES, "css")


def _joined(folder: str, names: tuple[str, ...], kind: str) -> str:
    return "\n".join(
        (HERE / folder / f"{name}.{kind}").read_text(encoding="utf-8") for name in names
    )
