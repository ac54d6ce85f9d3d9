"""Writes the MathML tree of latex2mathml as safe HTML within MathML Core.

Browsers render only MathML Core, and the tree may contain URLs and styles from the input. So
elements and attributes are written from allow lists, text is escaped, and other presentation
becomes classes for the style sheet.
"""

import unicodedata
from html import escape, unescape
from itertools import pairwise
from xml.etree.ElementTree import Element

ANY = -1
CHILDREN = {
    **dict.fromkeys(("mi", "mn", "mo", "mtext", "mspace"), 0),
    **dict.fromkeys(("mfrac", "mroot", "msub", "msup", "munder", "mover"), 2),
    **dict.fromkeys(("msubsup", "munderover"), 3),
    **dict.fromkeys(("math", "mrow", "msqrt", "mtable", "mtr", "mtd"), ANY),
    **dict.fromkeys(("mstyle", "mpadded", "mphantom"), ANY),
}
"""The allowed elements with their number of children."""

ATTRIBUTES = frozenset(
    {"accent", "display", "displaystyle", "fence", "form", "height", "linethickness", "lspace"}
    | {"maxsize", "minsize", "movablelimits", "rspace", "scriptlevel", "separator", "stretchy"}
    | {"width"}
)
VALUE = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.+- ")
"""The characters of allowed attribute values."""

CLASSES = frozenset({"mathvariant", "columnalign", "notation"})
"""Attributes that browsers ignore; they become classes of name and value."""

WIDTHS = {
    "thinmathspace": "0.167em",
    "thickmathspace": "0.278em",
    "negativethinmathspace": "-0.167em",
    "negativemediummathspace": "-0.222em",
    "negativethickmathspace": "-0.278em",
}
GLYPHS = str.maketrans({"\u29f5": "\u2216", "\u29f8": "/"})
"""Replacements of characters that few fonts have."""

SIGNS = frozenset("+\u2212\u00b1\u2213")
CLOSING = frozenset(")]}|!")
BARS = frozenset("|\u2016")
PRIMES = frozenset("\u2032\u2033\u2034\u2057")
LIMITS = {"msub": "munder", "msup": "mover", "msubsup": "munderover"}
WITH_LIMITS = frozenset({"lim", "max", "min", "sup", "inf"})


class UnfitError(ValueError):
    """Part of the tree would not be rendered as intended."""


def written(element: Element) -> str:
    """An element with its descendants. Raises UnfitError."""
    tag = _tag(element)
    if CHILDREN.get(tag) not in (ANY, len(element)):
        raise UnfitError(tag)
    if tag in ("mrow", "mtd"):
        _space(element)
    words = "" if len(element) else _words(element)
    inside = escape(words) + "".join(map(written, element))
    return f"<{tag}{_attributes(element)}>{inside}</{tag}>"


def _tag(element: Element) -> str:
    """The name of the element that is written."""
    if element.get("notation") == "box":
        return "mrow"
    if element.tag == "mi":
        return _letter(element)
    if element.tag not in LIMITS or len(element) < 2:
        return element.tag
    base, above = element[0], element[1]
    if base.tag == "mo" and base.text in WITH_LIMITS:
        base.set("movablelimits", "true")
        return LIMITS[element.tag]
    if element.tag == "msup" and (sign := _typed(above)) and PRIMES.issuperset(sign):
        above.tag = "mo"  # the character itself is raised already
        above.attrib |= {"lspace": "0", "rspace": "0"}
        return "mrow"
    return element.tag


def _letter(element: Element) -> str:
    sign = _typed(element)
    if len(sign) != 1:
        return "mi"
    if "\u0391" <= sign <= "\u03a9":
        element.set("mathvariant", "normal")  # Greek capitals are upright
    return "mo" if unicodedata.category(sign) == "Sm" else "mi"


def _typed(element: Element) -> str:
    """The text of an element, with character references decoded."""
    return unescape(element.text or "").translate(GLYPHS)


def _words(element: Element) -> str:
    if element.get("linebreak"):
        raise UnfitError("a line's end outside of rows")
    raw = element.text or ""
    if element.tag != "mtext" and (raw == "&" or raw.startswith("\\")):
        raise UnfitError(raw)  # a stray column separator, or an unknown command
    return "".join(sign for sign in _typed(element) if sign.isprintable() or sign == "\u00a0")


def _attributes(element: Element) -> str:
    values = {name: WIDTHS.get(value, value) for name, value in element.items()}
    attributes = {name: value for name, value in values.items() if name in ATTRIBUTES}
    if element.tag == "mpadded":  # sizes relative to the element itself are not rendered
        attributes = {name: value for name, value in attributes.items() if value in ("0", "0px")}
    if values.get("mathvariant") == "normal":
        attributes["mathvariant"] = "normal"
    named = [f"{name}-{value}" for name, value in values.items() if name in CLASSES]
    if values.get("columnspacing", "").startswith("0em"):
        named.append("aligned")
    if named:
        attributes["class"] = " ".join(named)
    return "".join(
        f' {name}="{value}"' for name, value in attributes.items() if VALUE.issuperset(value)
    )


# --- what stands side by side -------------------------------------------------------------------


def _space(row: Element) -> None:
    items = list(row)
    for left, right in pairwise(items):
        _join(left, right)
    for bar in items:
        if _typed(bar) in BARS and "form" not in bar.attrib:
            bar.attrib |= {"lspace": "0", "rspace": "0"}
    for place in range(len(items) - 1, 0, -1):
        if _is_function(items[place - 1]) and not _begins_with_operator(items[place]):
            row.insert(place, Element("mspace", {"width": "0.167em"}))


def _join(left: Element, right: Element) -> None:
    """A minus after an operator is a prefix; bars beside a table stretch to its height."""
    if _is_operator(right) and _typed(right) in SIGNS and _opens(left):
        right.set("form", "prefix")
    if right.tag == "mtable" and _typed(left) in BARS:
        left.attrib |= {"form": "prefix", "stretchy": "true"}
    if left.tag == "mtable" and _typed(right) in BARS:
        right.attrib |= {"form": "postfix", "stretchy": "true"}


def _is_operator(element: Element) -> bool:
    return element.tag == "mo" or (element.tag == "mi" and _letter(element) == "mo")


def _opens(element: Element) -> bool:
    """Whether an operator after it is a prefix."""
    is_first = element.tag == "mspace" or element.get("form") == "prefix"
    return is_first or (_is_operator(element) and _typed(element) not in CLOSING)


def _is_function(element: Element) -> bool:
    while element.tag in LIMITS and len(element):
        element = element[0]
    name = element.text or ""
    return element.tag == "mi" and len(name) > 1 and name.isalpha()


def _begins_with_operator(element: Element) -> bool:
    while len(element) and element.tag in ("mrow", *LIMITS):
        element = element[0]
    return element.tag in ("mo", "mspace")
