"""The last wall: of the HTML of an answer only elements and attributes of a list remain.

The parser makes no other ones. Should it ever, or a library it is made of, nh3 takes them out.
"""

import nh3
from markupsafe import Markup

from formats.formulas.mathml_tree import ATTRIBUTES as MATHML_ATTRIBUTES
from formats.formulas.mathml_tree import CHILDREN as MATHML_ELEMENTS

TEXT = {"p", "br", "hr", "h1", "h2", "h3", "h4", "h5", "h6", "blockquote", "ul", "ol", "li"}
WORDS = {"em", "strong", "s", "sub", "sup", "a", "code", "pre", "span", "div"}
TABLES = {"table", "thead", "tbody", "tr", "th", "td"}
CONTROLS = {"button", "input"}
ELEMENTS = TEXT | WORDS | TABLES | CONTROLS | set(MATHML_ELEMENTS)

ATTRIBUTES = {
    "a": {"href", "title", "rel"},
    "ol": {"start"},
    "th": {"align"},
    "td": {"align"},
    "div": {"class", "dir", "data-language"},
    "span": {"class"},
    "code": {"class"},
    "ul": {"class"},
    "li": {"class"},
    "input": {"class", "type", "checked", "disabled"},
    "button": {"class", "type", "aria-label"},
    **{name: {"class", "mathvariant", *MATHML_ATTRIBUTES} for name in MATHML_ELEMENTS},
}


def sanitised(html: str) -> Markup:
    """The HTML with the listed elements only, and with links to the web and to mail only."""
    cleaned = nh3.clean(
        html.encode(errors="replace").decode(),  # nh3 refuses half of a surrogate pair
        tags=ELEMENTS,
        attributes=ATTRIBUTES,
        url_schemes={"http", "https", "mailto"},
        link_rel=None,
    )
    return Markup(cleaned)  # noqa: S704 - that is what it is for
