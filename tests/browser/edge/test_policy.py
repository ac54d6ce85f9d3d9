"""What a browser may load for our page: nothing from outside, whatever a model writes."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import gradio as gr
import pytest
import uvicorn
from fastapi import FastAPI
from playwright.async_api import Page, async_playwright

from api.edge.options import EdgeOptions
from api.edge.uvicorn import server_config
from api.server import build_api
from tests.browser.chromium import ARGUMENTS, EXECUTABLE
from tests.fakes import ScriptedEngine

pytestmark = pytest.mark.browser

REACH_OUT = """
    <img src="{0}/img.png"><img srcset="{0}/set.png 1x">
    <video src="{0}/video.mp4"></video><audio src="{0}/audio.mp3" preload="auto"></audio>
    <iframe src="{0}/frame"></iframe><embed src="{0}/embed"><object data="{0}/object"></object>
    <link rel="stylesheet" href="{0}/style.css"><link rel="prefetch" href="{0}/prefetch">
    <style>@import "{0}/import.css"; @font-face {{ font-family: x; src: url({0}/font.woff2) }}
    p.out {{ font-family: x; background: url({0}/background.png) }}</style><p class="out">text</p>
    <script src="{0}/script.js"></script>
    <script>fetch("{0}/fetch", {{mode: "no-cors"}}).catch(() => 0);
    navigator.sendBeacon("{0}/beacon"); try {{ new WebSocket("{1}/socket") }} catch (e) {{}}
    try {{ new EventSource("{0}/events") }} catch (e) {{}}</script>
    <form action="{0}/form" method="post" target="_blank"><button id="submit"></button></form>
"""


@asynccontextmanager
async def serving(app: FastAPI) -> AsyncIterator[int]:
    """The port of a server for `app`, on loopback."""
    server = uvicorn.Server(server_config(app, edge=EdgeOptions(), shutdown_s=1))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        task = asyncio.create_task(server.serve([listener]))
        try:
            yield listener.getsockname()[1]
        finally:
            server.should_exit = True
            await task


def canary() -> tuple[FastAPI, list[str]]:
    """A foreign server, and the paths it was asked for."""
    app, asked = FastAPI(), list[str]()

    @app.api_route("/{path:path}", methods=["GET", "POST", "HEAD", "OPTIONS"])
    async def note(path: str) -> str:
        asked.append(path)
        return ""

    return app, asked


def with_edge() -> FastAPI:
    return build_api(
        engine=ScriptedEngine(),
        edge=EdgeOptions(),
        handlers=dict.fromkeys(range(9), "Composer.send"),
    )


async def visit(page: Page, port: int, outside: int) -> None:
    """Load a page, and put into it what reaches out."""
    await page.goto(f"http://localhost:{port}/")
    await page.get_by_role("textbox", name="Message", exact=True).wait_for()
    html = REACH_OUT.format(f"http://127.0.0.1:{outside}", f"ws://127.0.0.1:{outside}")
    await page.evaluate(
        """html => {
            const range = document.createRange();  // unlike innerHTML it runs scripts
            document.body.append(range.createContextualFragment(html));
            document.querySelector("#submit").click();
        }""",
        html,
    )
    await asyncio.sleep(1.5)


async def outside_requests(app: FastAPI) -> list[str]:
    blocks = gr.Blocks(analytics_enabled=False)
    with blocks:
        gr.Textbox(label="Message")
    gr.mount_gradio_app(app, blocks, path="/", footer_links=[])
    foreign, asked = canary()
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=EXECUTABLE, args=ARGUMENTS)
        async with serving(app) as port, serving(foreign) as outside:
            await visit(await browser.new_page(), port, outside)
            await browser.close()
    return asked


async def test_nothing_that_is_put_into_the_page_reaches_another_host() -> None:
    assert await outside_requests(with_edge()) == []


async def test_without_the_edge_the_same_reaches_out() -> None:
    asked = set(await outside_requests(FastAPI(docs_url=None)))
    assert {"img.png", "style.css", "script.js", "fetch", "frame", "form"} <= asked


async def test_the_page_works_under_the_policy_without_a_complaint() -> None:
    blocks = gr.Blocks(analytics_enabled=False)
    with blocks:
        box = gr.Textbox(label="Message")
        gr.Button("Ask").click(lambda text: f"heard {text}", box, box)
        gr.Button("Local").click(None, None, box, js="() => 'from the browser'")
        gr.Chatbot([{"role": "assistant", "content": "`code` $$x^2$$\n\n```python\nprint()\n```"}])
    app = with_edge()
    gr.mount_gradio_app(app, blocks, path="/", footer_links=[])
    complaints: list[str] = []
    async with async_playwright() as playwright, serving(app) as port:
        browser = await playwright.chromium.launch(executable_path=EXECUTABLE, args=ARGUMENTS)
        page = await browser.new_page()
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        await page.goto(f"http://localhost:{port}/")
        await page.get_by_role("textbox", name="Message", exact=True).fill("hi")
        await page.get_by_role("button", name="Ask").click()
        await page.wait_for_function("document.querySelector('textarea').value === 'heard hi'")
        await page.get_by_role("button", name="Local").click()
        await page.wait_for_function("document.querySelector('textarea').value.startsWith('from')")
        await page.locator(".katex").first.wait_for()
        await browser.close()
    assert complaints == []
