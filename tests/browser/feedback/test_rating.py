"""Rating an answer: with one click, in the form, by key, on a phone, and what outlives mishaps."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from chat.accounts.models import LOCAL
from chat.feedback.models import Rating, RatingInput, Verdict
from chat.feedback.validation import MAX_COMMENT
from store import RoutingStore, open_store
from tests.browser.conftest import Open, Site
from tests.browser.coroutines import run_coroutine
from tests.browser.steps import answer, ask, ask_and_wait, under
from tests.fakes import Script, ScriptedEngine
from tests.migrated import migrated

pytestmark = pytest.mark.browser


@pytest.fixture
def store(tmp_path: Path) -> Iterator[RoutingStore]:
    store = open_store(migrated(tmp_path))
    run_coroutine(store.open())
    yield store
    run_coroutine(store.close())


@pytest.fixture
def page(store: RoutingStore, site: Site, tab: Open) -> Page:
    engine = ScriptedEngine([Script(("Lyon is the capital.",)), Script(("Paris is.",))])
    page = tab(site(engine, store))
    ask_and_wait(page, "Capital of France?")
    return page


def stored_ratings(store: RoutingStore) -> list[Rating]:
    """The last rating of each answer, in the order of the answers."""

    async def look() -> list[Rating]:
        (conversation,) = await store.conversations(LOCAL.id)
        archive = await store.archive(LOCAL.id, conversation.id)
        ids = [message.id for message in archive.messages]
        newest = await store.feedback.ratings.newest(LOCAL.id, ids)
        return [newest[key] for key in ids if key in newest]

    ratings: list[Rating] = run_coroutine(look())
    return ratings


def thumb(page: Page, name: str) -> Locator:
    return under(answer(page), name)


def expect_pressed(page: Page, name: str, pressed: bool = True) -> None:
    expect(thumb(page, name)).to_have_attribute("aria-pressed", str(pressed).lower())


def form(page: Page) -> Locator:
    return page.get_by_role("dialog", name="Rate this answer")


def open_form(page: Page, name: str = "Bad answer") -> Locator:
    thumb(page, name).click()
    expect(form(page)).to_be_visible()
    return form(page)


def save(page: Page) -> None:
    form(page).get_by_role("button", name="Save", exact=True).click()


def again(page: Page) -> None:
    page.reload()
    expect(page.locator("#tools [data-lang]")).to_be_attached()
    expect(thumb(page, "Good answer")).to_be_visible()


def test_a_good_answer_is_one_click_that_a_reload_shows(page: Page, store: RoutingStore) -> None:
    expect_pressed(page, "Good answer", False)
    thumb(page, "Good answer").click()
    expect_pressed(page, "Good answer")
    expect(thumb(page, "Good answer")).to_be_focused()
    again(page)
    expect_pressed(page, "Good answer")
    expect_pressed(page, "Bad answer", False)
    thumb(page, "Add a comment").click()
    form(page).get_by_label("Comment").fill("Short and right. 很好")
    save(page)
    expect(form(page)).to_be_hidden()
    expect(thumb(page, "Your rating")).to_be_visible()
    (rating,) = stored_ratings(store)
    assert rating.version == 2
    assert rating.rating_input == RatingInput(Verdict.UP, comment="Short and right. 很好")


def test_a_bad_answer_is_one_click_too_whatever_becomes_of_the_form(
    page: Page, store: RoutingStore
) -> None:
    open_form(page)
    page.keyboard.press("Escape")
    expect(form(page)).to_be_hidden()
    again(page)
    expect_pressed(page, "Bad answer")
    open_form(page)  # already rated so: the form alone
    form(page).get_by_role("button", name="Cancel").click()
    (rating,) = stored_ratings(store)
    assert (rating.version, rating.rating_input) == (1, RatingInput(Verdict.DOWN))


def test_a_rating_with_reasons_and_a_correction_can_be_changed_later(
    page: Page, store: RoutingStore
) -> None:
    open_form(page)
    expect(form(page).get_by_role("radio", name="Bad answer")).to_be_checked()
    form(page).get_by_label("Wrong facts").check()
    form(page).get_by_text("The answer should have been").click()
    correction = form(page).get_by_role("textbox", name="The answer should have been")
    expect(correction).to_have_value("Lyon is the capital.")
    correction.fill("Paris is the capital.")
    save(page)
    expect(form(page)).to_be_hidden()
    expect_pressed(page, "Bad answer")
    expect(thumb(page, "Bad answer")).to_be_focused()
    again(page)
    open_form(page, "Your rating")
    expect(form(page)).to_contain_text("Version 2")
    expect(form(page).get_by_label("Wrong facts")).to_be_checked()
    expect(correction).to_have_value("Paris is the capital.")
    form(page).get_by_label("Too long").check()
    save(page)
    expect(form(page)).to_be_hidden()
    (rating,) = stored_ratings(store)
    assert rating.version == 3
    assert rating.rating_input == RatingInput(
        Verdict.DOWN, ("wrong-facts", "too-long"), correction="Paris is the capital."
    )


def test_an_answer_that_was_stopped_before_its_first_word_can_be_called_slow(
    store: RoutingStore, site: Site, tab: Open
) -> None:
    page = tab(site(ScriptedEngine([Script((), hangs=True)]), store))
    ask(page, "Capital of France?")
    expect(answer(page)).to_contain_text("Reading the prompt")
    page.get_by_role("button", name="Stop", exact=True).click()
    open_form(page)
    form(page).get_by_label("Slow").check()
    save(page)
    expect(form(page)).to_be_hidden()
    again(page)
    expect_pressed(page, "Bad answer")
    assert [rating.rating_input for rating in stored_ratings(store)] == [
        RatingInput(Verdict.DOWN, ("slow",))
    ]


def test_each_version_of_an_answer_has_a_rating_of_its_own_which_can_be_taken_back(
    page: Page, store: RoutingStore
) -> None:
    thumb(page, "Good answer").click()
    expect_pressed(page, "Good answer")
    thumb(page, "Retry").click()
    expect(answer(page)).to_contain_text("Paris is.")
    expect_pressed(page, "Good answer", False)
    open_form(page)
    save(page)
    expect_pressed(page, "Bad answer")
    thumb(page, "Previous version").click()
    expect(answer(page)).to_contain_text("Lyon")
    expect_pressed(page, "Good answer")
    expect_pressed(page, "Bad answer", False)
    assert [rating.rating_input for rating in stored_ratings(store)] == [
        RatingInput(Verdict.UP),
        RatingInput(Verdict.DOWN),  # no reason is needed
    ]
    thumb(page, "Good answer").click()
    form(page).get_by_role("button", name="Withdraw").click()
    expect(form(page)).to_be_hidden()
    expect_pressed(page, "Good answer", False)
    assert [rating.version for rating in stored_ratings(store)] == [2, 1]


def test_what_was_typed_outlives_closing_by_mistake_and_a_reload(page: Page) -> None:
    open_form(page).get_by_label("Comment").fill("half a sent")
    page.keyboard.press("Escape")
    expect(form(page)).to_be_hidden()
    comment = open_form(page).get_by_label("Comment")
    expect(comment).to_have_value("half a sent")
    page.reload()
    expect(comment).to_have_value("half a sent")
    form(page).get_by_role("button", name="Cancel").click()
    ask_and_wait(page, "And of Italy?")
    expect(open_form(page).get_by_label("Comment")).to_have_value("")


def test_what_is_too_long_stays_in_the_form_and_a_deleted_answer_can_still_be_commented(
    page: Page, store: RoutingStore
) -> None:
    comment, why = open_form(page).get_by_label("Comment"), form(page).get_by_role("alert")
    comment.fill("x" * (MAX_COMMENT + 1))
    save(page)
    expect(why).to_contain_text(f"more than {MAX_COMMENT:,} characters")
    assert len(comment.input_value()) == MAX_COMMENT + 1
    comment.fill("kept all the same")

    async def delete() -> None:
        (conversation,) = await store.conversations(LOCAL.id)
        await store.delete(LOCAL.id, conversation.id)

    run_coroutine(delete())
    save(page)
    expect(form(page)).to_be_hidden()  # the thumb has kept the answer with its rating


def test_a_lost_connection_leaves_the_text_where_it_is(page: Page, store: RoutingStore) -> None:
    form_ = open_form(page)
    form_.get_by_label("Comment").fill("is there anybody?")
    page.clock.install()

    def hold(route: Route) -> None:
        """As if the server were gone: no answer comes."""

    page.route("**/gradio_api/**", hold)
    save(page)
    page.clock.run_for(11_000)
    expect(form_.get_by_role("alert")).to_contain_text("The server does not answer")
    expect(form_.get_by_label("Comment")).to_have_value("is there anybody?")
    assert [rating.rating_input for rating in stored_ratings(store)] == [RatingInput(Verdict.DOWN)]


def test_by_key_on_a_phone_in_chinese(store: RoutingStore, site: Site, tab: Open) -> None:
    engine = ScriptedEngine([Script(("你好",))])
    page = tab(
        site(engine, store), locale="zh-CN", viewport={"width": 390, "height": 844}, has_touch=True
    )
    page.get_by_role("textbox", name="消息", exact=True).fill("你好吗？")
    page.locator("#send").tap()
    bad = under(answer(page), "回答得不好")
    bad.focus()
    page.keyboard.press("Enter")
    sheet = page.get_by_role("dialog", name="评价这个回答")
    expect(sheet).to_be_visible()
    box = sheet.bounding_box()
    assert box
    assert (box["x"], box["width"], round(box["y"] + box["height"])) == (0, 390, 844)
    assert sheet.evaluate("it => it.scrollWidth <= it.clientWidth")
    sheet.get_by_label("太慢").check()
    sheet.get_by_label("评论").fill("慢")
    page.keyboard.press("Control+Enter")
    expect(sheet).to_be_hidden()
    expect(bad).to_have_attribute("aria-pressed", "true")
    assert [rating.rating_input for rating in stored_ratings(store)] == [
        RatingInput(Verdict.DOWN, ("slow",), "慢")
    ]
