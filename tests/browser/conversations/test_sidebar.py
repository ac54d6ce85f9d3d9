"""The list of conversations: search, rename, pin, delete and undo, temporary chats, thousands."""

import asyncio
import re
from collections.abc import Sequence
from typing import cast

import pytest
from playwright.sync_api import Locator, Page, expect

from chat.accounts.models import LOCAL_USER
from chat.conversations.models import AnswerRecord, Archive, Question
from chat.models import ChatOptions, Status
from store.conversations.memory import TemporaryStore
from store.conversations.store import DatabaseConversations
from store.routing import RoutingStore
from tests.browser.conftest import Open, Site
from tests.browser.coroutines import run_coroutine
from tests.browser.steps import answer, ask, ask_and_wait, box, button, listed
from tests.fakes import Script, ScriptedEngine
from tests.memory_store import MemoryStore

pytestmark = pytest.mark.browser

PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}


async def add_conversation(store: MemoryStore, *turns: tuple[str, str]) -> None:
    """One conversation of these questions and answers, called after its first question."""
    conversation_id = None
    for question, words in turns:
        turn = await store.add_turn(
            LOCAL_USER,
            conversation_id=conversation_id,
            question=Question(question, f"request-{question}", title=question[:60]),
            options=ChatOptions(),
        )
        conversation_id = turn.conversation.id
        record = AnswerRecord(words, Status.DONE)
        await store.finish_answer(LOCAL_USER, turn.answer.id, record)


def store_of(*conversations: Sequence[tuple[str, str]]) -> MemoryStore:
    """A store with these, the last one newest."""
    store = MemoryStore()
    for turns in conversations:
        run_coroutine(add_conversation(store, *turns))
    return store


def entry(page: Page, title: str) -> Locator:
    return page.locator("#conversation-list li").filter(has_text=title)


def choose(page: Page, title: str, action: str) -> None:
    """Take an action from the menu of an entry."""
    entry(page, title).hover()
    entry(page, title).get_by_role("button").click()
    page.get_by_role("menuitem", name=action, exact=True).click()


def rename(page: Page, title: str, new: str, key: str = "Enter") -> None:
    choose(page, title, "Rename")
    field = page.get_by_role("textbox", name="Rename")
    expect(field).to_have_value(title)
    field.fill(new)
    field.press(key)


def search(page: Page, words: str) -> None:
    """Look for words, and wait until the list is that of what was found."""
    page.get_by_role("searchbox").fill(words)
    expect(page.locator(".results, .nothing")).to_be_visible()


# --- on the way -----------------------------------------------------------------------------------
class SlowStore(MemoryStore):
    """Takes its time to read a conversation, as a busy machine does."""

    async def archive(self, user_id: str, conversation_id: str) -> Archive:
        await asyncio.sleep(1)
        return await super().archive(user_id, conversation_id)


def test_a_question_sent_while_a_clicked_conversation_opens_goes_there(
    site: Site, tab: Open
) -> None:
    store = SlowStore()
    run_coroutine(add_conversation(store, ("Mine", "…")))
    run_coroutine(add_conversation(store, ("Other", "…")))
    page = tab(site(ScriptedEngine(), store))
    listed(page).filter(has_text="Mine").click()
    ask(page, "And?")
    expect(page.locator("#transcript .user-row")).to_have_text(["Mine", "And?"])
    button(page, "New chat").click()
    ask(page, "Something new")
    expect(page.locator("#transcript .user-row")).to_have_text(["Something new"])
    expect(listed(page)).to_have_count(3)


def test_each_conversation_keeps_its_draft_also_across_a_reload(site: Site, tab: Open) -> None:
    page = tab(site(ScriptedEngine(), store_of([("Mine", "…")], [("Other", "…")])))
    box(page).fill("for a new chat")
    listed(page).filter(has_text="Mine").click()
    expect(page.locator("#transcript .user-row")).to_have_text(["Mine"])
    expect(box(page)).to_have_value("")
    box(page).fill("for mine")
    listed(page).filter(has_text="Other").click()
    expect(box(page)).to_have_value("")
    page.go_back()
    expect(box(page)).to_have_value("for mine")
    page.reload()
    expect(box(page)).to_have_value("for mine")
    button(page, "New chat").click()
    expect(box(page)).to_have_value("for a new chat")
    box(page).press("Enter")
    expect(page.locator("#transcript .user-row")).to_have_text(["for a new chat"])
    expect(box(page)).to_have_value("")


PICTURES_LATE = """() => {
    const fetch = window.fetch;
    window.fetch = async (...asked) => {
        const pictures = String(asked[0].url ?? asked[0]).includes("/queue/data");
        if (pictures) await new Promise((go) => setTimeout(go, 1500));
        return fetch(...asked);
    };
}"""


def test_a_picture_that_comes_late_does_not_lead_back(site: Site, tab: Open) -> None:
    page = tab(site(ScriptedEngine()))
    ask_and_wait(page, "Cats?")
    page.evaluate(PICTURES_LATE)
    with page.expect_response(lambda response: "/queue/data" in response.url):
        ask(page, "Dogs?")
        expect(page.locator("#transcript .user-row")).to_have_text(["Cats?", "Dogs?"])
        button(page, "New chat").click()
        expect(page.locator(".welcome")).to_be_visible()
    page.wait_for_timeout(1000)  # the time in which it would go back
    expect(page.locator(".welcome")).to_be_visible()
    ask(page, "Something new")
    expect(page.locator("#transcript .user-row")).to_have_text(["Something new"])
    expect(listed(page)).to_have_count(2)


# --- search ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "found", "marks"),
    [
        ("雪", ["北京下雪了吗"], ["雪", "雪"]),
        ("天气", ["Weekend plans"], ["天气"]),
        ("umbrel", ["Weekend plans"], ["umbrella"]),
        ("weekend", ["Weekend plans"], ["Weekend", "Weekend"]),
    ],
)
def test_a_search_finds_words_in_titles_and_texts_and_marks_them(
    site: Site, tab: Open, words: str, found: list[str], marks: list[str]
) -> None:
    store = store_of(
        [("Weekend plans", "周六的天气很好。 Take no umbrella.")],
        [("北京下雪了吗", "没有。")],
        [("Something else", "Nothing of the kind.")],
    )
    page = tab(site(ScriptedEngine(), store))
    expect(listed(page)).to_have_count(3)
    search(page, words)
    expect(page.get_by_role("status").filter(has_text="found")).to_have_text("1 chat found")
    expect(listed(page).locator("span")).to_have_text(found)
    expect(listed(page).locator("mark")).to_have_text(marks)


def test_what_is_found_opens_on_its_branch_and_is_scrolled_to(site: Site, tab: Open) -> None:
    engine = ScriptedEngine([Script(["the golden needle"]), Script(["only straw"])])
    store = store_of([("Haystack", "…")], [("Other", "…")])
    page = tab(site(engine, store))
    listed(page).filter(has_text="Haystack").click()
    ask_and_wait(page, "Where is it?")
    expect(answer(page)).to_contain_text("golden needle")
    button(page, "Retry").last.click()
    expect(answer(page)).to_contain_text("only straw")
    listed(page).filter(has_text="Other").click()
    expect(page.locator("#transcript")).not_to_contain_text("straw")
    search(page, "needle")
    listed(page).filter(has_text="Haystack").click()
    expect(answer(page)).to_contain_text("golden needle")
    expect(page.locator(".sought")).to_contain_text("golden needle")
    expect(page.locator(".sought")).to_have_count(0)


def test_an_old_message_of_a_long_conversation_is_found_and_displayed(
    site: Site, tab: Open
) -> None:
    turns = [(f"Question {number}", f"Answer {number}\n\n" + "long " * 300) for number in range(40)]
    turns[3] = ("A rare platypus", "It lays eggs.")
    page = tab(site(ScriptedEngine(), store_of(turns)))
    search(page, "platypus")
    listed(page).first.click()
    expect(page.locator(".sought")).to_contain_text("A rare platypus")
    expect(page.get_by_text("A rare platypus").last).to_be_in_viewport()


def test_escape_leaves_a_search_and_an_empty_result_has_a_message(site: Site, tab: Open) -> None:
    page = tab(site(ScriptedEngine(), store_of([("One", "…")], [("Two", "…")])))
    search(page, "<b>absent</b>")
    expect(page.get_by_text("Nothing found.")).to_be_visible()
    page.get_by_role("searchbox").press("Escape")
    expect(page.get_by_role("searchbox")).to_have_value("")
    expect(listed(page)).to_have_text(["Two", "One"])


def test_up_and_down_walk_through_what_was_found(site: Site, tab: Open) -> None:
    page = tab(site(ScriptedEngine(), store_of([("Red fox", "…")], [("Red kite", "…")])))
    search(page, "red")
    expect(listed(page).locator("mark")).to_have_count(4)
    page.get_by_role("searchbox").press("ArrowDown")
    expect(listed(page).first).to_be_focused()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.locator("#transcript .user-row")).to_contain_text("Red fox")


# --- rename and pin -------------------------------------------------------------------------------


def test_enter_keeps_a_new_title_and_escape_the_old_one(site: Site, tab: Open) -> None:
    page = tab(site(ScriptedEngine(), store_of([("Old name", "…")])))
    rename(page, "Old name", "Never mind", key="Escape")
    expect(listed(page)).to_have_text(["Old name"])
    rename(page, "Old name", "New name")
    expect(listed(page)).to_have_text(["New name"])
    expect(listed(page)).to_be_focused()
    page.reload()
    expect(listed(page)).to_have_text(["New name"])


def test_any_title_is_displayed_literally(site: Site, tab: Open) -> None:
    titles = ["<img src=x onerror=alert(1)>", "👩‍👩‍👧 🚀 日本", "مرحبا (1) שלום"]
    plain = [f"Plain {number}" for number in range(len(titles))]
    page = tab(site(ScriptedEngine(), store_of(*([(title, "…")] for title in plain))))
    for old, new in zip(plain, titles, strict=True):
        rename(page, old, new)
        expect(listed(page).filter(has_text=new)).to_have_count(1)
    search(page, "plain")
    expect(listed(page).locator("span")).to_have_text(list(reversed(titles)))
    expect(listed(page).locator("img")).to_have_count(0)


def test_a_typed_title_survives_a_redraw_of_the_list(site: Site, tab: Open) -> None:
    url = site(ScriptedEngine(), store_of([("First", "…")]))
    page, other = tab(url), tab(url)
    choose(page, "First", "Rename")
    page.get_by_role("textbox", name="Rename").fill("Half a na")
    ask_and_wait(other, "Second")
    expect(listed(page)).to_have_count(2)
    expect(page.get_by_role("textbox", name="Rename")).to_have_value("Half a na")
    page.keyboard.press("Enter")
    expect(listed(page)).to_have_text(["Second", "Half a na"])


def test_of_two_names_at_once_both_can_be_read_and_one_taken(site: Site, tab: Open) -> None:
    url = site(ScriptedEngine(), store_of([("Mine", "…")]))
    page, other = tab(url), tab(url)
    choose(page, "Mine", "Rename")
    rename(other, "Mine", "Theirs")
    expect(listed(other)).to_have_text(["Theirs"])
    page.get_by_role("textbox", name="Rename").fill("Ours")
    page.keyboard.press("Enter")
    notice = page.locator("#conversations").get_by_role("alert")
    expect(notice).to_contain_text(
        "This chat was renamed to Theirs somewhere else. Your title: Ours"
    )
    expect(listed(page)).to_have_text(["Theirs"])
    notice.get_by_role("button", name="Use mine").click()
    expect(listed(page)).to_have_text(["Ours"])
    expect(notice).to_have_count(0)


def test_a_pinned_conversation_stays_on_top(site: Site, tab: Open) -> None:
    page = tab(site(ScriptedEngine(), store_of([("Old", "…")], [("New", "…")])))
    expect(listed(page)).to_have_text(["New", "Old"])
    choose(page, "Old", "Pin")
    expect(listed(page)).to_have_text(["Old", "New"])
    expect(page.get_by_role("heading", name="Pinned")).to_be_visible()
    choose(page, "Old", "Unpin")
    expect(listed(page)).to_have_text(["New", "Old"])


# --- delete and undo ------------------------------------------------------------------------------


def test_a_deleted_conversation_is_gone_at_once_and_comes_back_with_undo(
    site: Site, tab: Open
) -> None:
    page = tab(site(ScriptedEngine(), store_of([("Keep", "…")], [("Lose", "…")])))
    listed(page).filter(has_text="Keep").click()
    choose(page, "Lose", "Delete")
    expect(listed(page)).to_have_text(["Keep"])
    expect(page.get_by_text("Moved to the trash: Lose")).to_be_visible()
    expect(button(page, "Undo")).to_be_focused()
    button(page, "Undo").click()
    expect(listed(page)).to_have_text(["Lose", "Keep"])
    expect(page.locator("#transcript .user-row")).to_contain_text("Keep")


def test_a_chat_is_archived_and_restored_out_of_the_trash_by_keyboard(
    site: Site, tab: Open
) -> None:
    page = tab(site(ScriptedEngine(), store_of([("Keep", "…")], [("Old", "…")])))
    listed(page).filter(has_text="Old").focus()
    page.keyboard.press("e")
    expect(listed(page)).to_have_text(["Keep"])
    listed(page).filter(has_text="Keep").focus()
    page.keyboard.press("Delete")
    expect(page.get_by_text("Your conversations will be listed here.")).to_be_visible()
    for folder in ("Archived", "Trash"):
        button(page, "All chats").click()
        page.get_by_role("menuitem", name=folder).click()
        expect(page.get_by_role("heading", name=folder)).to_be_visible()
    page.get_by_role("button", name="30 days left").press("Enter")
    page.get_by_role("menuitem", name="Restore").press("Enter")
    expect(page.get_by_text("The trash is empty.")).to_be_visible()
    button(page, "Back to the chats").click()
    expect(listed(page)).to_have_text(["Keep"])


def test_deleting_the_open_conversation_empties_the_page_and_undo_opens_it_again(
    site: Site, tab: Open
) -> None:
    page = tab(site(ScriptedEngine()))
    ask_and_wait(page, "Forget me")
    choose(page, "Forget me", "Delete")
    expect(page.locator(".welcome")).to_be_visible()
    expect(page.get_by_text("Your conversations will be listed here.")).to_be_visible()
    assert "#" not in page.url
    button(page, "Undo").click()
    expect(page.locator("#transcript .user-row")).to_contain_text("Forget me")
    expect(listed(page)).to_have_attribute("aria-current", "page")


def test_the_way_back_is_offered_for_ten_seconds(site: Site, tab: Open) -> None:
    page = tab(site(ScriptedEngine(), store_of([("Lose", "…")])))
    choose(page, "Lose", "Delete")
    expect(button(page, "Undo")).to_be_visible()
    expect(button(page, "Undo")).to_be_hidden(timeout=15_000)


def test_deleting_ends_the_answer_that_is_being_written(site: Site, tab: Open) -> None:
    engine = ScriptedEngine([Script(["on ", "and "], hangs=True)])
    page = tab(site(engine))
    ask(page, "Endless")
    expect(answer(page)).to_contain_text("on and")
    choose(page, "Endless", "Delete")
    expect(page.locator(".welcome")).to_be_visible()
    assert engine.cancelled == 1
    expect(button(page, "Send")).to_be_visible()


# --- thousands, temporary, small screens ----------------------------------------------------------


def test_two_thousand_conversations_can_be_reached_to_the_last_one(site: Site, tab: Open) -> None:
    page = tab(site(ScriptedEngine(), store_of(*([(f"Number {n}", "…")] for n in range(2000)))))
    expect(listed(page)).to_have_count(50)
    for count in (100, 200, 400, 800, 1600, 2000):
        button(page, "Show more").click()
        expect(listed(page)).to_have_count(count)
    expect(button(page, "Show more")).to_have_count(0)
    listed(page).last.click()
    # Not by expect: each time it looks in vain it describes the whole page, list included.
    page.wait_for_selector("#transcript .user-row:has-text('Number 0')")
    expect(listed(page).last).to_have_attribute("aria-current", "page")


def temporary_and_kept() -> tuple[MemoryStore, MemoryStore]:
    """What is kept, and a store that routes temporary conversations past it."""
    kept = MemoryStore()
    routed = RoutingStore(cast(DatabaseConversations, kept), TemporaryStore())
    return kept, cast(MemoryStore, routed)


def test_a_temporary_chat_leaves_no_trace(site: Site, tab: Open) -> None:
    kept, store = temporary_and_kept()
    page = tab(site(ScriptedEngine(), store))
    button(page, "Temporary chat: leaves no trace").click()
    expect(page.get_by_role("heading", name="Temporary chat")).to_be_visible()
    expect(page.get_by_text("Temporary: not saved")).to_be_visible()
    ask_and_wait(page, "A secret")
    ask_and_wait(page, "Another secret")
    expect(page.get_by_text("Temporary: not saved")).to_be_visible()
    expect(page).to_have_url(re.compile("#temporary-"))
    expect(page.get_by_text("Your conversations will be listed here.")).to_be_visible()
    search(page, "secret")
    expect(page.get_by_text("Nothing found.")).to_be_visible()
    assert kept.stored == {}
    button(page, "New chat").click()
    expect(page.get_by_text("Temporary: not saved")).to_be_hidden()
    ask_and_wait(page, "In the open")
    assert len(kept.stored) == 1


def test_a_temporary_chat_is_gone_after_a_restart(site: Site, tab: Open) -> None:
    _, store = temporary_and_kept()
    page = tab(site(ScriptedEngine(), store))
    button(page, "Temporary chat: leaves no trace").click()
    ask_and_wait(page, "A secret")
    address = page.url.partition("#")[2]
    page.close()
    _, restarted = temporary_and_kept()
    page = tab(site(ScriptedEngine(), restarted), path=f"#{address}")
    expect(page.get_by_role("alert")).to_have_text("This chat does not exist any more.")
    expect(page.locator("#transcript")).not_to_contain_text("A secret")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_on_a_phone_all_actions_are_in_the_drawer(site: Site, tab: Open, scheme: str) -> None:
    store = store_of([("One", "…")], [("Two", "…")])
    page = tab(site(ScriptedEngine(), store), color_scheme=scheme, **PHONE)
    expect(button(page, "New chat")).to_be_hidden()
    button(page, "Conversations").first.click()
    entry(page, "One").get_by_role("button").tap()
    for item in page.get_by_role("menuitem").all():
        size = item.bounding_box()
        if size:
            assert size["height"] >= 40, item.inner_text()
    page.get_by_role("menuitem", name="Delete").tap()
    expect(listed(page)).to_have_text(["Two"])
    button(page, "Undo").tap()
    expect(listed(page)).to_have_text(["Two", "One"])
    assert page.evaluate("document.scrollingElement.scrollWidth") == 390
    button(page, "Temporary chat: leaves no trace").tap()
    expect(button(page, "New chat")).to_be_hidden()
    expect(page.get_by_text("Temporary: not saved")).to_be_in_viewport()


def test_the_list_speaks_chinese_too(site: Site, tab: Open) -> None:
    page = tab(site(ScriptedEngine(), store_of([("旧的", "…")])), locale="zh-CN")
    entry(page, "旧的").hover()
    page.get_by_role("button", name="对“旧的”的操作").click()
    expect(page.get_by_role("menuitem")).to_have_text(
        ["重命名", "置顶", "打印视图", "归档", "Markdown", "HTML", "JSON", "ShareGPT", "删除"]
    )
    page.get_by_role("menuitem", name="删除").click()
    expect(page.get_by_text("已移到回收站：旧的")).to_be_visible()
    box_in_chinese = page.get_by_role("textbox", name="消息", exact=True)
    expect(box_in_chinese).to_be_visible()
    expect(box(page)).to_have_count(0)
