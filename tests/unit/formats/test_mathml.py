"""Formulas are set where they are meant and can be, and whatever is typed stays harmless."""

import re
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from formats.answers.rendering import STYLE, render
from formats.formulas.mathml import DEEPEST, LONGEST, mathml
from formats.formulas.mathml_tree import ATTRIBUTES, CHILDREN
from formats.words import ENGLISH
from tests.archives import unhurried

DRAWN = [
    (r"x^2 - 5x + 6 = 0", "x2−5x+6=0"),
    (r"x = \frac{-b \pm \sqrt{b^2 - 4ac}}{2a}", "x=−b±b2−4ac2a"),
    (r"\boxed{x = 2 \text{ or } x = 3}", "x=2\u00a0or\u00a0x=3"),
    (r"\begin{aligned} f'(x) &= 3x^2 - 6x \\[4pt] &= 0 \end{aligned}", "f′(x)=3x2−6x=0"),
    (r"\left\{ \begin{array}{l} x + y = 1 \\ x - y = 3 \end{array} \right.", "{x+y=1x−y=3"),
    (r"x \equiv 7 \pmod{9}", "x≡7(mod9)"),
    (r"x = 1 \\ y = 2", "x=1y=2"),
    (r"\text{当 } a < b \text{ 时}", "当\u00a0a<b\u00a0时"),
    (r"E = mc^2 \tag{1}, 5\,\mathrm{kg}, a \not= b, 1\% \&", "E=mc2(1),5kg,a≠b,1%&"),
    (r"\begin{gathered} a \\ b \end{gathered}", "ab"),
    (r"\begin{equation} \lim_{x \to 0} \sin x = 0 \end{equation}", "limx→0sinx=0"),
]
BROKEN = [
    r"\frac{1}",
    r"x^",
    r"x}",
    r"{x",
    r"\left( x",
    r"\begin{cases} x",
    r"\foo{x}",
    r"a & b",
    r"\cancel{x}",
    r"x^1^2",
    r"\over",
    r"\tbinom",
    r"\unicode",
    " ",
    "",
]
PIECES = st.lists(
    st.sampled_from(
        [
            *"{}[]()_^&'|\"<>xy12.,-= \n中\x00\ud800",
            *(f"\\{name}" for name in ("frac", "text", "mbox", "href", "style", "class", "color")),
            *(f"\\{name}" for name in ("unicode", "sqrt", "left", "right", "verb", "fbox", "rule")),
            *(
                f"\\{name}"
                for name in ("colorbox", "raise", "kern", "operatorname", "begin", "sin")
            ),
            *(f"\\{name}" for name in ("begin{cases}", "end{cases}", "hbox{$", "mathrm{", "tag{")),
            "{javascript:alert(1)}",
            "{x}",
            "<script>alert(1)</script>",
            "&lt;img src=x&gt;",
            "&#x3c;b&#x3e;",
            '"><i onclick=x',
            "\\\\",
            "\\(",
            "\\)",
            "$$",
        ]
    ),
    max_size=14,
).map("".join)


class Elements(HTMLParser):
    """What a browser finds: elements with attributes, and words."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: dict[str, str | None] = {}
        self.words = ""
        self.feed(str(html))
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes |= dict(attrs)

    def handle_data(self, data: str) -> None:
        self.words += data


def rendered(text: str) -> str:
    return str(render(text, picture=ENGLISH.picture))


@pytest.mark.parametrize(("latex", "words"), DRAWN)
def test_a_formula_is_rendered_with_all_characters(latex: str, words: str) -> None:
    for left, right in (("\\(", "\\)"), ("\\[", "\\]"), ("$$", "$$")):
        found = Elements(rendered(f"so {left}{latex}{right} then"))
        assert found.words.strip().replace(" ", "") == f"so{words}then"
        assert found.tags[:3] == ["p", "math", "mrow"]


@pytest.mark.parametrize("latex", BROKEN)
def test_invalid_or_unknown_latex_stays_as_source(latex: str) -> None:
    assert mathml(latex, block=True) is None
    assert f"so \\({latex}\\) then" in Elements(rendered(f"so \\({latex}\\) then")).words


def test_unbounded_or_deeply_nested_formulas_are_rejected() -> None:
    assert mathml(r"\def\a{xx}\a", block=True) is None
    assert mathml(r"\newcommand{\a}{xx}\a", block=True) is None
    assert mathml("{" * (DEEPEST + 1) + "x" + "}" * (DEEPEST + 1), block=True) is None
    assert mathml("x" * (LONGEST + 1), block=True) is None
    assert mathml("{" * DEEPEST + "x" + "}" * DEEPEST, block=True)


def test_formulas_in_brackets_and_double_dollars_are_blocks() -> None:
    assert 'display="inline"' in rendered(r"\(x\)")
    assert 'display="block"' in rendered(r"\[x\]")
    assert 'display="block"' in rendered("$$x$$")


@pytest.mark.parametrize(
    "text",
    [
        "It costs $5 and $10.",
        "`\\(x\\)`",
        "```\n\\[x\\]\n```",
        "    \\[x\\]",
        "never closed \\( x^2",
        "\\[\nx\n\ny\n\\]",
        "\\\\(x\\\\)",
    ],
)
def test_nothing_else_becomes_a_formula(text: str) -> None:
    assert "math" not in Elements(rendered(text)).tags


@pytest.mark.parametrize(
    "text",
    [
        "text\n\\[\nx = a\n- b\n\\]\nmore",
        "1. item\n   $$\n   x = a\n   - b\n   $$\n2. more",
        "> \\[\n> x = a\n> - b\n> \\]",
    ],
)
def test_no_formula_line_is_parsed_as_a_list(text: str) -> None:
    found = Elements(rendered(text))
    assert found.tags.count("math") == 1
    assert "x=a−b" in found.words
    assert found.tags.count("li") == 2 * text.startswith("1.")


@unhurried
@given(PIECES)
def test_a_formula_contains_only_mathml_and_text(latex: str) -> None:
    drawn = Elements(mathml(latex, block=False) or "")
    assert CHILDREN.keys() >= set(drawn.tags)
    assert ATTRIBUTES | {"class", "mathvariant"} >= drawn.attributes.keys()
    assert all(re.fullmatch(r"[\w.+ -]*", value or "") for value in drawn.attributes.values())


@unhurried
@given(PIECES, st.sampled_from(["\\({}\\)", "\\[{}\\]", "$${}$$", "\n\\[\n{}\n\\]\n"]))
def test_a_formula_adds_no_other_element_to_a_page(latex: str, frame: str) -> None:
    found = Elements(rendered(frame.replace("{}", latex)))
    plain = {"p", "br", "code", "pre", "em", "strong", "ul", "ol", "li", "blockquote", "h1", "h2"}
    assert CHILDREN.keys() | plain >= set(found.tags)
    allowed = ATTRIBUTES | {"class", "mathvariant", "start"}
    assert allowed >= found.attributes.keys()


def test_formulas_are_rendered_without_external_resources() -> None:
    rules = STYLE.read_text(encoding="utf-8")
    assert "math {" in rules
    assert "http" not in rules
    assert "url(" not in rules
