"""The user of a request, found by `api.edge.sessions`; routes read it here only."""

from starlette.requests import Request

from chat.accounts.access import is_guest
from chat.accounts.errors import SignInNeeded
from chat.accounts.models import SignedIn, User
from chat.errors import NotFound

SIGNED_IN = "signed_in"
"""Key of the request's state: a `SignedIn`, or None on a public route."""


def signed_in(request: Request) -> SignedIn:
    """The user and the session of the request. Raises SignInNeeded."""
    current = request.scope["state"][SIGNED_IN]
    if current is None:
        raise SignInNeeded
    assert isinstance(current, SignedIn)
    return current


def is_of_member(request: Request) -> bool:
    """Whether a member, an administrator or the local user sent it, also to a public route."""
    current = request.scope.get("state", {}).get(SIGNED_IN)
    return isinstance(current, SignedIn) and not is_guest(current.user)


def account_of(request: Request) -> SignedIn:
    """As `signed_in`, for routes that need an account. Raises NotFound for the local user."""
    current = signed_in(request)
    if not current.session_id:
        raise NotFound
    return current


def user_of(request: Request) -> User:
    """The user of the request. Raises SignInNeeded."""
    return signed_in(request).user


def user_id_of(request: Request) -> str:
    """The id of the user of the request. Raises SignInNeeded."""
    return user_of(request).id
