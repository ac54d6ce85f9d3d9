"""Around the message box: context usage, attached files, drafts; and the page as a PWA."""

import re

import pytest
from playwright.sync_api import FilePayload, Locator, Page, expect

from chat.validation import MAX_CHARACTERS
from tests.browser.conftest import Open, Site
from tests.browser.steps import answer, ask, ask_and_wait, box, button, listed
from tests.fakes import Script, ScriptedEngine

pytestmark = pytest.mark.browser

DROP = """(target, [name, text]) => {
    const dataTransfer = new DataTransfer();
    dataTransfer.items.add(new File([text], name));
    const event = { dataTransfer, bubbles: true, cancelable: true };
    for (const kind of ["dragover", "drop"]) target.dispatchEvent(new DragEvent(kind, event));
}"""
PASTE = """(box, [kind, name, text]) => {
    const clipboardData = new DataTransfer();
    if (kind === "file") clipboardData.items.add(new File([text], name));
    else clipboardData.setData("text/plain", text);
    box.focus();
    const event = { clipboardData, bubbles: true, cancelable: true };
    box.dispatchEvent(new ClipboardEvent("paste", event));
}"""


def file(name: str, content: bytes) -> FilePayload:
    return {"name": name, "mimeType": "application/octet-stream", "buffer": content}


def attach(page: Page, *files: FilePayload) -> None:
    page.locator("#attach").set_input_files(list(files))


def files(page: Page) -> Locator:
    return page.get_by_role("list", name="Attached files").get_by_role("listitem")


def context_usage(page: Page) -> Locator:
    return page.get_by_role("meter", name="Context")


def test_the_context_usage_counts_the_draft_and_has_its_parts_as_title(
    site: Site, tab: Open
) -> None:
    page = tab(site(ScriptedEngine(context_length=1000)))
    expect(context_usage(page)).to_have_text("0 / 1,000")
    box(page).fill("x" * 200)
    expect(context_usage(page)).to_have_text("200 / 1,000")
    expect(context_usage(page)).to_have_attribute(
        "title", re.compile("draft 200 · kept for the answer 250")
    )
    box(page).press("Enter")
    expect(answer(page)).to_contain_text("5 tokens")
    expect(context_usage(page)).to_have_text("205 / 1,000")


def test_the_context_usage_is_measured_for_a_conversation_opened_during_its_answer(
    site: Site, tab: Open
) -> None:
    page = tab(site(ScriptedEngine([Script(["one ", "two"], hangs=True)], context_length=1000)))
    ask(page, "x" * 200)
    expect(answer(page)).to_contain_text("two")
    button(page, "New chat").click()
    expect(context_usage(page)).to_have_text("0 / 1,000")
    listed(page).click()
    expect(context_usage(page)).to_have_text(re.compile(r"^2\d\d / 1,000"))
    expect(answer(page)).to_contain_text("Writing")


def test_the_context_usage_turns_amber_then_red_before_turns_are_dropped(
    site: Site, tab: Open
) -> None:
    page = tab(site(ScriptedEngine(context_length=1000)))
    ask_and_wait(page, "a" * 400)
    expect(context_usage(page)).to_have_class(re.compile("low"))
    box(page).fill("b" * 250)
    expect(context_usage(page)).to_have_class(re.compile("high"))
    box(page).fill("b" * 500)
    expect(context_usage(page)).to_have_class(re.compile("over"))
    ahead = page.locator("#warning").get_by_role("status")
    expect(ahead).to_have_text(
        "The oldest turn will not fit and will be left out: 905 tokens are asked for, 750 fit."
    )
    expect(context_usage(page)).to_have_text("905 / 750")
    box(page).fill("b" * 760)
    expect(ahead).to_have_text("This is too long by about 10 tokens: 760 are asked for, 750 fit.")
    expect(context_usage(page)).to_have_text("760 / 750")
    box(page).fill("b")
    expect(ahead).to_have_count(0)


def test_the_context_usage_is_empty_until_the_model_is_ready(site: Site, tab: Open) -> None:
    engine = ScriptedEngine(ready=False)
    page = tab(site(engine))
    box(page).fill("Hello")
    expect(page.locator(".gauge.unknown")).to_be_visible()
    engine.current_state = ScriptedEngine().state
    expect(context_usage(page)).to_have_text("5 / 1,000")


def test_a_file_that_came_while_the_model_loads_is_counted_once_it_is_ready(
    site: Site, tab: Open
) -> None:
    engine = ScriptedEngine(ready=False)
    page = tab(site(engine))
    attach(page, file("sales.csv", b"quarter,sales\n1,20\n"))
    expect(files(page)).to_contain_text("19 B")
    expect(files(page)).not_to_contain_text("tokens")
    engine.current_state = ScriptedEngine().state
    expect(files(page)).to_contain_text(re.compile(r"\d+ tokens"))
    ask_and_wait(page, "How much?")
    assert "quarter,sales\n1,20\n" in engine.prompts[-1][-1].content


def test_a_file_goes_with_the_question_and_leaves_the_box_with_it(site: Site, tab: Open) -> None:
    engine = ScriptedEngine()
    page = tab(site(engine))
    attach(page, file("sales.csv", b"quarter,sales\n1,20\n"))
    expect(files(page)).to_contain_text("sales.csv")
    expect(files(page)).to_contain_text("19 B")
    expect(files(page)).to_contain_text(re.compile(r"\d+ tokens"))
    expect(context_usage(page)).not_to_have_text("0 / 1,000")
    ask_and_wait(page, "How much?")
    expect(files(page)).to_have_count(0)
    asked = engine.prompts[-1][-1].content
    assert 'File "sales.csv"' in asked
    assert "quarter,sales\n1,20\n" in asked
    assert asked.endswith("How much?")


def test_the_encoding_of_a_file_is_shown_and_another_can_be_chosen(site: Site, tab: Open) -> None:
    engine = ScriptedEngine()
    page = tab(site(engine))
    attach(page, file("names.csv", "Prénom;Âge".encode("latin-1")))
    choice = page.get_by_role("combobox", name="Encoding of names.csv")
    expect(choice).to_have_value("windows-1252")
    expect(choice.locator("option:checked")).to_have_text("windows-1252 · Prénom;Âge")
    choice.select_option("windows-1251")
    expect(choice.locator("option:checked")).to_have_text("windows-1251 · Prйnom;Вge")
    expect(choice).to_be_focused()
    expect(files(page)).to_have_count(1)
    ask_and_wait(page, "Who?")
    assert "```\nPrйnom;Вge\n```" in engine.prompts[-1][-1].content


def test_a_file_in_unicode_has_no_encoding_to_choose(site: Site, tab: Open) -> None:
    page = tab(site(ScriptedEngine()))
    attach(page, file("names.csv", "Prénom;Âge".encode()))
    expect(files(page)).to_have_count(1)
    expect(page.get_by_role("combobox")).to_have_count(0)


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("é, 中文".encode(), "é, 中文"),
        ("\ufeffmarked".encode(), "marked"),
        ("两种编码".encode("utf-16"), "两种编码"),
        ("两种编码\n".encode("utf-16-be"), "两种编码\n"),
        ("旧的编码".encode("gb18030"), "旧的编码"),
        ("Prénom;Âge".encode("latin-1"), "Prénom;Âge"),
        ("“Größe” – 5 €".encode("cp1252"), "“Größe” – 5 €"),
        ("名前;年齢".encode("shift_jis"), "名前;年齢"),
        ("é, 中文".encode()[:-1], "é, 中\ufffd"),
        (b"\x89PNG\r\n\x00\x01", None),
        (b"", ""),
    ],
)
def test_text_is_read_in_common_encodings(
    site: Site, tab: Open, content: bytes, text: str | None
) -> None:
    engine = ScriptedEngine()
    page = tab(site(engine))
    attach(page, file("notes.txt", content))
    if text is None:
        expect(page.get_by_role("alert")).to_have_text(
            "“notes.txt” is not a text file. Text, tables as CSV, and source code can be attached."
        )
        expect(files(page)).to_have_count(0)
    else:
        expect(files(page)).to_have_count(1)
        ask_and_wait(page, "What?")
        assert f"```\n{text}\n```" in engine.prompts[-1][-1].content


def test_files_can_be_dropped_and_pasted(site: Site, tab: Open) -> None:
    page = tab(site(ScriptedEngine()))
    page.locator("#main").evaluate(DROP, ["dropped.py", "print()"])
    expect(files(page)).to_contain_text(["dropped.py"])
    box(page).evaluate(PASTE, ["file", "pasted.md", "# Title"])
    expect(files(page)).to_contain_text(["dropped.py", "pasted.md"])


def test_a_long_paste_becomes_a_file_and_one_click_makes_it_text_again(
    site: Site, tab: Open
) -> None:
    page = tab(site(ScriptedEngine()))
    box(page).fill("Look: ")
    box(page).evaluate(PASTE, ["text", "", "long " * 2000])
    expect(files(page)).to_contain_text(["pasted.txt"])
    expect(box(page)).to_have_value("Look: ")
    button(page, "Put back as text").click()
    expect(box(page)).to_have_value("Look: " + "long " * 2000)
    expect(files(page)).to_have_count(0)


def test_too_large_and_too_many_are_refused_in_words(site: Site, tab: Open) -> None:
    page = tab(site(ScriptedEngine()))
    attach(page, file("large.txt", b"x" * (MAX_CHARACTERS + 1)))
    expect(page.get_by_role("alert")).to_contain_text("“large.txt” is too large")
    attach(page, *(file(f"{number}.txt", b"x") for number in range(11)))
    expect(files(page)).to_have_count(10)
    expect(page.get_by_role("alert")).to_have_text(
        "At most 10 files go with a question. “10.txt” was not attached."
    )


def test_a_file_name_is_displayed_literally_and_the_file_can_be_removed(
    site: Site, tab: Open
) -> None:
    page = tab(site(ScriptedEngine()))
    attach(page, file("<b>&'.txt", b"one"), file("表 📄.md", b"two"))
    expect(files(page)).to_have_count(2)
    expect(files(page).locator("b b")).to_have_count(0)
    button(page, "Remove 表 📄.md").click()
    expect(files(page)).to_have_count(1)
    expect(files(page)).to_contain_text("&'.txt")


def test_a_draft_and_its_files_outlive_a_reload(site: Site, tab: Open) -> None:
    engine = ScriptedEngine()
    page = tab(site(engine))
    box(page).fill("About this file")
    attach(page, file("kept.txt", b"still here"))
    expect(files(page)).to_have_count(1)
    page.reload()
    expect(box(page)).to_have_value("About this file")
    expect(files(page)).to_contain_text(["kept.txt"])
    box(page).press("Enter")
    expect(answer(page)).to_contain_text("5 tokens")
    assert "still here" in engine.prompts[-1][-1].content
    page.reload()
    expect(button(page, "Retry")).to_be_visible()
    expect(files(page)).to_have_count(0)


def test_a_refused_question_keeps_its_files(site: Site, tab: Open) -> None:
    page = tab(site(ScriptedEngine(ready=False)))
    attach(page, file("waits.txt", b"here"))
    expect(files(page)).to_contain_text(["waits.txt"])
    ask(page, "Too early?")
    expect(page.get_by_role("alert")).to_contain_text("not ready yet")
    expect(files(page)).to_contain_text(["waits.txt"])
    expect(box(page)).to_have_value("Too early?")


def test_the_chip_of_the_sampling_opens_the_settings_and_follows_them(
    site: Site, tab: Open
) -> None:
    page = tab(site(ScriptedEngine([Script(["a"])])))
    button(page, "Temperature 0.7").click()
    field = page.get_by_role("spinbutton", name="Temperature")
    field.fill("0.3")
    field.press("Tab")
    expect(button(page, "Temperature 0.3")).to_be_visible()


def test_the_page_can_be_installed(site: Site, tab: Open) -> None:
    url = site(ScriptedEngine())
    page = tab(url)
    expect(page.locator("link[rel=manifest]")).to_have_attribute("href", "manifest.json")
    session = page.context.new_cdp_session(page)
    found = session.send("Page.getAppManifest")
    assert found["url"] == f"{url}/manifest.json"
    assert found["errors"] == []
    assert session.send("Page.getInstallabilityErrors")["installabilityErrors"] in (
        [],
        [{"errorId": "in-incognito", "errorArguments": []}],
    )


def test_undoing_a_turn_brings_its_files_back_into_the_box(site: Site, tab: Open) -> None:
    engine = ScriptedEngine()
    page = tab(site(engine))
    attach(page, file("again.txt", b"the same file"))
    expect(files(page)).to_have_count(1)
    ask_and_wait(page, "First try")
    expect(files(page)).to_have_count(0)
    button(page, "More actions").last.click()
    page.get_by_role("menuitem", name="Remove the last turn").click()
    expect(box(page)).to_have_value("First try")
    expect(files(page)).to_contain_text(["again.txt"])
    page.reload()
    expect(files(page)).to_contain_text(["again.txt"])
    expect(box(page)).to_have_value("First try")
    box(page).press("Enter")
    expect(answer(page)).to_contain_text("5 tokens")
    assert "the same file" in engine.prompts[-1][-1].content
