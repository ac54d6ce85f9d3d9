"""Routes of the account pages, and of the static files of all pages."""

from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, RedirectResponse, Response

from api.accounts.redirects import safe_next
from api.accounts.routes import PageContext
from api.conversations.presets import PresetReader
from api.edge.identity import SIGNED_IN, account_of
from api.edge.proxies import named_by_proxy
from api.html import locale_of, page_answer
from chat.accounts.authentication import Authenticator
from chat.accounts.errors import ProviderRefused
from formats.answers.rendering import STYLE
from pages.accounts.sign_in import guest_page, sign_in_page, welcome_page
from pages.accounts.users import account_page, guests_page, users_page

STATIC = Path(__file__).parents[2] / "pages" / "static"
MAX_ENTRIES = 100
"""Most entries of the audit log on the page of accounts."""


def account_pages(
    context: PageContext, authenticator: Authenticator, presets: PresetReader, *, provider: bool
) -> APIRouter:
    """/sign-in, /welcome and /guest without a session; /account, /guests and /people with one."""
    router = APIRouter(default_response_class=HTMLResponse)
    router.include_router(_static_files())
    router.include_router(_sign_in_pages(context, authenticator, provider=provider))
    router.include_router(_signed_in_pages(context, presets))
    return router


def _static_files() -> APIRouter:
    router = APIRouter()

    @router.get("/pages.css")
    def style() -> FileResponse:
        return FileResponse(STATIC / "pages.css", headers={"Cache-Control": "no-cache"})

    @router.get("/answer.css")
    def style_of_answers() -> FileResponse:
        return FileResponse(STYLE, headers={"Cache-Control": "no-cache"})

    @router.get("/pages.js")
    def script() -> FileResponse:
        return FileResponse(STATIC / "pages.js", headers={"Cache-Control": "no-cache"})

    return router


def _sign_in_pages(
    context: PageContext, authenticator: Authenticator, *, provider: bool
) -> APIRouter:
    router = APIRouter()

    @router.get("/sign-in")
    async def sign_in(
        request: Request,
        next_path: Annotated[str, Query(alias="next")] = "",
        refused: bool = False,
    ) -> Response:
        then = safe_next(next_path, context.root_path)
        if request.scope["state"][SIGNED_IN]:
            return RedirectResponse(then, 303)
        if named := named_by_proxy(request.scope, context.sign_in_header):
            try:
                return await context.welcome(request, named, then)
            except ProviderRefused:
                refused = True
        has_users = await authenticator.has_users()
        locale = locale_of(request, context.root_path)
        page = sign_in_page(locale, then=then, set_up=has_users, provider=provider, refused=refused)
        return page_answer(page)

    @router.get("/welcome")
    async def welcome(request: Request) -> Response:
        return page_answer(welcome_page(locale_of(request, context.root_path)))

    @router.get("/guest")
    async def guest(request: Request) -> Response:
        return page_answer(guest_page(locale_of(request, context.root_path)))

    return router


def _signed_in_pages(context: PageContext, presets: PresetReader) -> APIRouter:
    router, accounts = APIRouter(), context.accounts

    @router.get("/account")
    async def account(request: Request) -> Response:
        signed_in = account_of(request)
        sessions = await accounts.sessions.of(signed_in.user)
        locale = locale_of(request, context.root_path)
        page = account_page(
            locale,
            signed_in.user,
            sessions,
            session_id=signed_in.session_id,
            allowance=await accounts.guests.allowance(signed_in.user),
        )
        return page_answer(page)

    @router.get("/people")
    async def accounts_page(request: Request) -> Response:
        user = account_of(request).user
        users = await accounts.users.list(user)
        entries = await accounts.users.audit_entries(user, limit=MAX_ENTRIES)
        invitations = await accounts.one_time_links.invitations(user)
        locale = locale_of(request, context.root_path)
        names = await accounts.users.names_in_audit(user, entries)
        return page_answer(users_page(locale, user, users, entries, invitations, names))

    @router.get("/guests")
    async def guests(request: Request) -> Response:
        user, locale = account_of(request).user, locale_of(request, context.root_path)
        links = await accounts.guests.links(user)
        owners = await accounts.users.owner_names(user)
        usable = await presets.list(user.id, locale.language)
        shared = [(preset.ref.id, preset.text.name) for preset in usable if preset.shared]
        return page_answer(guests_page(locale, user, links, shared, owners))

    return router
