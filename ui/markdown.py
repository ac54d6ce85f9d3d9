"""Prepares a model's text for the browser's Markdown renderer. Pure."""

import re

CODE = re.compile(
    r"^[ \t]*(?P<fence>`{3,}|~{3,})[\s\S]*?(?:^[ \t]*(?P=fence)|\Z)"
    r"|(?<!`)(?P<tick>`{1,2})(?!`)(?:(?!\n\n|(?P=tick))[\s\S]){1,2000}(?P=tick)(?!`)"
    r"|^(?: {4}|\t).*$",
    re.MULTILINE,
)
"""Code in Markdown: between fences (the last one may still be open), between ticks, indented."""

LONGEST_FORMULA = 600
"""Characters after which an open formula is taken for a stray delimiter."""

TAG = re.compile(r"<(?=[A-Za-z/!?])(?!https?://|mailto:)")
"""The start of HTML in Markdown; not of an automatic link."""

IMAGE = re.compile(r"!(?=\[[^\]\n]*\][(\[])")
"""The `!` that makes a link an image. The page's policy blocks images from other hosts."""

LANGUAGE = re.compile(r"(?P<fence>`{3,}|~{3,})(?P<space>[ \t]*)(?P<name>[^\s`]+)")
"""The name of a language behind a fence, also of one in a list or a quotation."""

RENAMED = {"cpp": "c++", "mermaid": "text"} | dict.fromkeys(
    [
        "__defineGetter__",
        "__defineSetter__",
        "__lookupGetter__",
        "__lookupSetter__",
        "__proto__",
        "constructor",
        "hasOwnProperty",
        "isPrototypeOf",
        "propertyIsEnumerable",
        "toLocaleString",
        "toString",
        "valueOf",
    ],
    "text",
)
"""Languages on which Gradio's highlighter fails, and with it the whole message: the page would go

on showing what stood there before. It loads C++ without C; the others every JavaScript object has.
Diagrams of Mermaid would be drawn with the tags and images in their labels: they stay code.
"""


def without_html(markdown: str) -> str:
    """The same Markdown with tags outside of code escaped, and images as links.

    An answer may mention <div>, but must not create one.
    """
    parts, end = [], 0
    for code in CODE.finditer(markdown):
        parts += [_harmless(markdown[end : code.start()]), code.group()]
        end = code.end()
    return "".join([*parts, _harmless(markdown[end:])])


def with_safe_languages(markdown: str) -> str:
    """The same Markdown without language names that crash the highlighter or draw diagrams."""
    return LANGUAGE.sub(_with_safe_name, markdown)


def settled(markdown: str) -> str:
    """The text without an unfinished formula at its end, which would only flicker."""
    if markdown.count("```") % 2:  # in the middle of code, where nothing is a formula
        return markdown
    for left, right in (("$$", "$$"), (r"\[", r"\]"), (r"\(", r"\)")):
        start = markdown.rfind(left)
        is_open = markdown.count("$$") % 2 if left == right else right not in markdown[start:]
        if start >= 0 and is_open and len(markdown) - start < LONGEST_FORMULA:
            markdown = markdown[:start]
    return markdown


def _harmless(words: str) -> str:
    return IMAGE.sub("", TAG.sub("&lt;", words))


def _with_safe_name(match: re.Match[str]) -> str:
    name = match["name"].replace("\\", "")  # Markdown takes them away as well
    return match["fence"] + match["space"] + RENAMED.get(name, match["name"])
