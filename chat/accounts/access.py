"""The access policy: administrators see all rows, members their own, guests none.

A row that a user may not see is NotFound, never "forbidden", so that ids cannot be probed.
"""

from typing import Protocol

from chat.accounts.models import AccountRole, User
from chat.errors import NotFound


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


def refuse_unless_admin(user: User) -> None:
    """Raises NotFound for members and guests."""
    if not is_admin(user):
        raise NotFound


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


def refuse_unless_visible(user: User, row: Owned) -> None:
    """Raises NotFound for guests, and for members where the row belongs to another user."""
    if visible_owner(user) not in (None, row.owner_id):
        raise NotFound
