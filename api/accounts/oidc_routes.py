"""Sign-in with an OpenID provider: the redirect to it, and the callback.

A pending sign-in is bound to the browser by a signed cookie, valid once and for ten minutes.
"""

import hmac
import json
import secrets
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import asdict, replace
from hashlib import sha256
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
MAX_USED = 10_000
"""Remembered used cookies. One forgotten earlier is of no use: its provider has spent the code."""
MAX_NEXT = 500
"""Characters of the path to return to, since a browser drops cookies above 4 KB; else home."""
NO_STORE = {"Cache-Control": "no-store"}


class PendingSignIns:
    """Pending sign-ins, each held by the cookie of its browser, which is signed.

    Nothing is stored when a sign-in begins: an attacker cannot evict those of others by beginning
    many. The cookie expires by itself too, because a browser can keep or copy it for longer; used
    ones are remembered, so that each counts once.
    """

    def __init__(self, timer: Timer = time.monotonic) -> None:
        self._timer = timer
        self._key = secrets.token_bytes(32)
        self._used: TTLCache[str, None] = TTLCache(MAX_USED, LIFETIME_S, timer)

    def keep(self, begun: PendingSignIn, then: str) -> str:
        """The value of the cookie. Of `begun` it holds all but the URL."""
        values = asdict(replace(begun, url="")) | {"then": then, "id": secrets.token_urlsafe(16)}
        values["until"] = self._timer() + LIFETIME_S
        encoded = urlsafe_b64encode(json.dumps(values, ensure_ascii=False).encode())
        text = encoded.rstrip(b"=").decode()  # a cookie with "=" would be sent in quotes
        return f"{text}.{self._signature(text)}"

    def take(self, cookie: str | None) -> tuple[PendingSignIn, str]:
        """The pending sign-in, once. Raises ProviderRefused if the cookie holds none."""
        text, _, signature = (cookie or "").rpartition(".")
        if not hmac.compare_digest(signature.encode(), self._signature(text).encode()):
            raise ProviderRefused
        values = json.loads(urlsafe_b64decode(text + "=="))
        then, used, until = (values.pop(name) for name in ("then", "id", "until"))
        if used in self._used or self._timer() >= until:
            raise ProviderRefused
        self._used[used] = None
        return PendingSignIn(**values), then

    def _signature(self, text: str) -> str:
        return hmac.new(self._key, text.encode(), sha256).hexdigest()


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
        then = safe_next(next_path if len(next_path) <= MAX_NEXT else "", context.root_path)
        cookie(request).set(answer, pending_sign_ins.keep(begun, then), max_age_s=LIFETIME_S)
        return answer

    @router.get("/return")
    async def callback(request: Request) -> Response:
        try:
            begun, then = pending_sign_ins.take(cookie(request).read(request.scope))
            vouched = await provider.finish(begun, request.query_params)
            token = await context.accounts.sso.sign_in(
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
