"""Answers look the same wherever they are shown: one renderer, and two files of cases.

`tests/corpora/emphasis.tsv` has a case of emphasis on each line, `answers.jsonl` one of everything
else: Markdown, and HTML that must come of it.
"""

import json
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup, escape

from api.html import markdown_renderer
from chat.accounts.models import LOCAL
from chat.conversations.models import Progress
from chat.feedback.report_models import AnswerExcerpt
from chat.feedback.result_models import AnswerDetail, FilterOptions, RatingFilter
from chat.models import Role, Status
from formats.answers.rendering import GrowingAnswer, render
from formats.answers.sanitiser import ELEMENTS, sanitised
from formats.html import write_html
from formats.words import ENGLISH, ExportLanguage
from i18n import Language
from pages.campaigns.compare import side_html
from pages.feedback.answer import AnswerView, answer_page
from pages.html import PageLocale
from tests.archives import example, unhurried
from tests.browser.payloads import PAYLOADS
from tests.rated import rated
from tests.unit.conversations.test_render import ANSWER, parts
from tests.unit.feedback.test_report import page_of
from ui import render as chat

CORPORA = Path(__file__).parents[2] / "corpora"
LOCALE = PageLocale(Language.EN, "")


def emphasis() -> list[tuple[str, str]]:
    lines = (CORPORA / "emphasis.tsv").read_text(encoding="utf-8").splitlines()
    return [(markdown, html) for markdown, html in (line.split("\t") for line in lines)]


def answers() -> list[tuple[str, str]]:
    lines = (CORPORA / "answers.jsonl").read_text(encoding="utf-8").splitlines()
    cases = (json.loads(line) for line in lines)
    return [(case["markdown"], case["html"]) for case in cases]


CASES = [*emphasis(), *answers()]


def in_the_chat(text: str) -> str:
    [html, _] = parts(chat.answer(replace(ANSWER, content=text), (), Language.EN))
    return str(html)


def in_a_comparison(text: str) -> str:
    return side_html(LOCALE, Progress("a", text, Status.DONE), markdown_renderer(LOCALE))


def in_the_reading_view(text: str) -> str:
    one = rated("e1", answer=text)
    answer = markdown_renderer(LOCALE)(one.snapshot.answer)
    detail = AnswerDetail(one, one.ratings)
    return answer_page(LOCALE, LOCAL, AnswerView(detail, RatingFilter(), FilterOptions(), answer))


async def in_a_report(text: str) -> str:
    return await page_of(best=[AnswerExcerpt("Q?", text, "nice")])


def in_an_export(text: str) -> str:
    archive = example()
    messages = tuple(
        replace(message, content=text) if message.role is Role.ASSISTANT else message
        for message in archive.messages
    )
    return write_html(replace(archive, messages=messages), ExportLanguage.EN)


PLACES: list[Callable[[str], str]] = [
    in_the_chat,
    in_a_comparison,
    in_the_reading_view,
    in_an_export,
]


@pytest.mark.parametrize(("markdown", "html"), CASES)
async def test_an_answer_looks_the_same_in_chat_comparison_reading_view_report_and_export(
    markdown: str, html: str
) -> None:
    for place in PLACES:
        assert html in place(markdown), place.__name__
    assert html in await in_a_report(markdown)


@pytest.mark.parametrize(("markdown", "html"), CASES)
def test_an_answer_that_grew_letter_by_letter_looks_as_if_it_had_come_at_once(
    markdown: str, html: str
) -> None:
    text = f"First.\n\n{markdown}\n\nThird.\n\nLast."
    growing = GrowingAnswer(picture=ENGLISH.picture)
    for length in range(len(text)):
        growing.pieces(text[:length])
    assert html in "".join(growing.pieces(text))


def test_finished_blocks_are_rendered_once_and_short_pieces_are_joined() -> None:
    growing = GrowingAnswer(picture=ENGLISH.picture)
    blocks = [f"Block {number}. " + "word " * 300 + "\n\n" for number in range(9)]
    seen: list[list[Markup]] = []
    for count in range(1, len(blocks) + 1):
        seen.append(list(growing.pieces("".join(blocks[:count]))))
    assert [len(pieces) for pieces in seen] == [1, 1, 2, 2, 2, 3, 3, 3, 4]
    assert seen[5][0] == seen[8][0]
    assert all("Block 0" not in piece for pieces in seen[3:] for piece in pieces[1:])


def test_another_text_is_rendered_from_its_beginning() -> None:
    growing = GrowingAnswer(picture=ENGLISH.picture)
    growing.pieces("one\n\ntwo\n\nthree\n\nfour")
    assert "".join(growing.pieces("1\n\n2")) == render("1\n\n2", picture=ENGLISH.picture)


@unhurried
@given(st.text("ab*_`~$|-#>\\[]()!<&\n 1.，要“”😀", max_size=80))
def test_any_text_is_rendered_and_the_last_check_finds_nothing_to_remove(text: str) -> None:
    html = render(text, picture=ENGLISH.picture)
    assert sanitised(html) == html
    for piece in GrowingAnswer(picture=ENGLISH.picture).pieces(text):
        assert sanitised(piece) == piece


class Found(HTMLParser):
    """The elements of an answer with their attributes."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))


@pytest.mark.parametrize("payload", PAYLOADS)
async def test_an_attack_is_the_same_harmless_text_in_every_place(payload: str) -> None:
    html = render(payload, picture=ENGLISH.picture)
    for tag, attributes in Found(html).elements:
        assert tag in ELEMENTS - {"img"}
        assert not [name for name in attributes if name.startswith(("on", "style", "src"))]
        href = attributes.get("href") or "https:"
        assert href.startswith(("http:", "https:", "mailto:"))
    in_chat = render(payload, picture=ENGLISH.picture, copy="Copy")
    assert in_chat in in_the_chat(payload)
    for place in PLACES[1:]:
        assert html in place(payload), place.__name__
    assert html in await in_a_report(payload)


def test_nothing_but_the_listed_elements_remains() -> None:
    hostile = escape("<b>") + Markup("<img src=x onerror=y><p onclick=z style=w>text</p><script>")
    assert sanitised(hostile) == "&lt;b&gt;<p>text</p>"
    link = sanitised(Markup('<a href="javascript:x" rel="noopener noreferrer">y</a>'))
    assert "javascript" not in link
