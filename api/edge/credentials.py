"""Who calls the API: the one place where its routes learn it. `api.edge.sessions` has found it out.

Owns in which headers a key may come: those of OpenAI's clients, of Anthropic's and of Azure's. A
key in the address is not read, because addresses are logged.
"""

from collections.abc import Mapping

from starlette.datastructures import Headers
from starlette.requests import Request

from api.edge.permissions import Permission, allows
from chat.accounts.authentication import Authenticator
from chat.accounts.errors import BadKey, KeyNotAllowed
from chat.accounts.models import KeyScope, Principal, SignedIn
from chat.errors import BadRequest, NotFound

PRINCIPAL = "principal"
"""Key of the request's state, on routes for programs: a `chat.accounts.models.Principal`."""

SCOPES: Mapping[Permission, KeyScope] = {
    Permission.API: KeyScope.API,
    Permission.METRICS: KeyScope.METRICS,
}
"""What a key must be for, where it opens anything at all."""

KEY_HEADERS = ("x-api-key", "api-key")


def principal_of(request: Request) -> Principal:
    """Who calls, on a route for programs."""
    principal = request.scope["state"][PRINCIPAL]
    assert isinstance(principal, Principal)
    return principal


def key_in(headers: Headers) -> str | None:
    """The key that came along; None if there is none. Raises BadRequest for more than one."""
    keys = [value for name in KEY_HEADERS for value in headers.getlist(name)]
    for value in headers.getlist("authorization"):
        scheme, _, credentials = value.strip().partition(" ")
        if scheme.lower() == "bearer":  # another scheme is for a proxy in front of us
            keys.append(credentials)
    if len(keys) > 1:
        raise BadRequest("There is more than one API key: send it in one header, once.")
    return keys[0].strip() if keys else None


async def find_principal(
    headers: Headers,
    authenticator: Authenticator,
    signed_in: SignedIn | None,
    needed: Permission,
    *,
    address: str,
) -> Principal:
    """Who comes in by a key or, without one, as `who` is signed in, and may do what is `needed`.

    Raises BadRequest, BadKey, TooManyAttempts, KeyNotAllowed, NotFound (not for that person).
    """
    key = key_in(headers)
    if key is None and signed_in is None:
        raise BadKey("There is no API key. Send one as: Authorization: Bearer sk-…")
    if key is None:
        assert signed_in is not None
        principal = Principal(signed_in.user)
    else:
        principal = await authenticator.principal(key, address=address)
    if allows(principal.user, needed) and SCOPES[needed] in principal.scopes:
        return principal
    if principal.key is None:
        raise NotFound("Not Found")
    scope = SCOPES[needed]
    raise KeyNotAllowed(f"This API key does not open this: it lacks {scope}.", scope=scope)
