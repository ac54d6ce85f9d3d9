"""What a model or a person writes is shown, never run, and loads nothing."""

import json

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Open, Site
from tests.browser.steps import answer, ask_and_wait, button, listed
from tests.fakes import Script, ScriptedEngine

pytestmark = pytest.mark.browser

RUN = "window.ran=1"
OUT = "http://canary.invalid/x"
PAYLOADS = [
    f"<script>{RUN}</script>",
    f"<img src=x onerror={RUN}>",
    f"<svg onload={RUN}></svg>",
    f"<svg><script>{RUN}</script></svg>",
    f"<iframe srcdoc='<script>parent.{RUN}</script>'></iframe>",
    f"<details open ontoggle={RUN}>x</details>",
    f"<a href='javascript:{RUN}' data-do='clear'>x</a>",
    f"[x](javascript:{RUN})",
    f"<form action='{OUT}'><button>x</button></form>",
    f"<style>body{{background:url({OUT})}}</style>",
    f"<math><mtext><table><mglyph><style><img src=x onerror={RUN}></style></mglyph></table>",
    f"$$\\href{{javascript:{RUN}}}{{x}}$$",
    f"\\(\\htmlData{{do=clear}}{{x}}\\) <object data='{OUT}'></object>",
    f"```html\n<script>{RUN}</script>\n```",
    f'```"><img src=x onerror={RUN}>\nx\n```',
    f"```mermaid\ngraph TD;A[<img src={OUT} onerror={RUN}>]-->B\n```",
    f"<video poster='{OUT}'></video><audio src='{OUT}'></audio>",
    f"<div style='position:fixed;inset:0;background:url({OUT})'>over all</div>",
    "{{constructor.constructor('window.ran=1')()}} ${window.ran=1}",
]


@pytest.mark.parametrize("payload", PAYLOADS)
def test_nothing_in_an_answer_a_question_or_a_title_runs(
    site: Site, tab: Open, payload: str
) -> None:
    page = tab(site(ScriptedEngine([Script([payload, " the end"])])))
    page.on("dialog", lambda dialog: pytest.fail(dialog.message))
    ask_and_wait(page, payload.replace("\n", " "))
    page.reload()
    expect(button(page, "Retry")).to_be_visible()
    for target in answer(page).locator(".md a, .md button, .md [data-do]").all():
        target.dispatch_event("click")
    page.wait_for_timeout(300)
    assert page.evaluate("window.ran") is None
    assert page.locator(".md :is(script, iframe, form, object, style)").count() == 0
    expect(listed(page)).to_have_count(1)


@pytest.mark.parametrize(
    "name", ["cpp", "php", "typescript", "constructor", "__proto__", "valueOf"]
)
def test_code_in_any_language_is_shown(site: Site, tab: Open, name: str) -> None:
    page = tab(site(ScriptedEngine([Script([f"```{name}\nint main;\n```\n\nthe end"])])))
    ask_and_wait(page, "Hi")
    expect(answer(page).locator("pre code")).to_contain_text("int main;")
    page.reload()
    expect(answer(page).locator("pre code")).to_contain_text("int main;")


def test_an_image_from_elsewhere_is_a_link_and_nothing_is_asked_for(site: Site, tab: Open) -> None:
    page = tab(site(ScriptedEngine([Script([f"![a chart]({OUT})"])])))
    ask_and_wait(page, "Hi")
    expect(answer(page).get_by_role("link", name="a chart")).to_have_attribute("href", OUT)


def test_what_a_person_writes_is_shown_letter_by_letter(site: Site, tab: Open) -> None:
    written = "**stars** <b>tags</b> `ticks` {{braces}} ${dollars} \\(x\\)"
    page = tab(site(ScriptedEngine()))
    ask_and_wait(page, written)
    shown = page.locator("#transcript .user-row .words")
    assert json.loads(shown.evaluate("e => JSON.stringify(e.textContent)")) == written
