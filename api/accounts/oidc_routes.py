"""Sign-in with an OpenID provider: the redirect to it, and the callback.

A pending sign-in is bound to the browser by a cookie, valid once and for ten minutes.
"""

import secrets
import time
from typing import Annotated

from cachetools import TTLCache
from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from api.accounts.redirects import safe_next
from api.accounts.routes import PageContext, origin_of
from api.edge.cookies import SecretCookie
from chat.accounts.errors import ProviderRefused
from chat.accounts.models import Timer
from chat.accounts.sso import IdentityProvider, PendingSignIn

COOKIE = "qwen_chat_provider"
LIFETIME_S = 600
MAX_PENDING = 1000
NO_STORE = {"Cache-Control": "no-store"}


class PendingSignIns:
    """Pending sign-ins by the secret of the browser's cookie; the oldest are dropped if full.

    They expire here as well, because a browser can keep or copy the cookie for longer.
    """

    def __init__(self, timer: Timer = time.monotonic) -> None:
        self._begun: TTLCache[str, tuple[PendingSignIn, str]] = TTLCache(
            MAX_PENDING, LIFETIME_S, timer
        )

    def keep(self, begun: PendingSignIn, then: str) -> str:
        key = secrets.token_urlsafe(32)
        self._begun[key] = begun, then
        return key

    def take(self, key: str | None) -> tuple[PendingSignIn, str]:
        """Remove and return a pending sign-in. Raises ProviderRefused if there is none."""
        pending = self._begun.pop(key, None) if key else None
        if pending is None:
            raise ProviderRefused
        return pending


def provider_routes(
    context: PageContext, provider: IdentityProvider, *, allow_new: bool
) -> APIRouter:
    """GET /api/account/provider and /api/account/provider/return, both for navigations."""
    router, pending_sign_ins = APIRouter(prefix="/api/account/provider"), PendingSignIns()

    def cookie(request: Request) -> SecretCookie:
        return SecretCookie.of(request.scope, context.root_path, COOKIE)

    @router.get("")
    async def go(request: Request, next_path: Annotated[str, Query(alias="next")] = "") -> Response:
        host = f"{request.scope['scheme']}://{request.headers['host']}{context.root_path}"
        try:
            begun = await provider.begin(f"{host}/api/account/provider/return")
        except ProviderRefused:
            return _refused(context)
        answer = RedirectResponse(begun.url, 303, NO_STORE)
        key = pending_sign_ins.keep(begun, safe_next(next_path, context.root_path))
        cookie(request).set(answer, key, max_age_s=LIFETIME_S)
        return answer

    @router.get("/return")
    async def callback(request: Request) -> Response:
        try:
            begun, then = pending_sign_ins.take(cookie(request).read(request.scope))
            vouched = await provider.finish(begun, request.query_params)
            token = await context.accounts.sign_in_vouched(
                vouched, allow_new=allow_new, **origin_of(request)
            )
        except ProviderRefused:
            answer: Response = _refused(context)
        else:
            answer = RedirectResponse(then, 303, NO_STORE)
            await context.set_session_cookie(request, answer, token)
        cookie(request).remove(answer)
        return answer

    return router


def _refused(context: PageContext) -> Response:
    return RedirectResponse(f"{context.root_path}/sign-in?refused=1", 303, NO_STORE)
