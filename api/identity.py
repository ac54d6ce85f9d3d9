"""Whose request it is: the one place where routes learn it."""

from starlette.requests import Request

from chat.types import LOCAL_USER


def user_of(request: Request) -> str:
    """The user who asks. While there are no accounts everybody is the same."""
    return LOCAL_USER
