"""The access policy as a table: which role may do what with whose rows."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import pytest

from chat.accounts.access import refuse_unless_visible, visible_owner
from chat.accounts.models import AccountRole, ApiKey, GuestLink, User
from chat.accounts.sign_in import Accounts
from chat.errors import NotFound
from tests.house import Clock
from tests.memory_users import OpenHasher
from tests.users import NOON, Town, make_town

USERS = ("root", "ann", "bob", "gus")
"""An administrator, the member whose rows are asked for, another member, and a guest."""


@dataclass
class Rows:
    """The services over a store where `ann` has one API key and one guest link."""

    town: Town
    accounts: Accounts
    key: ApiKey
    link: GuestLink

    def user(self, name: str) -> User:
        return self.town.users.by_id[name]


Act = Callable[[Rows, User], Awaitable[object]]


async def list_users(rows: Rows, user: User) -> object:
    return await rows.accounts.users(user)


async def read_audit_log(rows: Rows, user: User) -> object:
    return await rows.accounts.audit_entries(user)


async def invite_user(rows: Rows, user: User) -> object:
    return await rows.accounts.invite(user, AccountRole.MEMBER)


async def disable_user(rows: Rows, user: User) -> object:
    return await rows.accounts.disable(user, "ann")


async def add_key(rows: Rows, user: User) -> object:
    return await rows.accounts.add_key(user, name="program")


async def add_key_for_another(rows: Rows, user: User) -> object:
    return await rows.accounts.add_key(user, name="program", for_user=rows.user("ann"))


async def revoke_key(rows: Rows, user: User) -> None:
    await rows.accounts.revoke_key(user, rows.key.id)


async def add_guest_link(rows: Rows, user: User) -> object:
    return await rows.accounts.add_guest_link(
        user, label="day", days=1, max_guests=1, max_messages=1, max_tokens=1
    )


async def revoke_guest_link(rows: Rows, user: User) -> None:
    await rows.accounts.revoke_guest_link(user, rows.link.id)


POLICY: dict[Act, frozenset[str]] = {
    list_users: frozenset({"root"}),
    read_audit_log: frozenset({"root"}),
    invite_user: frozenset({"root"}),
    disable_user: frozenset({"root"}),
    add_key: frozenset({"root", "ann", "bob"}),
    add_key_for_another: frozenset({"root"}),
    revoke_key: frozenset({"root", "ann"}),
    add_guest_link: frozenset({"root", "ann", "bob"}),
    revoke_guest_link: frozenset({"root", "ann"}),
}
"""The users that may do each action; for all others it is NotFound."""


@pytest.fixture
async def rows() -> Rows:
    town, clock = await make_town(), Clock(NOON)
    accounts = Accounts(town.users, OpenHasher(), clock, timer=clock.timer)
    key, _ = await accounts.add_key(town.users.by_id["ann"], name="program")
    link = (await accounts.guest_links(town.users.by_id["ann"]))[0]
    return Rows(town, accounts, key, link)


@pytest.mark.parametrize("name", USERS)
@pytest.mark.parametrize("act", POLICY, ids=lambda act: act.__name__)
async def test_an_action_is_allowed_by_role_and_owner(rows: Rows, act: Act, name: str) -> None:
    if name in POLICY[act]:
        await act(rows, rows.user(name))
    else:
        with pytest.raises(NotFound):
            await act(rows, rows.user(name))


@pytest.mark.parametrize(("name", "count"), [("root", 1), ("ann", 1), ("bob", 0)])
async def test_lists_have_the_rows_that_the_user_sees(rows: Rows, name: str, count: int) -> None:
    user = rows.user(name)
    assert len(await rows.accounts.keys(user)) == count
    assert len(await rows.accounts.guest_links(user)) == count


async def test_guests_have_no_lists(rows: Rows) -> None:
    guest = rows.user("gus")
    with pytest.raises(NotFound):
        await rows.accounts.keys(guest)
    with pytest.raises(NotFound):
        await rows.accounts.guest_links(guest)


@pytest.mark.parametrize(("name", "owner_id"), [("root", None), ("ann", "ann"), ("bob", "bob")])
async def test_the_visible_owner_follows_from_the_role(
    rows: Rows, name: str, owner_id: str | None
) -> None:
    assert visible_owner(rows.user(name)) == owner_id


@pytest.mark.parametrize("name", ["bob", "gus"])
async def test_a_row_of_another_user_is_not_found(rows: Rows, name: str) -> None:
    with pytest.raises(NotFound):
        refuse_unless_visible(rows.user(name), rows.key)
