"""The access policy: administrators see all rows, members their own, guests none.

A row that a user may not see is NotFound, never "forbidden", so that ids cannot be probed. Other
modules ask these functions and compare no role or owner themselves.
"""

from collections.abc import Iterable
from typing import Protocol

from chat.accounts.models import AccountRole, User
from chat.errors import BadRequest, NotFound


class Owned(Protocol):
    """A value that belongs to one user."""

    @property
    def owner_id(self) -> str: ...


def is_admin(user: User) -> bool:
    """Whether the user sees the rows of all users."""
    return user.role is AccountRole.ADMIN


def is_guest(user: User) -> bool:
    """Whether the user came by a guest link and has no password."""
    return user.role is AccountRole.GUEST


def may_host(user: User) -> bool:
    """Whether the user may have API keys and review answers."""
    return not (is_guest(user) or user.disabled)


def first_admin(users: Iterable[User]) -> User | None:
    """The first of these users who is an administrator and not disabled."""
    return next((user for user in users if is_admin(user) and not user.disabled), None)


def refuse_unless_admin(user: User) -> None:
    """Raises NotFound for members and guests."""
    if not is_admin(user):
        raise NotFound


def refuse_guest_role(role: AccountRole) -> None:
    """Raises BadRequest for the role of guests, which nobody is given or loses."""
    if role is AccountRole.GUEST:
        raise BadRequest("Guests come by guest links, and have no password and no other rank.")


def refuse_guests(user: User) -> None:
    """Raises NotFound for guests."""
    if is_guest(user):
        raise NotFound


def visible_owner(user: User) -> str | None:
    """The owner id whose rows the user sees; None stands for all owners.

    Raises NotFound for guests.
    """
    refuse_guests(user)
    return None if is_admin(user) else user.id


def sees(user: User, row: Owned) -> bool:
    """Whether the user may see and manage the row."""
    return not is_guest(user) and visible_owner(user) in (None, row.owner_id)


def refuse_unless_visible(user: User, row: Owned) -> None:
    """Raises NotFound for guests, and for members where the row belongs to another user."""
    if not sees(user, row):
        raise NotFound
