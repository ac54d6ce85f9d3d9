"""What is left out of an answer while it is being written. Pure."""

LONGEST_FORMULA = 600
"""Characters after which an open formula is taken for a stray delimiter."""


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
