"""Language, theme, small screens, accessible names, and rendering of answers."""

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Open, Site
from tests.browser.steps import answer, ask, ask_and_wait, box, button, listed
from tests.fakes import Script, ScriptedEngine

pytestmark = pytest.mark.browser

PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}


@pytest.mark.parametrize(
    ("locale", "send", "lang"), [("zh-CN", "发送", "zh"), ("fr-FR", "Send", "en")]
)
def test_the_page_speaks_the_browsers_language(
    site: Site, tab: Open, locale: str, send: str, lang: str
) -> None:
    page = tab(site(ScriptedEngine()), locale=locale)
    expect(button(page, send)).to_be_visible()
    expect(page.locator("html")).to_have_attribute("lang", lang)


def test_the_language_switches_at_once_keeps_the_page_and_is_remembered(
    site: Site, tab: Open
) -> None:
    page = tab(site(ScriptedEngine([Script(list("abcdefghij"), step_s=0.3)])))
    ask(page, "Letters")
    expect(answer(page)).to_contain_text("ab")
    box(page).fill("a draft")
    page.get_by_role("group", name="Language").get_by_role("radio", name="中").check()
    expect(page.get_by_role("button", name="停止", exact=True)).to_be_visible()
    expect(page.get_by_role("textbox", name="消息", exact=True)).to_have_value("a draft")
    expect(page.get_by_text("AI 生成内容仅供参考")).to_be_visible()
    expect(answer(page).locator(".md")).to_have_text("abcdefghij")
    expect(answer(page)).to_contain_text("首个 token")
    page.reload()
    expect(page.get_by_role("button", name="新对话", exact=True)).to_be_visible()


def test_the_language_switch_leaves_settings_that_nothing_was_asked_with_yet(
    site: Site, tab: Open
) -> None:
    page = tab(site(ScriptedEngine()))
    button(page, "Settings").click()
    page.get_by_label("System prompt").fill("Be brief.")
    button(page, "Close").click()
    page.get_by_role("group", name="Language").get_by_role("radio", name="中").check()
    expect(page.get_by_label("系统提示词")).to_have_value("Be brief.")


def test_the_theme_follows_the_system_until_it_is_chosen_and_is_remembered(
    site: Site, tab: Open
) -> None:
    page = tab(site(ScriptedEngine()), color_scheme="dark")
    background = "getComputedStyle(document.querySelector('#header')).backgroundColor"
    assert page.evaluate(background) == "rgb(25, 24, 23)"
    button(page, "Dark or light").click()
    assert page.evaluate(background) == "rgb(250, 249, 247)"
    page.reload()
    expect(button(page, "Send")).to_be_visible()
    assert page.evaluate(background) == "rgb(250, 249, 247)"


def test_on_a_phone_the_list_is_a_drawer_and_nothing_overflows(site: Site, tab: Open) -> None:
    wide = "| a | b | c | d | e | f |\n|---|---|---|---|---|---|\n" + "| long word |" * 6
    code = "```python\n" + "x = 1; " * 40 + "\n```"
    page = tab(site(ScriptedEngine([Script([f"{wide}\n\n{code}"])])), **PHONE)
    expect(button(page, "New chat")).to_be_hidden()
    ask_and_wait(page, "Table")
    width = "document.scrollingElement.scrollWidth"
    assert page.evaluate(width) == 390
    column = page.locator("#transcript .message-wrap")
    assert column.evaluate("e => e.scrollWidth <= e.clientWidth")
    button(page, "Conversations").first.click()
    expect(button(page, "New chat")).to_be_in_viewport()
    listed(page).first.click()
    expect(button(page, "New chat")).to_be_hidden()
    button(page, "Settings").click()
    expect(page.get_by_label("System prompt")).to_be_in_viewport()
    button(page, "Close").click()
    expect(page.get_by_label("System prompt")).to_be_hidden()


@pytest.mark.parametrize("size", [(720, 450), (390, 500), (195, 420)], ids=str)
def test_in_little_room_nothing_of_the_empty_page_lies_below_the_box(
    site: Site, tab: Open, size: tuple[int, int]
) -> None:
    page = tab(site(ScriptedEngine()), viewport={"width": size[0], "height": size[1]})
    page.locator(".welcome .examples button").last.click(trial=True)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_fingers_find_targets_of_forty_pixels(site: Site, tab: Open) -> None:
    page = tab(site(ScriptedEngine()), **PHONE)
    ask_and_wait(page, "Hi")
    for target in page.get_by_role("button").all():
        if target.is_visible() and not target.evaluate("e => !!e.closest('.sidebar')"):
            size = target.bounding_box()
            assert size
            assert min(size["width"], size["height"]) >= 40, target.inner_html()[:80]


def test_every_control_has_its_name(site: Site, tab: Open) -> None:
    page = tab(site(ScriptedEngine()))
    expect(box(page)).to_be_visible()
    for name in ("Send", "New chat", "Settings"):
        expect(button(page, name)).to_be_visible()
    expect(page.get_by_role("group", name="Language")).to_be_visible()
    ask_and_wait(page, "Hi")
    for name in ("Copy", "Retry"):
        expect(button(page, name)).to_be_visible()
    expect(page.get_by_role("navigation", name="Conversations")).to_be_visible()
    button(page, "Settings").click()
    expect(page.get_by_role("textbox", name="System prompt")).to_be_visible()
    nameless = "e => !(e.innerText.trim() || e.ariaLabel || e.title || e.textContent.trim())"
    for target in page.get_by_role("button").all():
        assert not target.evaluate(nameless), target.evaluate("e => e.outerHTML")


def test_the_closed_panel_is_out_of_the_keyboards_way(site: Site, tab: Open) -> None:
    page = tab(site(ScriptedEngine()))
    expect(box(page)).to_be_visible()
    reached = []
    for _ in range(30):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("!!document.activeElement.closest('#settings')"))
    assert not any(reached)


def test_formulas_money_tables_and_code_are_what_they_are(site: Site, tab: Open) -> None:
    written = (
        "Inline \\(a^2\\), $$b^2$$ and \\[c^2\\]\n\n"
        "It costs $5 and $10 to $20.\n\n"
        "| x | y |\n|---|---|\n| 1 | 2 |\n\n"
        "```python\nprint('hi')  # \\(no formula\\)\n```\n"
    )
    page = tab(site(ScriptedEngine([Script([written])])))
    ask_and_wait(page, "Show")
    newest_answer = answer(page)
    expect(newest_answer.locator("math")).to_have_count(3)
    expect(newest_answer.locator("math[display=block]")).to_have_count(2)
    expect(newest_answer).to_contain_text("It costs $5 and $10 to $20.")
    expect(newest_answer.get_by_role("cell")).to_have_text(["1", "2"])
    code = newest_answer.locator(".code-block")
    expect(code).to_have_attribute("data-language", "python")
    expect(code.locator("code")).to_have_text("print('hi')  # \\(no formula\\)")
    written_in, plain = (
        code.locator(word).evaluate("word => getComputedStyle(word).color")
        for word in (".hl-s1", "code")
    )
    assert written_in != plain
    code.get_by_role("button", name="Copy").click()
    expect(code.get_by_role("button", name="Copied")).to_be_visible()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied == "print('hi')  # \\(no formula\\)"


def test_what_is_finished_of_an_answer_is_drawn_once(site: Site, tab: Open) -> None:
    paragraphs = [f"Paragraph {number} " + "word " * 200 + "\n\n" for number in range(12)]
    page = tab(site(ScriptedEngine([Script(paragraphs, step_s=0.2, hangs=True)])))
    ask(page, "Write")
    expect(answer(page)).to_contain_text("Paragraph 7")
    first = answer(page).locator(".md p").first
    first.evaluate("node => (node.kept = true)")
    expect(answer(page)).to_contain_text("Paragraph 10")
    assert first.evaluate("node => node.kept")
    expect(answer(page).locator(".md").last).to_contain_class("live")


def test_the_answer_does_not_move_while_it_grows(site: Site, tab: Open) -> None:
    words = [f"word{number} " for number in range(30)]
    page = tab(site(ScriptedEngine([Script(words, step_s=0.05)])))
    ask(page, "Grow")
    expect(answer(page)).to_contain_text("word1")
    top = answer(page).bounding_box()
    expect(answer(page)).to_contain_text("word29")
    expect(button(page, "Retry")).to_be_visible()
    now = answer(page).bounding_box()
    assert top
    assert now
    assert (now["x"], now["y"]) == (top["x"], top["y"])


def test_warnings_stay_in_sight(site: Site, tab: Open) -> None:
    engine = ScriptedEngine(notes=("starter-model", "one-at-a-time"))
    page = tab(site(engine, open_to_network=True))
    expect(page.get_by_text("without a login")).to_be_visible()
    expect(page.get_by_text("download_model.py --model Qwen2.5-7B-Instruct")).to_be_visible()
    expect(page.get_by_text("one at a time")).to_be_visible()
    expect(page.get_by_text("AI-generated, check before use")).to_be_visible()


ENGLISH = r"""() => {
    const names = /Qwen Chat|Scripted-1B-Instruct|bf16|cpu|token|Top-[pk]/g;
    const keys = /Ctrl|Shift|Enter|Esc|Alt|Del/g;
    const said = [];
    for (const element of document.querySelectorAll("body *")) {
        const written = element.closest("#transcript .md, .words, script, style");
        if (written || !element.checkVisibility({ visibilityProperty: true })) continue;
        for (const name of ["aria-label", "title", "placeholder", "aria-valuetext"]) {
            said.push(element.getAttribute(name) ?? "");
        }
        for (const node of element.childNodes) if (node.nodeType === 3) said.push(node.data);
    }
    const strange = said.filter((text) => !/[\u4e00-\u9fff]/.test(text));
    const left = strange.map((text) => text.replace(names, "").replace(keys, ""));
    return left.filter((text) => /[A-Za-z]{3}/.test(text));
}"""
"""What can be seen or heard and is English, but for names."""


def test_in_chinese_nothing_speaks_english(site: Site, tab: Open) -> None:
    page = tab(site(ScriptedEngine([Script(["```python\nprint()\n```"])])), locale="zh-CN")
    expect(page.locator(".gauge.low")).to_be_visible()
    assert page.evaluate(ENGLISH) == []
    page.get_by_role("textbox", name="消息", exact=True).fill("你好")
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="重试", exact=True)).to_be_visible()
    for panel in ("settings", "presets"):
        page.locator(f"#row [data-do={panel}]").click()
        expect(page.locator(f"#{panel}.open")).to_be_visible()
        page.wait_for_timeout(300)
        assert page.evaluate(ENGLISH) == []
        page.keyboard.press("Escape")
        expect(page.locator(f"#{panel}.open")).to_have_count(0)
    page.locator("#transcript").click()
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_be_visible()
    assert page.evaluate(ENGLISH) == []


def test_bullets_are_full_outside_and_hollow_inside(site: Site, tab: Open) -> None:
    page = tab(
        site(
            ScriptedEngine(
                [Script(["- outer\n    - inner\n        - innermost\n\n1. first\n    - point"])]
            )
        )
    )
    ask_and_wait(page, "Which?")
    styles = "lists => lists.map((list) => getComputedStyle(list).listStyleType)"
    found = answer(page).locator(".md :is(ul, ol)").evaluate_all(styles)
    assert found == ["disc", "circle", "square", "decimal", "circle"]


def test_gradios_hidden_clock_is_not_read_out(site: Site, tab: Open) -> None:
    page = tab(site(ScriptedEngine()))
    ask_and_wait(page, "Hello?")
    kept = "hidden => hidden.map((clock) => getComputedStyle(clock).visibility)"
    clocks = page.locator(".wrap.hide").evaluate_all(kept)
    assert clocks
    assert set(clocks) == {"hidden"}
