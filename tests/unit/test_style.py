"""The colours can be read in both themes (WCAG 2 AA), and nothing is fetched from outside."""

import re

import pytest

from ui import assets

STYLE = assets.style()

TEXT, SIGN = 4.5, 3.0
PAIRS = [
    *(
        (ink, ground, TEXT)
        for ink in ("ink", "ink-2", "ink-3")
        for ground in ("bg", "panel", "card")
    ),
    *((ink, "code-bg", TEXT) for ink in ("ink", "ink-2", "ink-3", "keyword", "string", "number")),
    ("ink", "user", TEXT),
    ("ink", "bad-soft", TEXT),
    ("bad", "bad-soft", TEXT),
    ("bad", "bg", TEXT),
    ("bad", "card", TEXT),
    ("bad", "panel", TEXT),
    ("warn-ink", "card", TEXT),
    ("accent", "bg", TEXT),
    ("accent", "card", TEXT),
    ("accent-ink", "accent", TEXT),
    ("ok", "bg", SIGN),
    ("ok", "panel", SIGN),
    ("warn", "bg", SIGN),
]


def colours(selector: str) -> dict[str, str]:
    block = STYLE[STYLE.index(f"\n{selector} {{") :]
    return dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", block[: block.index("}")]))


LIGHT = colours("html:root")
DARK = LIGHT | colours("body.dark")


def luminance(colour: str) -> float:
    channels = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.parametrize(("ink", "ground", "least"), PAIRS)
def test_colours_can_be_read(theme: dict[str, str], ink: str, ground: str, least: float) -> None:
    one, other = sorted((luminance(theme[ink]), luminance(theme[ground])))
    assert (other + 0.05) / (one + 0.05) >= least


@pytest.mark.parametrize("text", [STYLE, assets.script()], ids=["style", "script"])
def test_nothing_is_fetched_from_outside(text: str) -> None:
    assert not re.search(r"https?://|//cdn|@import|url\(", text)


def test_reduced_motion_switches_animations_off() -> None:
    assert "prefers-reduced-motion: reduce" in STYLE


@pytest.mark.parametrize("above", ["html", "body", ".gradio-container", "#transcript", ".message"])
def test_no_rule_asks_what_is_in_the_transcript(above: str) -> None:
    """Otherwise each update of an answer would restyle the whole transcript."""
    assert not re.search(rf"(?<![\w-]){re.escape(above)}(?:-row)?(?::not\()?:has\(", STYLE)
