"""Finds where an answer states its result, as pieces of LaTeX. Knows no algebra.

The result is the content of \\boxed{…}; else what follows "answer:", "答案：" and similar words;
else the last paragraph with mathematics; lists and displayed formulas belong to their lead-in.
"""

import re
from collections.abc import Iterator, Sequence

LETTERS_OF_INDEX = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺ⁿ₀₁₂₃₄₅₆₇₈₉", "0123456789-+n0123456789")
PUNCTUATION = str.maketrans("−–（），：；＝", "--(),:;=")
SIGNS = {
    "×": r" \times ",
    "·": r" \cdot ",
    "⋅": r" \cdot ",
    "*": r" \cdot ",
    "÷": "/",
    "≤": r" \leq ",
    ">=": r" \geq ",
    "≥": r" \geq ",
    "<=": r" \leq ",
    "≠": r" \neq ",
    "≈": " = ",
    "±": r" \pm ",
    "∞": r" \infty ",
    "∈": r" \in ",
    "∪": r" \cup ",
    "∅": r" \emptyset ",
    "π": r" \pi ",
}
SIGN = re.compile("|".join(map(re.escape, SIGNS)))
NAMES = {"sqrt", "pi", "sin", "cos", "tan", "log", "ln", "exp", "oo", "inf", "infinity"}
"""Words that count as mathematics in plain text."""

SPAN = re.compile(r"\$\$(.+?)\$\$|\\\[(.+?)\\\]|\\\((.+?)\\\)|\$([^$\n]+?)\$", re.S)
ANCHOR = re.compile(
    r"\b(?:final\s+)?(?:answers?|results?|solutions?)\s*(?:is|are|:)|(?:最终)?(?:答案|结果|解)\s*(?:是|为|:)|答\s*:",
    re.I,
)
BETWEEN = re.compile(
    r"\\(?:text|textbf|mathrm|mbox)\s*\{[^{}]*\}|\\q?quad\b|\\\\|\\[ ,;!]"
    r"|\\(?:implies|Rightarrow|land|lor|wedge|vee|therefore)\b"
    r"|\\(?:begin|end)\{(?:aligned|align\*?|cases|gathered)\}"
)
ITEM = re.compile(r"^\s*(?:[-*•]|\d{1,2}[.)、])\s+")
WORD = re.compile(r"(?<![\\A-Za-z])[A-Za-z]{2,}|[^\x00-\x7f\u0370-\u03ff\u2200-\u22ff√±×÷·]+")
MAX_PIECES = 100
"""Most pieces of one result: parsing each is slow."""

THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")


def result_of(answer: str) -> Sequence[str]:
    """The pieces of LaTeX that state the result of an answer, in order; none if there are none."""
    return list(dict.fromkeys(_stated(plain(answer))))[-MAX_PIECES:]


def _stated(text: str) -> Sequence[str]:
    paragraphs = _paragraphs(text)
    boxed = [boxes for paragraph in paragraphs if (boxes := list(_boxes(paragraph)))]
    if boxed:
        return [piece for box in boxed[-1] for piece in _split(box)]
    anchors = list(ANCHOR.finditer(text))
    if anchors:
        after = map(statements_of, _paragraphs(text[anchors[-1].end() :]))
        if pieces := next(filter(None, after), None):
            return pieces
    return next(filter(None, map(statements_of, reversed(paragraphs))), ())


def statements_of(paragraph: str) -> Sequence[str]:
    """The mathematics of one paragraph: marked as LaTeX, or recognised in plain text."""
    spans = [next(filter(None, groups)) for groups in SPAN.findall(paragraph)]
    if not spans and "\\" not in paragraph:
        return list(_bare(paragraph))
    return [piece for span in spans or [paragraph] for piece in _split(span)]


def plain(text: str) -> str:
    """The text without Markdown markup, with ASCII punctuation."""
    text = re.sub(r"(?<=[0-9A-Za-z)])\*\*(?=[0-9A-Za-z(])", "^", text)
    text = re.sub(r"\*\*|`|^#+ ", "", text, flags=re.MULTILINE)
    text = re.sub(r"[⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺ⁿ]+", lambda m: f"^{{{m[0].translate(LETTERS_OF_INDEX)}}}", text)
    text = re.sub(r"[₀₁₂₃₄₅₆₇₈₉]+", lambda m: f"_{{{m[0].translate(LETTERS_OF_INDEX)}}}", text)
    return text.translate(PUNCTUATION)


def _signs(text: str) -> str:
    """Replace mathematical signs by LaTeX commands."""
    text = re.sub(r"(?:√|(?<!\\)\bsqrt)\s*(?:\(([^()]*)\)|(\w+))", r"\\sqrt{\1\2}", text)
    return SIGN.sub(lambda match: SIGNS[match[0]], text)


def _paragraphs(text: str) -> list[str]:
    """Split at empty lines; keep lead-ins ending in a colon and consecutive list items together."""
    text = SPAN.sub(lambda match: match[0].replace("\n", " "), text)
    paragraphs: list[str] = []
    for part in re.split(r"\n\s*\n", text):
        before = paragraphs[-1] if paragraphs else ""
        listed = ITEM.match(part) and ITEM.match(before.rsplit("\n", 1)[-1])
        if before.rstrip().endswith(":") or listed:
            paragraphs[-1] += "\n" + part
        else:
            paragraphs.append(part)
    return paragraphs


def _boxes(text: str) -> Iterator[str]:
    for match in re.finditer(r"\\boxed\s*\{", text):
        depth, start = 1, match.end()
        for at in range(start, len(text)):
            depth += {"{": 1, "}": -1}.get(text[at], 0)
            if depth == 0:
                yield text[start:at]
                break


def _split(latex: str) -> Iterator[str]:
    """The statements of a formula: split at words, wide spaces, and commas outside brackets."""
    for part in BETWEEN.sub("\n", _signs(latex.replace("&", " "))).split("\n"):
        for piece in _at_commas(THOUSANDS.sub("", part)):
            if piece := piece.strip(" .:"):
                yield piece


def _bare(paragraph: str) -> Iterator[str]:
    """Mathematics in plain text: parts with digits or "=", and without words."""
    text = ITEM.sub("", paragraph)
    text = "\n".join(ITEM.sub("", line) for line in text.split("\n"))
    text = WORD.sub(lambda match: match[0] if match[0].lower() in NAMES else "\n", text)
    text = re.sub(r"(?<![\w(=+*/^-])[aAI](?= +\w)", "\n", text)
    text = _signs(text)
    text = re.sub(r"\b(pi|sin|cos|tan|log|ln|exp)\b", r"\\\1 ", text)
    text = re.sub(r"\b(?:oo|inf(?:inity)?)\b", r"\\infty ", text)
    for part in re.split(r"\n|[.。!?！？](?:\s|$)|: ", THOUSANDS.sub("", text)):
        for piece in _at_commas(part):
            stripped = piece.strip(" .:'\"")
            if re.search(r"[\d=]|\\infty|\\pi|\\emptyset", stripped):
                yield re.sub(r"(?<![\\_^t])\{(.*)\}", r"\\{\1\\}", stripped)


def _at_commas(text: str) -> Iterator[str]:
    depth, start = 0, 0
    for at, sign in enumerate(text):
        depth += (sign in "([{") - (sign in ")]}")
        if sign in ",;、" and depth == 0:
            yield text[start:at]
            start = at + 1
    yield text[start:]
