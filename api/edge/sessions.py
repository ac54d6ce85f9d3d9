"""Authentication and authorisation of every request, before the routes.

Knows cookies and the table of permissions, not the format of sessions or keys.
"""

from urllib.parse import quote

from starlette.datastructures import Headers
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from api.edge.cookies import SecretCookie
from api.edge.credentials import PRINCIPAL, SCOPES, find_principal
from api.edge.error_pages import is_navigation
from api.edge.errors import app_error_response, error_response, openai_error_response
from api.edge.identity import SIGNED_IN
from api.edge.middleware import HttpMiddleware
from api.edge.options import EdgeOptions
from api.edge.permissions import Permission, allows, permission_at
from api.edge.proxies import named_by_proxy
from chat.accounts.authentication import Authenticator
from chat.accounts.errors import BadKey, SignInNeeded
from chat.accounts.models import SignedIn, User
from chat.errors import AppError, StoreFailed


class SignedInOnly(HttpMiddleware):
    """Puts the user into the request's state, and refuses requests without permission.

    Anonymous navigations are redirected to the sign-in page, other anonymous requests get 401.
    Signed-in users without the permission get 404. API keys open routes for programs only.
    """

    def __init__(self, app: ASGIApp, options: EdgeOptions, authenticator: Authenticator) -> None:
        super().__init__(app)
        self.root_path = options.root_path
        self.header = options.sign_in_header
        self.authenticator = authenticator

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        needed = permission_at(scope["path"])
        try:
            token = SecretCookie.of(scope, self.root_path).read(scope)
            signed_in = await self.authenticator.authenticate(token)
        except StoreFailed as error:
            if needed is not Permission.ANYBODY:
                await app_error_response(error)(scope, receive, send)
                return
            signed_in = None  # health checks and the sign-in page work without the database
        named = named_by_proxy(scope, self.header)
        if named and signed_in and signed_in.user.id != named.user_id:
            signed_in = None  # the proxy's user has changed: the old session does not count
        scope["state"][SIGNED_IN] = signed_in
        if needed in SCOPES:
            refusal = await self._find_principal(scope, signed_in, needed)
        else:
            refusal = self._refusal(scope, signed_in.user if signed_in else None, needed)
        await (refusal or self.app)(scope, receive, send)

    async def _find_principal(
        self, scope: Scope, signed_in: SignedIn | None, needed: Permission
    ) -> Response | None:
        headers, address = Headers(scope=scope), (scope.get("client") or ("",))[0]
        try:
            principal = await find_principal(
                headers, self.authenticator, signed_in, needed, address=address
            )
        except AppError as error:
            answer = openai_error_response(error)
            if isinstance(error, BadKey):
                answer.headers["WWW-Authenticate"] = "Bearer"
            return answer
        scope["state"][PRINCIPAL] = principal
        return None

    def _refusal(self, scope: Scope, user: User | None, needed: Permission) -> Response | None:
        if allows(user, needed):
            return None
        if user:
            return error_response(404, "Not Found")
        if is_navigation(scope):
            sign_in_url = f"{self.root_path}/sign-in?next={_current_path(scope, self.root_path)}"
            return RedirectResponse(sign_in_url, 303, {"Cache-Control": "no-store"})
        return error_response(401, str(SignInNeeded()), code=SignInNeeded.code)


def _current_path(scope: Scope, root_path: str) -> str:
    query = scope["query_string"].decode("latin-1")
    return quote(root_path + scope["path"] + (f"?{query}" if query else ""), safe="/")
