"""A link to send: its QR code, and a warning where nobody else can open it."""

from dataclasses import dataclass

import segno
from markupsafe import Markup

from pages.html import PageLocale, render_macro

QUIET_ZONE = 4
"""Light modules around the code, as ISO/IEC 18004 asks for."""


@dataclass(frozen=True, slots=True)
class SharedView:
    """A link with its QR code."""

    address: str
    is_local: bool
    code: Markup


def shared_view(address: str, *, is_local: bool) -> SharedView:
    """The values of `sharing.html`."""
    return SharedView(address, is_local, qr_code(address))


def shared_html(locale: PageLocale, address: str, *, is_local: bool) -> Markup:
    """What stands under a new link: a part of a page that a script puts there."""
    view = shared_view(address, is_local=is_local)
    return render_macro("sharing.html", "shared", locale, view)


def qr_code(text: str) -> Markup:
    """The QR code of a text as inline SVG: dark on white in every theme, or cameras miss it."""
    code = segno.make(text, error="m", micro=False)
    svg = code.svg_inline(
        border=QUIET_ZONE, dark="#000", light="#fff", omitsize=True, svgclass="qr", lineclass=None
    )
    return Markup(svg)  # noqa: S704 - numbers only: the text is in the squares
