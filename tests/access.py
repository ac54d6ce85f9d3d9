"""Tables of access: who may do what to whose row, and what everybody else is told."""

import inspect
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from enum import Enum

from api.edge.errors import status_of
from chat.accounts.models import AccountRole, Action, AuditEntry, GuestLink, User
from chat.accounts.ports import AccountStore
from chat.errors import AppError

AT = datetime(2026, 11, 22, 12, tzinfo=UTC)
CREATED = AuditEntry(AT, "", Action.JOIN)


class Outcome(Enum):
    """The status of the answer to a request that does this."""

    ALLOWED = 200
    FORBIDDEN = 403
    NOT_FOUND = 404


A, F, N = Outcome.ALLOWED, Outcome.FORBIDDEN, Outcome.NOT_FOUND

Policy = Mapping[str, tuple[Outcome, ...]]
"""By action, the outcome for each of the users, in their order."""

Act = Callable[[User], Awaitable[object]]
"""One action on the row of the table, by a user."""


async def outcomes(acts: Mapping[str, Act], users: Collection[User]) -> Policy:
    """What each action comes to for each user. Actions run in their order."""
    return {
        name: tuple([await _outcome(act(user)) for user in users]) for name, act in acts.items()
    }


async def _outcome(action: Awaitable[object]) -> Outcome:
    try:
        await action
    except AppError as error:
        return Outcome(status_of(error))
    return Outcome.ALLOWED


def actions_of(*services: type, parameter: str = "user") -> set[str]:
    """The public methods of services that a user calls, as "Campaigns.get"."""
    return {
        f"{service.__name__}.{name}"
        for service in services
        for name, method in inspect.getmembers(service, inspect.isfunction)
        if not name.startswith("_") and parameter in inspect.signature(method).parameters
    }


def make_user(
    name: str, role: AccountRole = AccountRole.MEMBER, link_id: str | None = None
) -> User:
    return User(name, name, role, AT, guest_link_id=link_id)


def guest_link(link_id: str, owner_id: str, campaign_id: str | None = None) -> GuestLink:
    ends = AT + timedelta(days=300)
    return GuestLink(link_id, owner_id, "x", AT, ends, 9, 99, 9999, campaign_id=campaign_id)


async def add_users(store: AccountStore, users: Iterable[User]) -> None:
    """Accounts of these users; a guest's link has to be there."""
    for user in users:
        if user.guest_link_id:
            await store.admit_guest(user.guest_link_id, user, CREATED)
        else:
            await store.add_user(user, f"hash of {user.name}", CREATED)
