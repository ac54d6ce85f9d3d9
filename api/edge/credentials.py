"""The principal of an API request, found by `api.edge.sessions`; routes read it here only.

Owns the headers in which a key is accepted: those of OpenAI's, Anthropic's and Azure's clients. A
key in the URL is not read, because URLs are logged.
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
"""The key scope that each permission for programs needs. Keys open nothing else."""

KEY_HEADERS = ("x-api-key", "api-key")


def principal_of(request: Request) -> Principal:
    """The principal of a request to a route for programs."""
    principal = request.scope["state"][PRINCIPAL]
    assert isinstance(principal, Principal)
    return principal


def key_in(headers: Headers) -> str | None:
    """The API key in the headers; None if there is none. Raises BadRequest for more than one."""
    keys = [value for name in KEY_HEADERS for value in headers.getlist(name)]
    for value in headers.getlist("authorization"):
        scheme, _, credentials = value.strip().partition(" ")
        if scheme.lower() == "bearer":  # other schemes are for a proxy in front of us
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
    """The principal of the key or, without one, of the session, if it has permission `needed`.

    Raises BadRequest, BadKey, TooManyAttempts, KeyNotAllowed, NotFound (no permission).
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
