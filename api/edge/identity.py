"""The user of a request, as `api.edge.sessions` found it: routes learn it here and nowhere else."""

from starlette.requests import Request

from chat.accounts.errors import SignInNeeded
from chat.accounts.models import SignedIn, User
from chat.errors import NotFound

SIGNED_IN = "signed_in"
"""Key of the request's state; a `SignedIn`, or None where anybody may come."""


def signed_in(request: Request) -> SignedIn:
    """Who asks, and by which session. Raises SignInNeeded."""
    current = request.scope["state"][SIGNED_IN]
    if current is None:
        raise SignInNeeded
    assert isinstance(current, SignedIn)
    return current


def account_of(request: Request) -> SignedIn:
    """As `signed_in`, where it takes an account: the local user has none. Raises NotFound."""
    current = signed_in(request)
    if not current.session_id:
        raise NotFound
    return current


def user_of(request: Request) -> User:
    """The person who asks. Raises SignInNeeded."""
    return signed_in(request).user


def user_id_of(request: Request) -> str:
    """The id of who asks: what every query is bound to. Raises SignInNeeded."""
    return user_of(request).id
