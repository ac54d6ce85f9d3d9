"""Asking, stopping, retrying, coming back: the page over the real domain and a scripted engine."""

import re

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from chat.accounts.models import LOCAL_USER
from chat.conversations.models import Question
from chat.models import ChatOptions, Finish
from chat.serving.errors import EngineFailed, OutOfMemory
from chat.serving.models import EngineState, LoadStage, Phase
from tests.browser.chromium import new_context
from tests.browser.conftest import Open, Site
from tests.browser.steps import answer, ask, ask_and_wait, box, button, listed
from tests.fakes import Script, ScriptedEngine
from tests.memory_store import MemoryStore

pytestmark = pytest.mark.browser

SLOW = Script(["one ", "two ", "three "], step_s=0.3, hangs=True)
"""An answer of three words that then never ends."""


def test_an_answer_appears_piece_by_piece_and_ends_with_its_numbers(site: Site, tab: Open) -> None:
    page = tab(site(ScriptedEngine([Script(["Hel", "lo ", "there"], step_s=1.5)])))
    ask(page, "Hi?")
    expect(box(page)).to_have_value("")
    expect(answer(page)).to_contain_text("Writing")
    expect(answer(page).locator(".md")).to_have_text(re.compile(r"^Hel(lo)?\s*$"))
    expect(answer(page).locator(".md")).to_have_text("Hello there")
    expect(answer(page)).to_contain_text("11 tokens · first token 0.10 s · 10.0 tokens/s")
    expect(button(page, "Send")).to_be_visible()


def test_the_second_question_is_asked_with_the_first(site: Site, tab: Open) -> None:
    engine = ScriptedEngine()
    page = tab(site(engine))
    ask_and_wait(page, "My name is Ada")
    ask_and_wait(page, "What is my name?")
    contents = [message.content for message in engine.prompts[-1]]
    assert contents == ["My name is Ada", "Hello", "What is my name?"]
    expect(page.locator("#transcript .user-row")).to_have_count(2)


def test_a_question_that_reaches_the_server_twice_is_asked_once(site: Site, tab: Open) -> None:
    engine = ScriptedEngine()
    page = tab(site(engine))

    def twice(route: Route) -> None:
        if "Twice?" in (route.request.post_data or ""):
            route.fetch()
        route.continue_()

    page.route("**/gradio_api/run/**", twice)
    ask_and_wait(page, "Twice?")
    expect(page.locator("#transcript .user-row")).to_have_count(1)
    assert len(engine.prompts) == 1
    page.unroute_all(behavior="wait")
    ask(page, "Twice?")
    expect(page.locator("#transcript .user-row")).to_have_count(2)
    expect(answer(page)).to_contain_text("5 tokens")
    assert len(engine.prompts) == 2


def test_older_conversations_are_a_click_away(site: Site, tab: Open) -> None:
    store = MemoryStore()
    for number in range(51):
        adding = store.add_turn(
            LOCAL_USER,
            conversation_id=None,
            question=Question("?", f"{number}", title=f"Number {number}"),
            options=ChatOptions(),
        )
        with pytest.raises(StopIteration):  # a coroutine that waits for nothing
            adding.send(None)
    page = tab(site(ScriptedEngine(), store))
    expect(listed(page)).to_have_count(50)
    button(page, "Show more").click()
    expect(listed(page)).to_have_count(51)
    expect(button(page, "Show more")).to_have_count(0)


def test_stop_takes_the_place_of_send_and_keeps_what_was_written(site: Site, tab: Open) -> None:
    engine = ScriptedEngine([SLOW])
    page = tab(site(engine))
    ask(page, "Count")
    expect(answer(page)).to_contain_text("one two three")
    expect(button(page, "Send")).to_be_hidden()
    button(page, "Stop").click()
    expect(answer(page)).to_contain_text("Stopped.")
    expect(answer(page)).to_contain_text("one two three")
    expect(button(page, "Stop")).to_be_hidden()
    expect(button(page, "Send")).to_be_visible()
    assert (engine.running, engine.cancelled) == (0, 1)


def test_retry_writes_another_answer_in_place(site: Site, tab: Open) -> None:
    page = tab(site(ScriptedEngine([Script(["first"]), Script(["second"])])))
    ask_and_wait(page, "Again?")
    expect(answer(page)).to_contain_text("first")
    button(page, "Retry").click()
    expect(answer(page)).to_contain_text("second")
    expect(page.locator("#transcript .bot-row")).to_have_count(1)


def test_a_failed_answer_shows_an_error_and_a_retry_button(site: Site, tab: Open) -> None:
    engine = ScriptedEngine([Script(["half"], error=EngineFailed()), Script(["whole"])])
    page = tab(site(engine))
    ask(page, "Fail")
    expect(answer(page).get_by_role("alert")).to_contain_text("this answer could not be written")
    expect(answer(page)).to_contain_text("half")
    button(page, "Retry").click()
    expect(answer(page)).to_contain_text("whole")
    expect(answer(page).get_by_role("alert")).to_have_count(0)


def test_a_failure_is_reported_in_the_language_of_the_page(site: Site, tab: Open) -> None:
    page = tab(site(ScriptedEngine([Script([], error=OutOfMemory())])), locale="zh-CN")
    page.get_by_role("textbox", name="消息", exact=True).fill("失败")
    page.get_by_role("button", name="发送", exact=True).click()
    expect(answer(page).get_by_role("alert")).to_contain_text("生成这个回答时内存不足")
    expect(page.get_by_role("button", name="重试", exact=True)).to_be_visible()


def test_an_answer_cut_by_length_has_a_message(site: Site, tab: Open) -> None:
    page = tab(site(ScriptedEngine([Script(["a"], finish=Finish.LENGTH)])))
    ask_and_wait(page, "Long")
    expect(answer(page)).to_contain_text("Cut at the maximum answer length.")


def test_a_reload_finds_the_conversation_and_goes_on_streaming(site: Site, tab: Open) -> None:
    page = tab(site(ScriptedEngine([Script(list("abcdefghij"), step_s=0.4)])))
    ask(page, "Alphabet")
    expect(answer(page)).to_contain_text("abc")
    page.reload()
    expect(answer(page).locator(".md")).to_have_text(re.compile(r"^abc[d-i]*\s*$"))
    expect(answer(page).locator(".md")).to_have_text("abcdefghij")
    expect(answer(page)).to_contain_text("10 tokens")


def test_a_second_tab_sees_the_answer_grow_and_a_closed_tab_stops_nothing(
    site: Site, tab: Open
) -> None:
    engine = ScriptedEngine([Script(list("abcdefghij"), step_s=0.4)])
    url = site(engine)
    first = tab(url)
    ask(first, "Alphabet")
    expect(answer(first)).to_contain_text("ab")
    second = tab(url, path=f"#{first.url.partition('#')[2]}")
    expect(answer(second)).to_contain_text("abc")
    first.close()
    expect(answer(second).locator(".md")).to_have_text("abcdefghij")
    assert engine.cancelled == 0


def test_the_list_brings_back_older_conversations_after_a_reload(site: Site, tab: Open) -> None:
    page = tab(site(ScriptedEngine()))
    ask_and_wait(page, "About cats")
    button(page, "New chat").click()
    expect(page.locator(".welcome")).to_be_visible()
    ask_and_wait(page, "About dogs")
    page.reload()
    expect(listed(page)).to_have_text(["About dogs", "About cats"])
    listed(page).filter(has_text="cats").click()
    expect(page.locator("#transcript .user-row")).to_have_text("About cats")
    expect(listed(page).filter(has_text="cats")).to_have_attribute("aria-current", "page")
    page.go_back()
    expect(page.locator("#transcript .user-row")).to_have_text("About dogs")


def test_a_click_on_an_entry_that_is_drawn_anew_under_the_button_still_opens_it(
    site: Site, tab: Open
) -> None:
    page = tab(site(ScriptedEngine()))
    ask_and_wait(page, "About cats")
    button(page, "New chat").click()
    expect(page.locator(".welcome")).to_be_visible()
    ask_and_wait(page, "About dogs")
    listed(page).filter(has_text="cats").hover()
    page.mouse.down()
    page.locator("#conversation-list").evaluate("list => list.replaceWith(list.cloneNode(true))")
    page.mouse.up()
    expect(page.locator("#transcript .user-row")).to_have_text("About cats")


SLOW_ANSWERS = """() => {
    const { fetch } = window;
    window.fetch = async (...request) => {
        const answer = await fetch(...request);
        await new Promise((done) => setTimeout(done, 500));
        return answer;
    };
}"""


def test_an_entry_clicked_while_another_one_is_on_its_way_is_opened(site: Site, tab: Open) -> None:
    page = tab(site(ScriptedEngine()))
    for question in ("About cats", "About dogs", "About birds"):
        ask_and_wait(page, question)
        button(page, "New chat").click()
        expect(page.locator(".welcome")).to_be_visible()
    expect(listed(page)).to_have_count(3)
    page.evaluate(SLOW_ANSWERS)
    with page.expect_request("**/run/predict"):
        listed(page).filter(has_text="cats").click()
    listed(page).filter(has_text="dogs").click()
    expect(page.locator("#transcript .user-row")).to_have_text("About dogs")
    page.go_back()
    expect(page.locator("#transcript .user-row")).to_have_text("About cats")


def test_looking_elsewhere_leaves_the_answer_running_and_the_picture_clean(
    site: Site, tab: Open
) -> None:
    engine = ScriptedEngine([Script(["quiet"]), Script(list("abcdefghij"), step_s=0.4)])
    page = tab(site(engine))
    ask_and_wait(page, "Done")
    button(page, "New chat").click()
    expect(page.locator(".welcome")).to_be_visible()
    ask(page, "Slow")
    expect(answer(page)).to_contain_text("ab")
    listed(page).filter(has_text="Done").click()
    expect(page.locator("#transcript .user-row")).to_have_text("Done")
    expect(listed(page).filter(has_text="Slow").get_by_role("img")).to_be_visible()
    page.wait_for_timeout(1000)
    expect(answer(page).locator(".md")).to_have_text("quiet")
    listed(page).filter(has_text="Slow").click()
    expect(answer(page).locator(".md")).to_have_text("abcdefghij")
    expect(listed(page).get_by_role("img")).to_have_count(0)


def test_an_address_of_a_missing_conversation_shows_the_empty_page_and_a_message(
    site: Site, tab: Open
) -> None:
    page = tab(site(ScriptedEngine()), path="#no-such-thing")
    expect(page.get_by_role("alert")).to_have_text("This chat does not exist any more.")
    expect(page.locator(".welcome")).to_be_visible()


def test_settings_are_used_kept_and_found_again(site: Site, tab: Open) -> None:
    engine = ScriptedEngine()
    page = tab(site(engine))
    button(page, "Settings").click()
    temperature = page.get_by_label("Temperature")
    expect(temperature).to_have_attribute("placeholder", "0.7")
    temperature.fill("0.2")
    page.get_by_label("System prompt").fill("Be brief.")
    page.get_by_label("Stop strings").fill("END")
    button(page, "Close").click()
    ask_and_wait(page, "Hi")
    assert engine.prompts[-1][0].content == "Be brief."
    assert engine.samplings[-1].temperature == 0.2
    assert engine.samplings[-1].stop == ("END",)
    page.reload()
    expect(page.get_by_label("Temperature")).to_have_value("0.2")
    button(page, "New chat").click()
    expect(page.get_by_label("Temperature")).to_have_value("")


def test_the_queue_position_is_displayed_while_waiting(site: Site, tab: Open) -> None:
    url = site(ScriptedEngine([SLOW]), max_running=1, max_waiting=1)
    first, second = tab(url), tab(url)
    ask(first, "First")
    expect(answer(first)).to_contain_text("one")
    ask(second, "Second")
    expect(answer(second)).to_contain_text("Waiting · next in line")
    button(second, "Stop").click()
    expect(answer(second)).to_contain_text("Stopped.")


def test_the_page_shows_the_loading_and_turns_ready_by_itself(site: Site, tab: Open) -> None:
    engine = ScriptedEngine(ready=False)
    engine.current_state = EngineState(Phase.LOADING, LoadStage.DOWNLOAD, 0.42, 190)
    page = tab(site(engine))
    expect(page.locator(".model[role=status]")).to_contain_text(
        "42% · Downloading the model · about 3 min left"
    )
    expect(page.get_by_role("progressbar")).to_have_attribute("value", "0.420")
    engine.current_state = EngineState(Phase.LOADING, LoadStage.LOAD, 0.9)
    expect(page.locator(".model[role=status]")).to_contain_text("90% · Loading the model")
    engine.current_state = EngineState(Phase.READY)
    expect(page.locator(".model[role=status]")).to_contain_text("bf16 · cpu")
    expect(page.get_by_role("progressbar")).to_have_count(0)
    ask_and_wait(page, "Ready?")


def test_copy_takes_what_the_model_wrote(site: Site, tab: Open) -> None:
    written = "Use **bold** and <b> in `code`"
    page = tab(
        site(ScriptedEngine([Script([written])])),
        permissions=["clipboard-read", "clipboard-write"],
    )
    ask_and_wait(page, "How?")
    button(page, "Copy").click()
    expect(button(page, "Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == written
    expect(button(page, "Copy")).to_be_visible()


def test_a_lost_server_is_reported_in_the_language_of_the_page(
    site: Site, browser: Browser
) -> None:
    context = new_context(browser, locale="zh-CN")  # of its own: what fails here fails on purpose
    page = context.new_page()
    page.goto(site(ScriptedEngine()))
    message = page.get_by_role("textbox", name="消息", exact=True)
    message.fill("还在吗？")
    context.set_offline(True)
    message.press("Enter")
    expect(page.get_by_text("暂时连不上服务器")).to_be_visible()
    expect(page.locator("body")).to_contain_class("offline")
    expect(page.get_by_text("Connection")).to_have_count(0)
    expect(message).to_have_value("还在吗？")
    context.close()


def test_without_the_server_nothing_looks_as_if_it_were_being_written(
    site: Site, browser: Browser
) -> None:
    context = new_context(browser, locale="en-US")  # of its own: what fails here fails on purpose
    page = context.new_page()
    page.goto(site(ScriptedEngine([SLOW])))
    ask(page, "Still there?")
    expect(answer(page).locator(".md")).to_contain_text("three")
    expect(answer(page).locator(".meta.live")).to_be_visible()
    context.set_offline(True)
    expect(page.locator("body")).to_contain_class("offline", timeout=30_000)
    expect(answer(page).locator(".md")).to_contain_text("three")
    expect(answer(page).locator(".meta.live")).to_be_hidden()
    cursor = "last => getComputedStyle(last, '::after').visibility"
    assert answer(page).locator(".md.live > :last-child").evaluate(cursor) == "hidden"
    context.close()


COUNT_FRAMES = """{
    window.frames_asked = 0;
    const inFrame = window.requestAnimationFrame.bind(window);
    window.requestAnimationFrame = (callback) => (window.frames_asked++, inFrame(callback));
}"""

IN_A_SECOND = """async () => {
    const before = window.frames_asked;
    await new Promise((resolve) => setTimeout(resolve, 1000));
    return window.frames_asked - before;
}"""


def wait_until_quiet(page: Page) -> None:
    """Transitions of the page take some seconds."""
    asked = [60]
    while asked[-1] >= 10 and len(asked) < 30:
        asked.append(page.evaluate(IN_A_SECOND))
    assert asked[-1] < 10, asked


def test_a_page_asks_for_no_frames_while_nothing_changes(site: Site, browser: Browser) -> None:
    context = new_context(browser, locale="en-US")
    context.add_init_script(COUNT_FRAMES)
    page = context.new_page()
    page.goto(site(ScriptedEngine([Script(("one ",), hangs=True)])))
    expect(page.locator("#tools [data-lang]")).to_be_attached()
    wait_until_quiet(page)
    ask(page, "Hello")
    expect(answer(page)).to_contain_text("one")
    wait_until_quiet(page)
    expect(answer(page).locator(".meta.live")).to_be_visible()
    context.close()
