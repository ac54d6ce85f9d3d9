"""Draw the app's PNG icons from its SVG: python -m tests.pictures.icons"""

from pathlib import Path

from playwright.sync_api import Browser

from tests.browser.chromium import chromium

ICONS = Path(__file__).parents[2] / "api" / "icons"
SIZES = {"icon-32": 32, "icon-192": 192, "icon-512": 512}
FULL = {"maskable-512": 512, "apple-touch-icon": 180}
"""Maskable icons, which the system crops: without rounded corners, with a smaller symbol."""


def draw(browser: Browser, svg: str, size: int) -> bytes:
    page = browser.new_page(viewport={"width": size, "height": size})
    page.set_content(f"<style>body {{ margin: 0 }} svg {{ display: block }}</style>{svg}")
    picture = page.screenshot(omit_background=True)
    page.close()
    return picture


def main() -> None:
    svg = (ICONS / "icon.svg").read_text(encoding="utf-8")
    full = svg.replace(' rx="116"', "").replace(
        "<circle", '<g transform="translate(51 51) scale(.8)"><circle'
    )
    full = full.replace("</svg>", "</g></svg>")
    with chromium() as browser:
        for name, size in SIZES.items():
            (ICONS / f"{name}.png").write_bytes(draw(browser, svg, size))
        for name, size in FULL.items():
            (ICONS / f"{name}.png").write_bytes(draw(browser, full, size))


if __name__ == "__main__":
    main()
