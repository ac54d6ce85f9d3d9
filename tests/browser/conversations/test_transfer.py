"""Export and import of conversations, and the errors of both."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Open, Site
from tests.browser.steps import answer, ask_and_wait, button, listed
from tests.fakes import Script, ScriptedEngine
from tests.memory_store import MemoryStore

pytestmark = pytest.mark.browser

MIB = 2**20


def download(page: Page, kind: str, folder: Path) -> Path:
    """The file behind a link of the open menu."""
    with page.expect_download() as waiting:
        page.get_by_role("menuitem", name=kind, exact=True).click()
    path = folder / waiting.value.suggested_filename
    waiting.value.save_as(path)
    return path


def open_entry_menu(page: Page) -> None:
    page.locator("#conversation-list li").first.hover()
    page.locator("#conversation-list li").first.get_by_role("button").click()


def bring_in(page: Page, path: Path, *, user_id: str = "All chats", item: str = "Import") -> None:
    button(page, user_id).click()
    with page.expect_file_chooser() as waiting:
        page.get_by_role("menuitem", name=item).click()
    waiting.value.set_files(path)


@pytest.mark.parametrize(
    ("kind", "suffix"),
    [("Markdown", ".md"), ("HTML", ".html"), ("JSON", ".json"), ("ShareGPT", ".json")],
)
def test_a_conversation_is_downloaded_in_any_format(
    site: Site, tab: Open, tmp_path: Path, kind: str, suffix: str
) -> None:
    page = tab(site(ScriptedEngine([Script(["An *answer* 答案"])])))
    ask_and_wait(page, "A question 问题")
    open_entry_menu(page)
    path = download(page, kind, tmp_path)
    assert path.suffix == suffix
    text = path.read_text(encoding="utf-8")
    assert "A question 问题" in text or "A question 问题" in str(json.loads(text))
    assert "答案" in text
    expect(page.get_by_role("menu")).to_have_count(0)


@pytest.mark.parametrize("kind", ["JSON", "ShareGPT"])
def test_what_was_exported_comes_back_through_the_page(
    site: Site, tab: Open, tmp_path: Path, kind: str
) -> None:
    page = tab(site(ScriptedEngine([Script(["first"]), Script(["second"]), Script(["third"])])))
    ask_and_wait(page, "Cats?")
    button(page, "Retry").last.click()
    expect(answer(page)).to_contain_text("second")
    button(page, "New chat").click()
    expect(page.locator(".welcome")).to_be_visible()
    ask_and_wait(page, "Dogs?")
    button(page, "All chats").click()
    path = download(page, kind, tmp_path)
    page.close()

    fresh = tab(site(ScriptedEngine(), MemoryStore()))
    bring_in(fresh, path)
    expect(fresh.get_by_text("2 chats imported.")).to_be_visible()
    expect(listed(fresh)).to_have_count(2)
    listed(fresh).filter(has_text="Cats?").click()
    expect(fresh.locator("#transcript .user-row")).to_contain_text("Cats?")
    expect(answer(fresh)).to_contain_text("second")
    if kind == "JSON":
        expect(answer(fresh)).to_contain_text("2/2")


def test_what_an_import_leaves_out_stays_on_the_page_until_it_is_closed(
    site: Site, tab: Open, tmp_path: Path
) -> None:
    turns = [{"role": "user", "content": "Weather?"}, {"role": "tool", "content": "rain"}]
    path = tmp_path / "chats.json"
    path.write_text(json.dumps([{"messages": turns}, 5]), encoding="utf-8")
    page = tab(site(ScriptedEngine()))
    bring_in(page, path)
    report = page.locator("#done .report")
    expect(report).to_contain_text("1 chat imported.")
    expect(report).to_contain_text("Left out: 1 call or result of tools.")
    expect(report).to_contain_text("1 part of the file could not be read: [1]:")
    report.get_by_role("button", name="Close").click()
    expect(report).to_have_count(0)


def test_the_first_imported_conversation_is_opened(site: Site, tab: Open, tmp_path: Path) -> None:
    path = tmp_path / "chat.json"
    turns = [{"from": "human", "value": "Knock knock"}, {"from": "gpt", "value": "Who is there?"}]
    path.write_text(json.dumps([{"conversations": turns}]), encoding="utf-8")
    page = tab(site(ScriptedEngine()))
    bring_in(page, path)
    expect(page.get_by_text("1 chat imported.")).to_be_visible()
    expect(page.locator("#transcript .user-row")).to_contain_text("Knock knock")
    expect(answer(page)).to_contain_text("Who is there?")
    expect(listed(page)).to_have_attribute("aria-current", "page")


@pytest.mark.parametrize(
    ("content", "place"),
    [
        ('[{"conversations": [{"from": "human",\n "value": }]}]', "line 2"),
        ('[{"conversations": [{"from": "nobody", "value": "x"}]}]', "from"),
        ("not json at all <b>", "line 1"),
        ("[]", "no conversation"),
    ],
)
def test_a_broken_file_is_refused_with_its_place_and_nothing_comes_in(
    site: Site, tab: Open, tmp_path: Path, content: str, place: str
) -> None:
    path, store = tmp_path / "broken.json", MemoryStore()
    path.write_text(content, encoding="utf-8")
    page = tab(site(ScriptedEngine(), store))
    bring_in(page, path)
    alert = page.locator("#conversations").get_by_role("alert")
    expect(alert).to_contain_text("This file cannot be imported")
    expect(alert).to_contain_text(place)
    expect(alert).to_contain_text("Nothing was imported.")
    assert store.stored == {}


def test_a_broken_file_is_refused_in_chinese_too(site: Site, tab: Open, tmp_path: Path) -> None:
    path = tmp_path / "broken.json"
    path.write_text("[\n\n}", encoding="utf-8")
    page = tab(site(ScriptedEngine()), locale="zh-CN")
    bring_in(page, path, user_id="全部对话", item="导入对话")
    alert = page.locator("#conversations").get_by_role("alert")
    expect(alert).to_have_text("无法导入这个文件：第 3 行不是有效的 JSON。没有导入任何内容。")


@pytest.mark.parametrize("way", ["another conversation", "a new chat", "a temporary one", "back"])
def test_the_reason_of_a_refused_file_stays_until_another_conversation_is_opened(
    site: Site, tab: Open, tmp_path: Path, way: str
) -> None:
    path = tmp_path / "broken.json"
    path.write_text("[]", encoding="utf-8")
    page = tab(site(ScriptedEngine()))
    ask_and_wait(page, "A question")
    if way == "another conversation":
        button(page, "New chat").click()
        expect(page.locator(".welcome")).to_be_visible()
    alert = page.locator("#conversations").get_by_role("alert")
    bring_in(page, path)
    expect(alert).to_contain_text("This file cannot be imported")
    if way == "another conversation":
        listed(page).click()
    elif way == "a new chat":
        button(page, "New chat").click()
    elif way == "a temporary one":
        page.locator("[data-do=temporary]").click()
    else:
        page.go_back()
    expect(alert).to_have_count(0)
    bring_in(page, path)
    expect(alert).to_contain_text("This file cannot be imported")  # the same error again


def test_a_file_that_comes_in_takes_away_why_another_was_refused(
    site: Site, tab: Open, tmp_path: Path
) -> None:
    broken, whole = tmp_path / "broken.json", tmp_path / "whole.json"
    broken.write_text("[]", encoding="utf-8")
    turns = [{"from": "human", "value": "Knock knock"}, {"from": "gpt", "value": "Who is there?"}]
    whole.write_text(json.dumps([{"conversations": turns}]), encoding="utf-8")
    page = tab(site(ScriptedEngine()))
    bring_in(page, broken)
    expect(page.locator("#conversations").get_by_role("alert")).to_be_visible()
    bring_in(page, whole)
    expect(page.get_by_text("1 chat imported.")).to_be_visible()
    expect(page.locator("#conversations").get_by_role("alert")).to_have_count(0)


def test_a_file_of_100_mb_is_refused_before_it_is_sent(
    site: Site, tab: Open, tmp_path: Path
) -> None:
    path = tmp_path / "huge.json"
    with path.open("wb") as file:
        file.truncate(100 * MIB)
    page = tab(site(ScriptedEngine()))
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url))
    bring_in(page, path)
    alert = page.locator("#conversations").get_by_role("alert")
    expect(alert).to_contain_text("at most 64 MB can be imported")
    assert not [url for url in sent if "api/import" in url]


def test_the_conversation_of_another_user_looks_like_a_missing_one(site: Site, tab: Open) -> None:
    store = MemoryStore()
    url = site(ScriptedEngine(), store)
    page = tab(url)
    ask_and_wait(page, "Mine")
    [(conversation_id, conversation)] = store.stored.items()
    store.stored[conversation_id] = replace(conversation, owner_id="somebody")
    for address in (conversation_id, "no-such-thing", "temporary-gone", "%00<b>"):
        other = tab(url, path=f"#{address}")
        expect(other.get_by_role("alert")).to_have_text("This chat does not exist any more.")
        expect(other.locator(".welcome")).to_be_visible()
        expect(other.get_by_text("Mine")).to_have_count(0)


@pytest.mark.parametrize("route", ["api/import", "api/presets/import"])
def test_a_file_that_a_proxy_refuses_is_said_to_be_too_large_for_it(
    site: Site, tab: Open, tmp_path: Path, route: str
) -> None:
    page = tab(site(ScriptedEngine()))
    html = "<html><h1>413 Request Entity Too Large</h1><hr>nginx</html>"
    page.route(
        f"**/{route}",
        lambda request: request.fulfill(status=413, content_type="text/html", body=html),
    )
    path = tmp_path / "file.json"
    path.write_text("{}")
    if route == "api/import":
        bring_in(page, path)
    else:
        page.locator("#import-preset").set_input_files(path)
    expect(page.get_by_text("The proxy in front of this app")).to_be_visible()
