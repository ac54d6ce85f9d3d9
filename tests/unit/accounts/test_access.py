"""The access policy as a table: which role may do what with whose rows."""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from api.edge.permissions import allows, permission_at
from chat.accounts.access import first_admin, may_host, refuse_unless_visible, sees, visible_owner
from chat.accounts.models import LOCAL, AccountRole, ApiKey, GuestLink, User
from chat.accounts.service import Accounts
from chat.errors import NotFound
from pages.html import account_links
from tests.house import Clock
from tests.memory_users import OpenHasher
from tests.users import NOON, Town, make_town
from ui.overlays import pages_of

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
    return await rows.accounts.users.list(user)


async def read_audit_log(rows: Rows, user: User) -> object:
    return await rows.accounts.users.audit_entries(user)


async def read_names_in_audit_log(rows: Rows, user: User) -> object:
    return await rows.accounts.users.names_in_audit(user, [])


async def invite_user(rows: Rows, user: User) -> object:
    return await rows.accounts.one_time_links.invite(user, AccountRole.MEMBER)


async def disable_user(rows: Rows, user: User) -> object:
    return await rows.accounts.users.disable(user, "ann")


async def enable_user(rows: Rows, user: User) -> object:
    return await rows.accounts.users.enable(user, "ann")


async def set_role(rows: Rows, user: User) -> object:
    return await rows.accounts.users.set_role(user, "ann", AccountRole.MEMBER)


async def delete_user(rows: Rows, user: User) -> object:
    return await rows.accounts.users.delete(user, "ann")


async def reset_password(rows: Rows, user: User) -> object:
    return await rows.accounts.one_time_links.reset(user, "ann")


async def add_key(rows: Rows, user: User) -> object:
    return await rows.accounts.keys.add(user, name="program")


async def add_key_for_another(rows: Rows, user: User) -> object:
    return await rows.accounts.keys.add(user, name="program", for_user=rows.user("ann"))


async def revoke_key(rows: Rows, user: User) -> None:
    await rows.accounts.keys.revoke(user, rows.key.id)


async def add_guest_link(rows: Rows, user: User) -> object:
    return await rows.accounts.guests.add_link(
        user, label="day", days=1, max_guests=1, max_messages=1, max_tokens=1
    )


async def revoke_guest_link(rows: Rows, user: User) -> None:
    await rows.accounts.guests.revoke_link(user, rows.link.id)


async def extend_guest_link(rows: Rows, user: User) -> object:
    return await rows.accounts.guests.extend_link(
        user, rows.link.id, days=1, max_guests=1, max_messages=1, max_tokens=1
    )


async def list_invitations(rows: Rows, user: User) -> object:
    return await rows.accounts.one_time_links.invitations(user)


async def withdraw_invitation(rows: Rows, user: User) -> None:
    admin = rows.user("root")
    await rows.accounts.one_time_links.invite(admin, AccountRole.MEMBER)
    invitation = (await rows.accounts.one_time_links.invitations(admin))[0]
    await rows.accounts.one_time_links.withdraw(user, invitation.id)


async def name_owners(rows: Rows, user: User) -> object:
    return await rows.accounts.users.owner_names(user)


POLICY: dict[Act, frozenset[str]] = {
    list_users: frozenset({"root"}),
    read_audit_log: frozenset({"root"}),
    read_names_in_audit_log: frozenset({"root"}),
    invite_user: frozenset({"root"}),
    disable_user: frozenset({"root"}),
    enable_user: frozenset({"root"}),
    set_role: frozenset({"root"}),
    delete_user: frozenset({"root"}),
    reset_password: frozenset({"root"}),
    add_key: frozenset({"root", "ann", "bob"}),
    add_key_for_another: frozenset({"root"}),
    revoke_key: frozenset({"root", "ann"}),
    add_guest_link: frozenset({"root", "ann", "bob"}),
    revoke_guest_link: frozenset({"root", "ann"}),
    extend_guest_link: frozenset({"root", "ann"}),
    list_invitations: frozenset({"root"}),
    withdraw_invitation: frozenset({"root"}),
    name_owners: frozenset({"root", "ann", "bob"}),
}
"""The users that may do each action; for all others it is NotFound."""


@pytest.fixture
async def rows() -> Rows:
    town, clock = await make_town(), Clock(NOON)
    accounts = Accounts(town.users, OpenHasher(), clock, timer=clock.timer)
    key, _ = await accounts.keys.add(town.users.by_id["ann"], name="program")
    link = (await accounts.guests.links(town.users.by_id["ann"]))[0]
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
    assert len(await rows.accounts.keys.list(user)) == count
    assert len(await rows.accounts.guests.links(user)) == count


async def test_guests_have_no_lists(rows: Rows) -> None:
    guest = rows.user("gus")
    with pytest.raises(NotFound):
        await rows.accounts.keys.list(guest)
    with pytest.raises(NotFound):
        await rows.accounts.guests.links(guest)


@pytest.mark.parametrize(("name", "owner_id"), [("root", None), ("ann", "ann"), ("bob", "bob")])
async def test_the_visible_owner_follows_from_the_role(
    rows: Rows, name: str, owner_id: str | None
) -> None:
    assert visible_owner(rows.user(name)) == owner_id


@pytest.mark.parametrize("name", ["bob", "gus"])
async def test_a_row_of_another_user_is_not_found(rows: Rows, name: str) -> None:
    with pytest.raises(NotFound):
        refuse_unless_visible(rows.user(name), rows.key)


@pytest.mark.parametrize(
    ("name", "visible"), [("root", True), ("ann", True), ("bob", False), ("gus", False)]
)
async def test_a_row_is_seen_by_administrators_and_its_owner(
    rows: Rows, name: str, visible: bool
) -> None:
    assert sees(rows.user(name), rows.key) is visible


async def test_members_know_no_names_of_other_owners(rows: Rows) -> None:
    assert await rows.accounts.users.owner_names(rows.user("bob")) == {"bob": "bob"}
    assert (await rows.accounts.users.owner_names(rows.user("root"))).keys() >= {
        "root",
        "ann",
        "bob",
    }


async def test_disabled_users_and_guests_host_nothing(rows: Rows) -> None:
    assert [may_host(rows.user(name)) for name in USERS] == [True, True, True, False]
    assert not may_host(replace(rows.user("ann"), disabled=True))


async def test_the_first_administrator_is_one_who_is_not_disabled(rows: Rows) -> None:
    root, ann = rows.user("root"), rows.user("ann")
    disabled = replace(root, id="old", disabled=True)
    assert first_admin([ann, disabled, root]) is root
    assert first_admin([ann, disabled]) is None


@pytest.mark.parametrize("name", USERS)
async def test_the_menus_link_to_pages_that_the_user_may_open(rows: Rows, name: str) -> None:
    user = rows.user(name)
    linked = {path for path, _ in account_links(user)} | {f"/{page}" for page in pages_of(user)}
    assert {path for path in linked if not allows(user, permission_at(path))} == set()
    administers = allows(user, permission_at("/people"))
    assert ("/people" in linked) is administers
    hosts = allows(user, permission_at("/campaigns"))
    assert ("/campaigns" in linked) is hosts


def test_the_local_user_has_no_pages_of_accounts() -> None:
    assert pages_of(LOCAL) == ("shares", "campaigns")
    assert not {"/guests", "/keys", "/people"} & {path for path, _ in account_links(LOCAL)}


ROOT_FOLDER = Path(__file__).parents[3]
COMPARED = re.compile(r"\b(?:is|is not|==|!=|in) AccountRole\b|\[user\.role\]|owner_id (?:!=|==)")
DECIDES = {
    "chat/accounts/access.py",
    "chat/accounts/quotas.py",  # the allowance of a role
    "chat/campaigns/access.py",
    "chat/conversations/models.py",  # a user's own presets
    "chat/feedback/table_models.py",  # the owner's own trial is named as such
    "chat/feedback/preferences.py",  # pairs of one user's answers
    "chat/feedback/votes.py",  # the owner's own trial counts in no rate
}


@pytest.mark.parametrize("folder", ["api", "chat", "commands", "pages", "ui"])
def test_only_the_policy_compares_roles_and_owners(folder: str) -> None:
    files = (ROOT_FOLDER / folder).rglob("*.py")
    comparing = {file for file in files if COMPARED.search(file.read_text(encoding="utf-8"))}
    assert {str(file.relative_to(ROOT_FOLDER)) for file in comparing} - DECIDES == set()
