"""What a browser that navigates sees of an error: words, in its language; programs get JSON."""

import httpx
import pytest
from fastapi import FastAPI
from starlette.responses import JSONResponse, PlainTextResponse

from api.edge.error_pages import MAX_BYTES, ErrorPages
from api.edge.errors import add_error_handlers, error_response
from api.edge.headers import ResponseHeaders
from api.edge.options import EdgeOptions
from tests.house import House, client_of

BROWSER = {"Accept": "text/html,*/*;q=0.8", "Accept-Language": "zh-CN"}


def app() -> FastAPI:
    """Routes that go wrong in different ways, behind the middleware."""
    made = FastAPI()
    add_error_handlers(made)
    made.add_middleware(ErrorPages, options=EdgeOptions(root_path="/chat"))
    made.add_middleware(ResponseHeaders)

    @made.get("/fails")
    async def fails() -> None:
        raise RuntimeError("a secret")

    @made.get("/number")
    async def number(of: int) -> int:
        return of

    @made.get("/foreign")
    async def foreign() -> JSONResponse:
        return JSONResponse(["not ours"], 400)

    @made.get("/mounted")
    async def mounted() -> JSONResponse:
        return JSONResponse({"detail": "of the mounted page"}, 400)

    @made.get("/long")
    async def long() -> JSONResponse:
        return JSONResponse({"error": {"message": "x" * MAX_BYTES, "code": "long"}}, 400)

    @made.get("/text")
    async def text() -> PlainTextResponse:
        return PlainTextResponse("no", 400)

    @made.get("/busy")
    async def busy() -> JSONResponse:
        return error_response(503, "<b>later</b>", headers={"Retry-After": "7", "X-Own": "kept"})

    return made


def client(**headers: str) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app=app(), raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://localhost", headers=headers)


@pytest.mark.parametrize(
    ("path", "status", "words"),
    [
        ("/nowhere", 404, "这个地址没有内容"),
        ("/number?of=x", 422, "valid integer"),
        ("/mounted", 400, "of the mounted page"),
        ("/fails", 500, "服务器无法显示此页面"),
        ("/busy", 503, "页面将在 7 秒后重新加载"),
    ],
)
async def test_every_error_is_a_page_for_a_browser_and_json_for_a_program(
    path: str, status: int, words: str
) -> None:
    async with client(**BROWSER) as browser, client() as program:
        page, answer = await browser.get(path), await program.get(path)
    assert (page.status_code, answer.status_code) == (status, status)
    assert page.headers["content-type"].startswith("text/html")
    assert words in page.text
    assert "a secret" not in page.text
    assert 'href="/chat/"' in page.text or path == "/fails"
    assert answer.json().keys() & {"error", "detail"}


async def test_headers_of_the_error_are_kept_and_its_message_is_escaped() -> None:
    async with client(**BROWSER) as browser:
        page = await browser.get("/busy")
    assert page.headers["x-own"] == "kept"
    assert page.headers["refresh"] == "7"
    assert "<b>later" not in page.text
    assert int(page.headers["content-length"]) == len(page.content)
    assert "default-src 'none'" in page.headers["content-security-policy"]


@pytest.mark.parametrize("path", ["/foreign", "/long", "/text"])
async def test_what_is_no_error_of_ours_passes_as_it_is(path: str) -> None:
    async with client(**BROWSER) as browser, client() as program:
        page, answer = await browser.get(path), await program.get(path)
    assert page.content == answer.content
    assert page.headers["content-type"] == answer.headers["content-type"]


async def test_an_address_that_does_not_exist_is_a_page_in_the_app_itself() -> None:
    house = House()
    async with client_of(house.site(), await house.add("root")) as browser:
        page = await browser.get("/results/nothing", headers=BROWSER)
        script = await browser.get("/results/nothing")
    assert (page.status_code, script.status_code) == (404, 404)
    assert page.headers["content-type"].startswith("text/html")
    assert script.headers["content-type"].startswith("application/json")
