"""The user of a request, as `api.edge.sessions` found it: routes learn it here and nowhere else."""

from starlette.requests import Request

from chat.accounts.errors import SignInNeeded
from chat.accounts.models import SignedIn, User
from chat.errors import NotFound

SIGNED_IN = "signed_in"
"""Key of the request's state; a `SignedIn`, or None where anybody may come."""


def signed_in(request: Request) -> SignedIn:
    """Who asks, and by which session. Raises SignInNeeded."""
    who = request.scope["state"][SIGNED_IN]
    if who is None:
        raise SignInNeeded
    assert isinstance(who, SignedIn)
    return who


def account_of(request: Request) -> SignedIn:
    """As `signed_in`, where it takes an account: the local user has none. Raises NotFound."""
    who = signed_in(request)
    if not who.session_id:
        raise NotFound
    return who


def person_of(request: Request) -> User:
    """The person who asks. Raises SignInNeeded."""
    return signed_in(request).user


def user_of(request: Request) -> str:
    """The id of who asks: what every query is bound to. Raises SignInNeeded."""
    return person_of(request).id
