"""The pages around the chat as routes: which data each is made from, and how strictly it is shown.

What is on them is up to `pages`; whose data it is, to the accounts.
"""

from pathlib import Path

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, RedirectResponse, Response

from api.account_routes import Reception
from api.identity import SIGNED_IN, account_of
from api.next_page import safe_next
from api.preset_files import Presets
from api.proxies import named_by_proxy
from chat.doors import Doors
from chat.errors import ProviderRefused
from chat.people import Rank
from pages.entrance import guest_page, sign_in_page, welcome_page
from pages.frame import Reader
from pages.i18n import choose_language
from pages.people import account_page, guests_page, people_page

STATIC = Path(__file__).parents[1] / "pages" / "static"
LANGUAGE_COOKIE = "qwen_chat_language"
SHOWN_ENTRIES = 100

POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "manifest-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)
"""Stricter than the chat page's: nothing that somebody put into these pages would run."""


def people_pages(desk: Reception, doors: Doors, presets: Presets, *, provider: bool) -> APIRouter:
    """/sign-in, /welcome and /guest for anybody; /account, /guests and /people."""
    router = APIRouter(default_response_class=HTMLResponse)
    router.include_router(_static())
    router.include_router(_entrance(desk, doors, provider=provider))
    router.include_router(_accounts(desk, presets))
    return router


def _static() -> APIRouter:
    router = APIRouter()

    @router.get("/pages.css")
    def style() -> FileResponse:
        return FileResponse(STATIC / "pages.css", headers={"Cache-Control": "no-cache"})

    @router.get("/pages.js")
    def script() -> FileResponse:
        return FileResponse(STATIC / "pages.js", headers={"Cache-Control": "no-cache"})

    return router


def _entrance(desk: Reception, doors: Doors, *, provider: bool) -> APIRouter:
    router = APIRouter()

    @router.get("/sign-in")
    async def sign_in(request: Request, next: str = "", refused: bool = False) -> Response:
        then = safe_next(next, desk.root_path)
        if request.scope["state"][SIGNED_IN]:
            return RedirectResponse(then, 303)
        if named := named_by_proxy(request.scope, desk.sign_in_header):
            try:
                return await desk.welcome(request, named, then)
            except ProviderRefused:
                refused = True
        set_up = await doors.has_people()
        reader = _reader(request, desk)
        page = sign_in_page(reader, then=then, set_up=set_up, provider=provider, refused=refused)
        return _page(page)

    @router.get("/welcome")
    async def welcome(request: Request) -> Response:
        return _page(welcome_page(_reader(request, desk)))

    @router.get("/guest")
    async def guest(request: Request) -> Response:
        return _page(guest_page(_reader(request, desk)))

    return router


def _accounts(desk: Reception, presets: Presets) -> APIRouter:
    router, accounts = APIRouter(), desk.accounts

    @router.get("/account")
    async def account(request: Request) -> Response:
        who = account_of(request)
        sessions = await accounts.sessions(who.person)
        reader = _reader(request, desk)
        return _page(account_page(reader, who.person, sessions, session_id=who.session_id))

    @router.get("/people")
    async def people(request: Request) -> Response:
        person = account_of(request).person
        everybody = await accounts.people(person)
        entries = await accounts.entries(person, limit=SHOWN_ENTRIES)
        return _page(people_page(_reader(request, desk), person, everybody, entries))

    @router.get("/guests")
    async def guests(request: Request) -> Response:
        person, reader = account_of(request).person, _reader(request, desk)
        links = await accounts.guest_links(person)
        owners = {person.id: person.name}
        if person.rank is Rank.ADMIN:
            owners = {someone.id: someone.name for someone in await accounts.people(person)}
        usable = await presets.list(person.id, reader.language)
        shared = [(preset.ref.id, preset.text.name) for preset in usable if preset.shared]
        return _page(guests_page(reader, person, links, shared, owners))

    return router


def _reader(request: Request, desk: Reception) -> Reader:
    spoken = request.headers.get("accept-language", "")
    language = choose_language(request.cookies.get(LANGUAGE_COOKIE), spoken)
    return Reader(language, desk.root_path)


def _page(html: str) -> HTMLResponse:
    headers = {"Content-Security-Policy": POLICY, "Cache-Control": "no-store"}
    return HTMLResponse(html, headers=headers)
