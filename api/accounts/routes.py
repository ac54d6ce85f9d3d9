"""JSON routes of sign-in, sign-out, one-time links, guest links and the own account.

CSRF protection: bodies are JSON, and the edge refuses requests from other origins' pages.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, Field
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from api.accounts.redirects import safe_next
from api.edge.cookies import SecretCookie
from api.edge.identity import SIGNED_IN, account_of, user_of
from api.html import locale_of
from api.public_address import PublicAddress
from chat.accounts.models import GuestLink, OneTimeLinkKind, User
from chat.accounts.service import Accounts
from chat.accounts.sso import ExternalIdentity
from pages.sharing import SharedView, shared_html, shared_view

Name = Annotated[str, Field(max_length=200)]
Secret = Annotated[str, Field(max_length=1000)]
Address = Annotated[str, Field(max_length=2000)]

MAX_DEVICE = 200


class Credentials(BaseModel):
    name: Name
    password: Secret
    next: Address = ""


class TokenForm(BaseModel):
    token: Secret


class Acceptance(TokenForm):
    name: Name = ""
    password: Secret


class GuestEntry(TokenForm):
    nickname: Name


class NewPassword(BaseModel):
    old: Secret
    new: Secret


class Confirmation(BaseModel):
    password: Secret = ""


@dataclass(frozen=True, slots=True)
class PageContext:
    """Shared by the account routes. `on_first_account` is called after the set-up link was used.

    `public_address` makes the links that are sent to others.
    """

    accounts: Accounts
    root_path: str = ""
    sign_in_header: str | None = None
    on_first_account: Callable[[], None] = lambda: None
    public_address: PublicAddress = field(default_factory=PublicAddress)

    def cookie(self, request: Request) -> SecretCookie:
        return SecretCookie.of(request.scope, self.root_path)

    def shared_view(self, request: Request, path: str) -> SharedView:
        """The whole link to a path of the app, with its QR code."""
        link = self.public_address.link(request, path)
        return shared_view(link.address, is_local=link.is_local)

    def link_response(self, request: Request, path: str) -> JSONResponse:
        """A new link that holds a secret: its path, the whole of it, and its QR code."""
        link = self.public_address.link(request, path)
        shown = shared_html(
            locale_of(request, self.root_path), link.address, is_local=link.is_local
        )
        content = {"link": f"{self.root_path}{path}", "address": link.address, "html": shown}
        return JSONResponse(content, headers={"Cache-Control": "no-store"})

    def home(self) -> str:
        return f"{self.root_path}/"

    async def sign_in_response(self, request: Request, token: str, then: str) -> JSONResponse:
        """The response that signs a browser in; `then` is the path to go to."""
        answer = JSONResponse({"next": then})
        await self.set_session_cookie(request, answer, token)
        return answer

    async def set_session_cookie(self, request: Request, answer: Response, token: str) -> None:
        """Set the cookie of the new session, and end the browser's previous session."""
        cookie = self.cookie(request)
        if before := cookie.read(request.scope):
            await self.accounts.sessions.sign_out(before)
        cookie.set(answer, token)

    async def welcome(self, request: Request, vouched: ExternalIdentity, then: str) -> Response:
        """Sign in the user that a proxy names; may create the account. Raises ProviderRefused."""
        token = await self.accounts.sso.sign_in(vouched, allow_new=True, **origin_of(request))
        answer = RedirectResponse(then, 303, {"Cache-Control": "no-store"})
        await self.set_session_cookie(request, answer, token)
        return answer

    def sign_out_response(self, request: Request, **fields: object) -> JSONResponse:
        """The response that removes the cookie; `fields` are added to its JSON."""
        answer = JSONResponse({"next": f"{self.root_path}/sign-in", **fields})
        self.cookie(request).remove(answer)
        return answer


def origin_of(request: Request) -> dict[str, str]:
    """Client address and user agent of a sign-in."""
    host = request.client.host if request.client else ""
    return {"address": host, "device": request.headers.get("user-agent", "")[:MAX_DEVICE]}


AdmitMember = Callable[[User, GuestLink], Awaitable[bool]]
"""Lets a member take part in the campaign of the link; whether the link invites the member."""


async def admit_nobody(user: User, link: GuestLink) -> bool:
    """Without campaigns no link invites a member."""
    return False


def account_routes(context: PageContext, admit: AdmitMember = admit_nobody) -> APIRouter:
    """/api/account/…; `admit` is called for a user who opens a guest link."""
    router = APIRouter()
    router.include_router(_sign_in_routes(context), prefix="/api/account")
    router.include_router(_guest_routes(context, admit), prefix="/api/account")
    router.include_router(_own_account_routes(context), prefix="/api/account")
    return router


def _sign_in_routes(context: PageContext) -> APIRouter:
    router, accounts = APIRouter(), context.accounts

    @router.post("/sign-in")
    async def sign_in(request: Request, body: Credentials) -> JSONResponse:
        token = await accounts.passwords.sign_in(body.name, body.password, **origin_of(request))
        then = safe_next(body.next, context.root_path)
        return await context.sign_in_response(request, token, then)

    @router.post("/pass")
    async def look_at_pass(body: TokenForm) -> dict[str, str]:
        one_time = await accounts.one_time_links.check(body.token)
        return {"kind": one_time.kind}

    @router.post("/accept")
    async def accept_pass(request: Request, body: Acceptance) -> JSONResponse:
        one_time = await accounts.one_time_links.check(body.token)
        token = await accounts.one_time_links.accept(
            body.token, name=body.name, password=body.password, **origin_of(request)
        )
        if one_time.kind is OneTimeLinkKind.SETUP:
            context.on_first_account()
        return await context.sign_in_response(request, token, context.home())

    return router


def _guest_routes(context: PageContext, admit: AdmitMember) -> APIRouter:
    router, accounts = APIRouter(), context.accounts

    @router.post("/guest-link")
    async def look_at_guest_link(request: Request, body: TokenForm) -> dict[str, str]:
        link = await accounts.guests.check_link(body.token)
        content = {
            "kind": "guest",
            "welcome": link.welcome,
            "messages": str(link.max_messages),
            "until": link.expires_at.isoformat(),
        }
        current = request.scope["state"][SIGNED_IN]
        is_invited = bool(current) and await admit(current.user, link)
        if is_invited or (current and current.user.guest_link_id == link.id):
            content["next"] = _guest_start_path(context, link)
        return content

    @router.post("/enter")
    async def enter_as_guest(request: Request, body: GuestEntry) -> JSONResponse:
        link = await accounts.guests.check_link(body.token)
        token = await accounts.guests.enter(body.token, body.nickname, **origin_of(request))
        return await context.sign_in_response(request, token, _guest_start_path(context, link))

    return router


def _guest_start_path(context: PageContext, link: GuestLink) -> str:
    """The path at which a guest of the link begins."""
    if link.campaign_id:
        return f"{context.root_path}/campaign/{link.campaign_id}"
    return context.home() + (f"#preset={link.preset_id}" if link.preset_id else "")


async def _account_content(accounts: Accounts, user: User) -> dict[str, str | int]:
    """The user; of a guest also how many questions are left, and until when."""
    content: dict[str, str | int] = {"name": user.name, "rank": user.role}
    if left := await accounts.guests.allowance(user):
        content |= {"messages": left.messages, "until": left.ends_at.isoformat()}
    return content


def _own_account_routes(context: PageContext) -> APIRouter:
    router, accounts = APIRouter(), context.accounts

    @router.get("")
    async def current_account(request: Request) -> dict[str, str | int]:
        return await _account_content(accounts, user_of(request))

    @router.post("/sign-out")
    async def sign_out(request: Request) -> JSONResponse:
        if token := context.cookie(request).read(request.scope):
            await accounts.sessions.sign_out(token)
        return context.sign_out_response(request)

    @router.post("/sign-out-everywhere")
    async def sign_out_everywhere(request: Request) -> JSONResponse:
        await accounts.sessions.end_all(account_of(request).user)
        return context.sign_out_response(request)

    @router.post("/password")
    async def change_password(request: Request, body: NewPassword) -> JSONResponse:
        await accounts.passwords.change(account_of(request), body.old, body.new)
        return JSONResponse({})

    @router.post("/sessions/{session_id}/end")
    async def end_session(request: Request, session_id: str) -> JSONResponse:
        await accounts.sessions.end(account_of(request).user, session_id)
        return JSONResponse({})

    @router.post("/delete")
    async def delete_my_data(request: Request, body: Confirmation) -> JSONResponse:
        rows = await accounts.users.delete_own(account_of(request).user, body.password)
        return context.sign_out_response(request, rows=rows)

    return router
