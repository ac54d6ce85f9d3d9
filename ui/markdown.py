"""What a model wrote, made ready for the browser's Markdown. Pure."""

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
"""Where Markdown would see HTML; not the start of an automatic link."""


def without_html(markdown: str) -> str:
    """The same Markdown with every tag outside of code shown as it is written.

    An answer may speak of <div>; it has no business making one.
    """
    shown, end = [], 0
    for code in CODE.finditer(markdown):
        shown += [TAG.sub("&lt;", markdown[end : code.start()]), code.group()]
        end = code.end()
    return "".join([*shown, TAG.sub("&lt;", markdown[end:])])


def settled(markdown: str) -> str:
    """The text without a formula that is still being written: half of one would only flicker."""
    if markdown.count("```") % 2:  # in the middle of code, where nothing is a formula
        return markdown
    for left, right in (("$$", "$$"), (r"\[", r"\]"), (r"\(", r"\)")):
        start = markdown.rfind(left)
        is_open = markdown.count("$$") % 2 if left == right else right not in markdown[start:]
        if start >= 0 and is_open and len(markdown) - start < LONGEST_FORMULA:
            markdown = markdown[:start]
    return markdown
