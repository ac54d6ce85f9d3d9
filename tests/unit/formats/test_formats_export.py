"""Files of conversations are readable, safe to open, and hold the texts letter by letter."""

import io
import json
import unicodedata
import zipfile
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from hypothesis import example as with_example
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markupsafe import Markup

from chat.conversations.models import Archive, Origin
from chat.models import Finish, Role, Status
from formats.answers.rendering import render as render_answer
from formats.answers.sanitiser import ATTRIBUTES, ELEMENTS
from formats.exporting import Format, export_file
from formats.html import write_html
from formats.markdown import closed, write_markdown
from formats.names import MAX_BYTES, file_stem
from formats.words import CHINESE, ENGLISH, ExportLanguage, Wording
from tests.archives import archives, example, exported_file, unhurried

MARKUP = st.lists(
    st.sampled_from(
        [
            *"<>\"'`*_[]()!\\$&#|~:/\n a\u202e中🌦",
            "<script>",
            "<img src=x onerror=alert(1)>",
            "</style>",
            "<!--",
            "javascript:",
            "data:text/html,",
            "http://a.example/",
            "https://",
            "//b.example",
            "mailto:a@b",
            "](",
            "![",
            "```",
            "<http://c.example>",
            "&#106;avascript:",
            "[x]: http://d.example\n",
            "|-|-|\n",
            "\\(",
            "\\)",
            " onclick=x ",
            "\x00",
        ]
    ),
    max_size=40,
).map("".join)


class Page(HTMLParser):
    """The elements of a page with their attributes, and its text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(str(html))
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def render(text: str, words: Wording = ENGLISH) -> Markup:
    return render_answer(text, picture=words.picture)


def archive_of(text: str, title: str = "A table") -> Archive:
    return example(title, text)


# HTML


@unhurried
@given(MARKUP)
def test_an_exported_page_runs_and_loads_nothing(text: str) -> None:
    for tag, attributes in Page(render(text)).elements:
        assert tag in ELEMENTS
        assert attributes.keys() <= ATTRIBUTES.get(tag, set())
        if tag == "a":
            assert (attributes["href"] or "").lower().startswith(("http:", "https:", "mailto:"))
            assert attributes["rel"] == "noopener noreferrer"


@unhurried
@given(MARKUP, MARKUP, MARKUP)
def test_no_title_prompt_or_question_adds_an_element(title: str, prompt: str, text: str) -> None:
    archive = example()
    plain = [tag for tag, _ in Page(write_html(archive, ExportLanguage.EN)).elements]
    conversation = replace(
        archive.conversation,
        title=title,
        options=replace(archive.conversation.options, system_prompt=prompt or "x"),
    )
    question = replace(archive.messages[0], content=text)
    hostile = Archive(conversation, (question, *archive.messages[1:]))
    assert [tag for tag, _ in Page(write_html(hostile, ExportLanguage.EN)).elements] == plain


def test_the_content_security_policy_precedes_all_other_content() -> None:
    page = Page(write_html(example(), ExportLanguage.ZH))
    metas = [attributes for tag, attributes in page.elements if tag == "meta"]
    assert metas[1]["content"] == "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
    assert metas[1]["http-equiv"] == "Content-Security-Policy"
    assert not {"script", "link", "img", "iframe"} & {tag for tag, _ in page.elements}
    assert page.elements[0] == ("html", {"lang": "zh-CN"})


def test_images_become_links() -> None:
    html = render("![a **b**](https://a.example/x.png) ![](https://a.example)", CHINESE)
    links = [attributes["href"] for tag, attributes in Page(html).elements if tag == "a"]
    assert links == ["https://a.example/x.png", "https://a.example"]
    assert "[a b]" in html
    assert f"[{CHINESE.picture}]" in html


@pytest.mark.parametrize(
    "formula", [r"\(\unknown * b_1\)", r"\[\unknown \\ y\]", r"$\unknown_1 * b$"]
)
def test_a_formula_that_cannot_be_drawn_keeps_its_source(formula: str) -> None:
    assert formula in Page(render(f"so {formula} *is* it")).text


def test_code_in_a_page_is_unchanged() -> None:
    code = "if a < b:\n\tprint('<b>&amp;</b>')  # \\(x\\)\n"
    assert Page(render(f"```python\n{code}```")).text.strip("\n") == code.strip("\n")


def test_a_question_is_displayed_literally() -> None:
    assert "What is in <the> *table*?" in Page(write_html(example(), ExportLanguage.EN)).text


def test_dollars_in_a_sentence_are_not_a_formula() -> None:
    assert "<code>" not in render("It costs $5 and $10.")


# Markdown


def test_markdown_shows_the_path_with_names_times_and_the_model() -> None:
    text = write_markdown(example("A # *table*"), ExportLanguage.EN)
    assert text.startswith("# A \\# \\*table\\*\n")
    assert "## You\n\n*2026-11-22 09:30 UTC*" in text
    assert "## Assistant\n\n*2026-11-22 09:30 UTC · Qwen2.5-7B-Instruct*\n\nHere it is.\n" in text
    assert "## System prompt\n\nBe brief.\n" in text
    assert "Another version." not in text
    assert "## 助手" in write_markdown(example(), ExportLanguage.ZH)


def test_a_file_is_in_a_fence_that_it_cannot_close() -> None:
    text = write_markdown(example(), ExportLanguage.EN)
    assert "**sales.csv**\n\n````\nyear,sum\n2026,```3```\n````\n" in text


@unhurried
@given(st.text(st.sampled_from("`~ \na>*"), max_size=30))
@with_example("```python\nx = 1")
@with_example("```a`b\n")
@with_example("~~~\n```\n")
def test_an_answer_cannot_swallow_the_following_messages(text: str) -> None:
    after = MarkdownIt().parse(f"{closed(text)}\n\n# after\n")
    assert "heading_open" in {token.type for token in after[-3:]}


def test_a_text_with_closed_fences_is_unchanged() -> None:
    text = "a\n```python\nx = '~~~'\n```\nb\n~~~~\n```\n~~~~"
    assert closed(text) == text


@unhurried
@given(archives(), st.sampled_from(Format), st.sampled_from(ExportLanguage))
def test_every_conversation_can_be_exported(
    archive: Archive, kind: Format, language: ExportLanguage
) -> None:
    assert exported_file(archive, kind, language).decode()


@pytest.mark.parametrize(
    ("change", "remark"),
    [
        ({"status": Status.STOPPED}, "stopped"),
        ({"status": Status.INTERRUPTED}, "interrupted"),
        ({"status": Status.ERROR}, "failed"),
        ({"finish": Finish.LENGTH}, "cut off by its length"),
        ({"origin": Origin.EDITED}, "edited"),
        ({"origin": Origin.IMPORTED}, "imported"),
    ],
)
def test_an_answer_shows_its_end_and_origin(change: dict[str, object], remark: str) -> None:
    archive = example()
    answer = replace(archive.messages[2], **change)  # type: ignore[arg-type]  # a field's own kind
    changed = replace(archive, messages=(*archive.messages[:2], answer))
    for text in (
        write_markdown(changed, ExportLanguage.EN),
        write_html(changed, ExportLanguage.EN),
    ):
        assert f" · {remark}" in text


# JSON


def test_json_has_all_branches_without_the_owner() -> None:
    file = json.loads(exported_file(example(), Format.JSON, ExportLanguage.EN))
    assert (file["format"], file["version"]) == ("qwen-chat", 1)
    (conversation,) = file["conversations"]
    assert "owner" not in conversation
    assert [message["id"] for message in conversation["messages"]] == [
        "question",
        "hidden",
        "shown",
    ]
    assert conversation["options"]["preset"] == {"id": "maths.en", "version": 3}
    assert conversation["messages"][2]["provenance"]["sampling"]["seed"] == 7


def test_sharegpt_has_the_displayed_path_with_files_as_in_the_prompt() -> None:
    (item,) = json.loads(exported_file(example(), Format.SHAREGPT, ExportLanguage.EN))
    system, question, answer = item["conversations"]
    assert system == {"from": "system", "value": "Be brief."}
    assert question["from"] == "human"
    assert "2026,```3```" in question["value"]
    assert question["value"].endswith("What is in <the> *table*?")
    assert answer == {"from": "gpt", "value": "Here it is."}


def test_a_conversation_that_failed_before_its_first_word_has_no_empty_turn() -> None:
    (item,) = json.loads(exported_file(archive_of(""), Format.SHAREGPT, ExportLanguage.EN))
    assert [turn["from"] for turn in item["conversations"]] == ["system", "human"]


# Many


def test_a_zip_is_written_in_pieces_and_is_valid() -> None:
    collection = export_file(Format.MARKDOWN, ExportLanguage.EN)
    pieces = [collection.add(archive_of(f"number {number}", "Same/title")) for number in range(3)]
    assert all(pieces)
    with zipfile.ZipFile(io.BytesIO(b"".join([*pieces, collection.end()]))) as files:
        assert files.testzip() is None
        assert files.namelist() == [f"000{number} Same title.md" for number in (1, 2, 3)]
        assert b"number 1" in files.read("0002 Same title.md")


def test_a_time_outside_the_zip_range_is_clamped() -> None:
    archive = example()
    ancient = replace(
        archive.conversation, updated_at=archive.conversation.updated_at.replace(year=1900)
    )
    collection = export_file(Format.HTML, ExportLanguage.EN)
    assert collection.add(replace(archive, conversation=ancient))


# Names


@unhurried
@given(st.text(max_size=200))
def test_a_file_name_is_safe_for_any_title(title: str) -> None:
    stem = file_stem(title, "fallback")
    assert stem
    assert len(stem.encode()) <= MAX_BYTES + 1
    assert not set(stem) & set('/\\:*?"<>|%')
    assert stem[0] != "."
    assert stem == stem.strip(" .")
    assert not {unicodedata.category(sign) for sign in stem if sign != "\u200d"} & {
        "Cc",
        "Cf",
        "Cs",
    }


@pytest.mark.parametrize(
    ("title", "stem"),
    [
        ("../../etc/passwd", "etc passwd"),
        ("...", "fallback"),
        ("", "fallback"),
        ("con", "_con"),
        ("NUL.txt", "_NUL.txt"),
        ("天气 👩\u200d💻", "天气 👩\u200d💻"),
        ("a\r\nb\u202ec", "a b c"),
        ("中" * 100, "中" * 40),
    ],
)
def test_a_file_name_resembles_its_title(title: str, stem: str) -> None:
    assert file_stem(title, "fallback") == stem


def test_both_languages_have_every_word() -> None:
    for words in (ENGLISH, CHINESE):
        assert all(getattr(words, name) for name in words.__dataclass_fields__)
    assert ENGLISH.speaker(replace(example().messages[0], role=Role.USER)) == "You"
