"""The behaviour of Gradio that the page depends on: an upgrade that changes it fails here."""

import re
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import gradio as gr
import pytest
from gradio import routes
from gradio.context import Context
from gradio.state_holder import SessionState
from markupsafe import Markup

from chat.conversations.presets import Presets
from tests.chat import make_chat
from tests.fakes import unrated
from tests.hosting import dashboard_of, hosting_of
from ui.assets import script_before_gradio
from ui.gradio_adapter.blocks import PageBlocks
from ui.gradio_adapter.first_script import put_first
from ui.gradio_adapter.mount import event_names
from ui.page import build_page
from ui.services import Services

UPDATES = 100


def build_site() -> gr.Blocks:
    chat = make_chat()
    store = chat.store
    services = Services(
        chat.engine,
        chat.answers,
        chat.conversations,
        Presets(store),
        unrated(store),
        hosting_of(store).participation,
        dashboard_of(store),
    )
    return build_page(services, open_to_network=False)


def components_built() -> int:
    """Gradio numbers all components that it makes in this process."""
    number: int = Context.id
    return number


def two_outputs(kind: Callable[..., gr.Blocks]) -> tuple[gr.Blocks, gr.Textbox, gr.Number]:
    with kind(analytics_enabled=False) as blocks:
        text, number = gr.Textbox(), gr.Number()
        blocks.load(lambda: None, None, [text, number])
    return blocks, text, number


async def sent(blocks: gr.Blocks, result: Any) -> list[Any]:
    [event] = blocks.fns.values()
    return await blocks.postprocess_data(event, result, SessionState(blocks))


async def test_gradio_still_builds_a_component_for_an_output_that_is_skipped() -> None:
    """When this fails, Gradio does without: delete ui/gradio_adapter/blocks.py and its tests."""
    blocks, text, _ = two_outputs(gr.Blocks)
    before = components_built()
    await sent(blocks, {text: "new"})
    assert components_built() == before + 1


async def test_an_answer_of_100_updates_builds_no_component() -> None:
    blocks = build_site()
    listen = next(number for number, name in event_names(blocks).items() if "listen" in name)
    event = blocks.fns[listen]
    newest = next(block for block in event.outputs if block.elem_id == "newest")
    state = SessionState(blocks)
    before = components_built()
    for count in range(UPDATES):
        message = {"role": "assistant", "content": "word " * count}
        await blocks.postprocess_data(event, {newest: [message]}, state)
    assert components_built() == before


@pytest.mark.parametrize(
    "result",
    [
        gr.skip(),
        [gr.skip(), gr.skip()],
        ["new", gr.skip()],
        [gr.skip(), 3],
        ["new", 3],
        [gr.update(visible=False), gr.skip()],
        [gr.update(value="new", label="Label"), 3],
        [None, None],
        (gr.skip(), None),
    ],
)
async def test_what_is_sent_is_what_gradio_itself_sends(result: Any) -> None:
    gradio, *_ = two_outputs(gr.Blocks)
    ours, *_ = two_outputs(PageBlocks)
    copied = deepcopy(result)  # Gradio takes the value out of an update
    assert await sent(ours, copied) == await sent(gradio, result)


async def test_a_result_by_component_is_sent_as_gradio_itself_sends_it() -> None:
    gradio, text, number = two_outputs(gr.Blocks)
    ours, our_text, our_number = two_outputs(PageBlocks)
    assert await sent(ours, {our_text: "new"}) == await sent(gradio, {text: "new"})
    assert await sent(ours, {our_number: 3}) == await sent(gradio, {number: 3})


@pytest.mark.parametrize("result", [["one"], ("one",)])
async def test_too_few_values_are_refused_in_gradios_words(result: Any) -> None:
    for kind in (gr.Blocks, PageBlocks):
        blocks, *_ = two_outputs(kind)
        with pytest.raises(ValueError, match="didn't return enough output values"):
            await sent(blocks, result)


def test_gradios_script_still_has_the_timer_that_is_kept_from_running() -> None:
    [pattern] = re.findall(r"=> /(.+)/\.test", script_before_gradio())
    scripts = Path(gr.__file__).parent.glob("templates/frontend/assets/statustracker-*.js")
    [found] = [path.read_text(encoding="utf-8") for path in scripts]
    assert len(re.findall(pattern, found)) == 2  # the loop, and the time that an estimate is from


def test_the_first_script_of_the_page_is_ours() -> None:
    put_first("/* ours */", Markup())
    page = routes.templates.get_template("frontend/index.html")
    assert page.environment.loader is routes.templates.env.loader
    source = page.render(config={}, gradio_api_info={})
    assert source.index("<script>/* ours */</script>") < source.index("gradio_config")


def test_the_outline_of_the_page_stands_before_anything_that_gradio_draws() -> None:
    outline = '<div id="outline">{{ raw }}</div>'
    put_first("", Markup(outline))
    source = routes.templates.get_template("frontend/index.html").render(
        config={}, gradio_api_info={}
    )
    body = source.partition("<body")[2]
    assert body.index(outline) < body.index("<gradio-app")
