"""The contract of account stores: in memory, SQLite and PostgreSQL."""

import asyncio
from dataclasses import replace
from datetime import date, timedelta

import pytest

from chat.accounts.errors import LastAdmin, LinkFull, NameTaken
from chat.accounts.models import (
    LOCAL_USER,
    Account,
    AccountRole,
    AccountUsage,
    Action,
    ApiKey,
    AuditEntry,
    GuestLimits,
    GuestLink,
    OneTimeLink,
    OneTimeLinkKind,
    Session,
    User,
)
from chat.accounts.ports import AccountStore
from chat.conversations.models import PresetText
from chat.conversations.ports import Store
from chat.errors import BadText, NotFound
from tests.contract.stores import END, START, ask_and_answer
from tests.contract.users import ANN, BOB, CY, JOINED

DONE = AuditEntry(START + timedelta(minutes=1), ANN.id, Action.DISABLE, BOB.id)
LINK = GuestLink("link", BOB.id, "users' day", START, END, 2, 10, 1000, "maths.en")
INVITE = OneTimeLink(OneTimeLinkKind.INVITE, AccountRole.MEMBER, ANN.id, END)
RESET = OneTimeLink(OneTimeLinkKind.RESET, AccountRole.MEMBER, ANN.id, END, BOB.id)
SETUP = OneTimeLink(OneTimeLinkKind.SETUP, AccountRole.ADMIN, "", END)
DAY = date(2026, 1, 1)


def session(user: User, name: str = "s", *, after_s: int = 0) -> Session:
    created = START + timedelta(seconds=after_s)
    return Session(f"{user.id} {name}", user.id, created, created, END, "Firefox")


async def sign_in(
    account_store: AccountStore, user: User, name: str = "s", after_s: int = 0
) -> None:
    new = session(user, name, after_s=after_s)
    await account_store.add_session(f"token {new.id}", new, JOINED)


def guest(name: str) -> User:
    return User(f"{name}-id", name, AccountRole.GUEST, START, guest_link_id=LINK.id)


async def actions(account_store: AccountStore) -> list[str]:
    return [entry.action for entry in await account_store.audit_entries()]


# --- users ------------------------------------------------------------------------------------


async def test_a_new_store_has_no_users(account_store: AccountStore) -> None:
    assert not await account_store.has_users()
    assert list(await account_store.users()) == []
    await account_store.add_user(ANN, "hash", JOINED)
    assert await account_store.has_users()


async def test_users_are_listed_oldest_first_and_found_by_id(town: AccountStore) -> None:
    assert list(await town.users()) == [ANN, BOB, CY]
    assert await town.user(BOB.id) == BOB
    with pytest.raises(NotFound):
        await town.user("nobody")


@pytest.mark.parametrize("typed", ["Bob", "bob", "BOB", "ｂｏｂ"])
async def test_names_are_compared_without_case_and_width(town: AccountStore, typed: str) -> None:
    assert await town.credentials(typed) == (BOB, "hash of Bob")
    with pytest.raises(NameTaken):
        await town.add_user(replace(CY, id="other", name=typed), "hash", JOINED)


async def test_an_unknown_name_has_no_credentials(town: AccountStore) -> None:
    assert await town.credentials("nobody") is None
    assert await town.credentials("") is None


async def test_of_concurrent_equal_names_one_wins(account_store: AccountStore) -> None:
    ends = await asyncio.gather(
        *(account_store.add_user(replace(ANN, id=f"{n}"), "hash", JOINED) for n in range(6)),
        return_exceptions=True,
    )
    assert [type(end) for end in ends if end] == [NameTaken] * 5
    assert len(await account_store.users()) == 1


async def test_a_new_password_ends_the_sessions_but_one_and_the_reset_links(
    town: AccountStore,
) -> None:
    for user, name in ((BOB, "here"), (BOB, "there"), (CY, "s")):
        await sign_in(town, user, name)
    await town.add_one_time_link("reset", RESET, DONE)
    await town.set_password(BOB.id, "new hash", DONE, keep=f"{BOB.id} here")
    assert await town.credentials("bob") == (BOB, "new hash")
    assert [stored.id for stored in await town.sessions(BOB.id)] == [f"{BOB.id} here"]
    assert len(await town.sessions(CY.id)) == 1
    with pytest.raises(NotFound):
        await town.one_time_link("reset")
    await town.set_password(BOB.id, "newer hash", DONE)
    assert list(await town.sessions(BOB.id)) == []
    with pytest.raises(NotFound):
        await town.set_password("nobody", "hash", DONE)


async def test_a_role_changes_with_an_audit_entry(town: AccountStore) -> None:
    changed = await town.change_user(BOB.id, DONE, role=AccountRole.ADMIN)
    assert changed == replace(BOB, role=AccountRole.ADMIN) == await town.user(BOB.id)
    assert (await town.audit_entries())[0] == DONE
    with pytest.raises(NotFound):
        await town.change_user("nobody", DONE, role=AccountRole.ADMIN)


async def test_disabling_ends_sessions_links_and_invitations_and_enabling_does_not_restore_them(
    town: AccountStore,
) -> None:
    await town.change_user(BOB.id, DONE, role=AccountRole.ADMIN)
    await sign_in(town, BOB)
    await town.add_one_time_link("invite", replace(INVITE, created_by=BOB.id), DONE)
    await town.add_guest_link("link token", LINK, DONE)
    await town.admit_guest(LINK.id, guest("Gil"), DONE)
    await sign_in(town, guest("Gil"))
    await town.change_user(BOB.id, DONE, disabled=True)
    assert list(await town.sessions(BOB.id)) == []
    assert list(await town.sessions("Gil-id")) == []
    assert (await town.guest_link(LINK.id)).revoked
    with pytest.raises(NotFound):
        await town.one_time_link("invite")
    with pytest.raises(NotFound):
        await sign_in(town, BOB)
    assert not (await town.change_user(BOB.id, DONE, disabled=False)).disabled
    await sign_in(town, BOB)
    assert (await town.guest_link(LINK.id)).revoked


async def test_invitations_of_a_former_administrator_are_invalid(town: AccountStore) -> None:
    await town.change_user(BOB.id, DONE, role=AccountRole.ADMIN)
    await town.add_one_time_link("invite", replace(INVITE, created_by=BOB.id), DONE)
    await town.change_user(BOB.id, DONE, role=AccountRole.MEMBER)
    with pytest.raises(NotFound):
        await town.one_time_link("invite")


async def test_the_last_administrator_cannot_be_removed(town: AccountStore) -> None:
    await town.change_user(BOB.id, DONE, role=AccountRole.ADMIN, disabled=True)
    for change in (
        town.change_user(ANN.id, DONE, role=AccountRole.MEMBER),
        town.change_user(ANN.id, DONE, disabled=True),
        town.delete_user(ANN.id, DONE),
    ):
        with pytest.raises(LastAdmin):
            await change
    assert await town.user(ANN.id) == ANN
    await town.change_user(BOB.id, DONE, disabled=False)
    await town.delete_user(ANN.id, DONE)


async def test_of_two_administrators_removing_each_other_one_stays(town: AccountStore) -> None:
    await town.change_user(BOB.id, DONE, role=AccountRole.ADMIN)
    ends = await asyncio.gather(
        town.change_user(ANN.id, DONE, role=AccountRole.MEMBER),
        town.delete_user(BOB.id, DONE),
        return_exceptions=True,
    )
    assert [type(end) for end in ends if isinstance(end, Exception)] == [LastAdmin]
    assert [user.role for user in await town.users()].count(AccountRole.ADMIN) == 1


# --- deletion ---------------------------------------------------------------------------------


async def add_data_of_users(account_store: AccountStore, store: Store) -> None:
    """Give Bob one row of everything, but two messages, and Cy some too."""
    for user in (BOB, CY):
        await ask_and_answer(store, user_id=user.id, question="About heather", title="Heather")
        preset = await store.add_preset(user.id, PresetText("Mine"))
        await store.revise_preset(user.id, preset.ref.id, PresetText("Mine again"))
        await sign_in(account_store, user)
        await account_store.spend(user.id, DAY, AccountUsage(1, 20))
        key = ApiKey(f"{user.id} key", user.id, "script", "sk-abcde", START)
        await account_store.add_key(f"token {key.id}", key, JOINED)
        await account_store.spend_by_key(key.id, DAY, AccountUsage(1, 20))
    await account_store.add_one_time_link("reset", RESET, JOINED)
    await account_store.add_guest_link("link token", LINK, JOINED)


async def test_deleting_a_user_deletes_and_counts_all_their_rows(
    town: AccountStore, store: Store
) -> None:
    await add_data_of_users(town, store)
    rows = await town.delete_user(BOB.id, DONE)
    kinds = {"person": 1, "conversation": 1, "messages": 2, "preset": 1, "versions": 2}
    kinds |= {"session": 1, "spending": 1, "pass": 1, "link": 1, "key": 1, "key spending": 1}
    assert rows == sum(kinds.values())
    assert (await town.audit_entries())[0] == replace(DONE, detail=str(rows))


async def test_deleting_a_user_again_finds_nothing(town: AccountStore, store: Store) -> None:
    await add_data_of_users(town, store)
    await town.delete_user(BOB.id, DONE)
    with pytest.raises(NotFound):
        await town.delete_user(BOB.id, DONE)
    assert list(await store.conversations(BOB.id)) == []
    assert list(await store.search(BOB.id, "heather")) == []
    assert list(await store.presets(BOB.id)) == []
    assert list(await town.sessions(BOB.id)) == []
    assert await town.used(BOB.id) == AccountUsage()
    assert await town.credentials("bob") is None
    assert list(await town.guest_links(BOB.id)) == []
    assert list(await town.keys(BOB.id)) == []
    assert await town.key(f"token {BOB.id} key") is None
    assert await town.used_by_key(f"{BOB.id} key", DAY) == AccountUsage()
    with pytest.raises(NotFound):
        await town.one_time_link("reset")
    await town.spend(BOB.id, DAY, AccountUsage(1, 1))
    assert await town.used(BOB.id) == AccountUsage()


async def test_deleting_a_user_keeps_the_rows_of_others(town: AccountStore, store: Store) -> None:
    await add_data_of_users(town, store)
    await town.delete_user(BOB.id, DONE)
    assert len(await store.conversations(CY.id)) == 1
    assert len(await store.search(CY.id, "heather")) == 1
    assert [preset.text.name for preset in await store.presets(CY.id)] == ["Mine again"]
    assert len(await town.sessions(CY.id)) == 1
    assert await town.used(CY.id) == AccountUsage(1, 20)
    assert await town.key(f"token {CY.id} key") is not None
    assert await town.used_by_key(f"{CY.id} key", DAY) == AccountUsage(1, 20)


async def test_deleted_conversations_that_could_be_restored_are_destroyed_too(
    town: AccountStore, store: Store
) -> None:
    turn = await ask_and_answer(store, user_id=BOB.id)
    await store.delete(BOB.id, turn.conversation.id)
    await town.delete_user(BOB.id, DONE)
    with pytest.raises(NotFound):
        await store.restore(BOB.id, turn.conversation.id)


async def test_temporary_conversations_are_deleted_with_their_owner(
    town: AccountStore, store: Store
) -> None:
    turn = await ask_and_answer(store, user_id=BOB.id, temporary=True)
    assert await town.delete_user(BOB.id, DONE) == 1 + 1 + 2
    with pytest.raises(NotFound):
        await store.conversation(BOB.id, turn.conversation.id)


async def test_guests_of_a_deleted_user_are_disabled_but_keep_their_conversations(
    town: AccountStore, store: Store
) -> None:
    await town.add_guest_link("link token", LINK, JOINED)
    await town.admit_guest(LINK.id, guest("Gil"), JOINED)
    await sign_in(town, guest("Gil"))
    await ask_and_answer(store, user_id="Gil-id")
    await town.delete_user(BOB.id, DONE)
    assert await town.user("Gil-id") == replace(guest("Gil"), disabled=True, guest_link_id=None)
    assert list(await town.sessions("Gil-id")) == []
    assert len(await store.conversations("Gil-id")) == 1


async def test_unused_conversations_are_deleted(account_store: AccountStore, store: Store) -> None:
    old = await ask_and_answer(store, user_id=BOB.id, question="About heather")
    new = await ask_and_answer(store, user_id=BOB.id)
    assert await account_store.delete_older(new.conversation.updated_at) == 1
    assert [stored.id for stored in await store.conversations(BOB.id)] == [new.conversation.id]
    assert list(await store.search(BOB.id, "heather")) == []
    with pytest.raises(NotFound):
        await store.conversation(BOB.id, old.conversation.id)
    assert await account_store.delete_older(new.conversation.updated_at) == 0


# --- guest links and invitations with new limits -------------------------------------------------


async def test_a_link_is_topped_up_with_the_sessions_that_end_with_it(town: AccountStore) -> None:
    short = replace(LINK, expires_at=START + timedelta(days=1))
    await town.add_guest_link("link token", short, JOINED)
    await town.admit_guest(LINK.id, guest("Gil"), JOINED)
    ends = replace(session(guest("Gil")), expires_at=short.sessions_end)
    shorter = replace(ends, id="short", expires_at=short.sessions_end - timedelta(hours=1))
    await town.add_session("ends", ends, DONE)
    await town.add_session("short", shorter, DONE)
    later = short.expires_at + timedelta(days=1)
    link = await town.extend_guest_link(LINK.id, GuestLimits(later, 50, 60, 70), DONE)
    assert link == await town.guest_link(LINK.id)
    assert (link.expires_at, link.max_guests, link.max_messages) == (later, 50, 60)
    assert (link.max_tokens, link.guests) == (70, 1)
    found = {one.id: one.expires_at for one in await town.sessions("Gil-id")}
    assert found == {ends.id: link.sessions_end, "short": shorter.expires_at}


async def test_a_revoked_or_unknown_link_is_not_topped_up(town: AccountStore) -> None:
    await town.add_guest_link("link token", LINK, JOINED)
    await town.revoke_guest_link(LINK.id, DONE)
    for link_id in (LINK.id, "unknown"):
        with pytest.raises(NotFound):
            await town.extend_guest_link(link_id, GuestLimits(LINK.expires_at, 1, 1, 1), DONE)


async def test_what_guests_read_of_a_link_is_stored_beside_its_label(town: AccountStore) -> None:
    await town.add_guest_link("link token", replace(LINK, welcome="欢迎 all"), JOINED)
    assert (await town.guest_link(LINK.id)).welcome == "欢迎 all"


async def test_invitations_are_listed_until_they_are_used_expired_or_withdrawn(
    town: AccountStore,
) -> None:
    kind, at = OneTimeLinkKind.INVITE, JOINED.at
    for number in range(3):
        ends = at + timedelta(days=number + 1)
        invite = OneTimeLink(kind, AccountRole.MEMBER, ANN.id, ends)
        await town.add_one_time_link(f"{number}" * 64, invite, JOINED)
    reset = OneTimeLink(OneTimeLinkKind.RESET, AccountRole.MEMBER, ANN.id, ends, BOB.id)
    await town.add_one_time_link("r" * 64, reset, JOINED)
    names = [one.id for one in await town.invitations(at)]
    assert names == ["2" * 32, "1" * 32, "0" * 32]
    assert len(await town.invitations(at + timedelta(days=1))) == 2
    await town.withdraw_invitation("1" * 32, DONE)
    for gone in ("1" * 32, "r" * 32):
        with pytest.raises(NotFound):
            await town.withdraw_invitation(gone, DONE)
    with pytest.raises(NotFound):
        await town.one_time_link("1" * 64)
    assert [one.id for one in await town.invitations(at)] == ["2" * 32, "0" * 32]


# --- sessions ---------------------------------------------------------------------------------


async def test_a_session_is_found_by_its_token_with_its_user(town: AccountStore) -> None:
    await sign_in(town, BOB)
    assert await town.session(f"token {BOB.id} s") == (session(BOB), BOB)
    assert await town.session("token") is None


async def test_a_session_needs_an_existing_user(town: AccountStore) -> None:
    with pytest.raises(NotFound):
        await sign_in(town, replace(BOB, id="nobody"))


async def test_the_last_use_of_a_session_is_stored(town: AccountStore) -> None:
    await sign_in(town, BOB)
    await town.touch_session(f"{BOB.id} s", DONE.at)
    await town.touch_session("ended", DONE.at)
    assert [stored.used_at for stored in await town.sessions(BOB.id)] == [DONE.at]


async def test_sessions_are_listed_newest_first(town: AccountStore) -> None:
    for after_s in (2, 1, 3):
        await sign_in(town, BOB, f"{after_s}", after_s)
    created = [stored.created_at for stored in await town.sessions(BOB.id)]
    assert created == sorted(created, reverse=True)


async def test_a_session_is_ended_by_its_owner_only(town: AccountStore) -> None:
    await sign_in(town, BOB)
    with pytest.raises(NotFound):
        await town.end_session(CY.id, f"{BOB.id} s", DONE)
    await town.end_session(BOB.id, f"{BOB.id} s", DONE)
    assert await town.session(f"token {BOB.id} s") is None
    with pytest.raises(NotFound):
        await town.end_session(BOB.id, f"{BOB.id} s", DONE)
    assert (await actions(town)).count(DONE.action) == 1


async def test_all_sessions_end_except_the_current_one(town: AccountStore) -> None:
    for name in ("1", "2", "3"):
        await sign_in(town, BOB, name)
    assert await town.end_sessions(BOB.id, DONE, besides=f"{BOB.id} 2") == 2
    assert await town.end_sessions(BOB.id, DONE) == 1
    assert await town.end_sessions(BOB.id, DONE) == 0


async def test_expired_sessions_are_deleted_at_a_sign_in(town: AccountStore) -> None:
    soon = replace(session(BOB, "old"), expires_at=START + timedelta(seconds=5))
    await town.add_session("old", soon, JOINED)
    await sign_in(town, CY, after_s=5)
    assert await town.session("old") is None


# --- one-time links ---------------------------------------------------------------------------


async def test_an_invitation_makes_one_account(town: AccountStore) -> None:
    await town.add_one_time_link("invite", INVITE, DONE)
    assert await town.one_time_link("invite") == INVITE
    dee = User("dee-id", "Dee", AccountRole.MEMBER, START)
    assert await town.use_one_time_link("invite", dee, "hash", DONE) == dee
    assert await town.credentials("dee") == (dee, "hash")
    for look in (town.one_time_link("invite"), town.use_one_time_link("invite", dee, "hash", DONE)):
        with pytest.raises(NotFound):
            await look


async def test_a_name_conflict_leaves_the_invitation_valid(town: AccountStore) -> None:
    await town.add_one_time_link("invite", INVITE, DONE)
    with pytest.raises(NameTaken):
        await town.use_one_time_link("invite", replace(CY, id="other", name="BOB"), "hash", DONE)
    assert await town.one_time_link("invite") == INVITE


async def test_concurrent_uses_of_an_invitation_make_one_account(town: AccountStore) -> None:
    await town.add_one_time_link("invite", INVITE, DONE)
    comers = [User(f"{n}", f"Comer {n}", AccountRole.MEMBER, START) for n in range(6)]
    ends = await asyncio.gather(
        *(town.use_one_time_link("invite", comer, "hash", DONE) for comer in comers),
        return_exceptions=True,
    )
    assert sum(isinstance(end, User) for end in ends) == 1
    assert sum(isinstance(end, NotFound) for end in ends) == 5
    assert len(await town.users()) == 4


async def test_a_reset_link_gives_a_new_password_once_and_ends_the_sessions(
    town: AccountStore,
) -> None:
    await sign_in(town, BOB)
    await town.add_one_time_link("first", RESET, DONE)
    await town.add_one_time_link("second", RESET, DONE)
    with pytest.raises(NotFound):
        await town.one_time_link("first")
    assert await town.use_one_time_link("second", None, "new hash", DONE) == BOB
    assert await town.credentials("bob") == (BOB, "new hash")
    assert list(await town.sessions(BOB.id)) == []
    with pytest.raises(NotFound):
        await town.use_one_time_link("second", None, "newer hash", DONE)


async def test_a_reset_link_is_invalid_for_a_disabled_user(town: AccountStore) -> None:
    await town.add_one_time_link("reset", RESET, DONE)
    await town.change_user(BOB.id, DONE, disabled=True)
    for look in (
        town.one_time_link("reset"),
        town.use_one_time_link("reset", None, "new hash", DONE),
    ):
        with pytest.raises(NotFound):
            await look
    assert await town.credentials("bob") == (replace(BOB, disabled=True), "hash of Bob")


async def test_a_reset_link_needs_an_existing_user(town: AccountStore) -> None:
    with pytest.raises(NotFound):
        await town.add_one_time_link("reset", replace(RESET, user_id="nobody"), DONE)


async def test_a_new_set_up_link_replaces_the_old_one(account_store: AccountStore) -> None:
    await account_store.add_one_time_link("old", SETUP, JOINED)
    await account_store.add_one_time_link("new", SETUP, JOINED)
    with pytest.raises(NotFound):
        await account_store.one_time_link("old")
    assert await account_store.use_one_time_link("new", ANN, "hash", JOINED) == ANN


async def test_a_set_up_link_is_invalid_once_there_are_users(account_store: AccountStore) -> None:
    await account_store.add_one_time_link("setup", SETUP, JOINED)
    await account_store.add_user(ANN, "hash", JOINED)
    eve = User("eve-id", "Eve", AccountRole.ADMIN, START)
    for look in (
        account_store.one_time_link("setup"),
        account_store.use_one_time_link("setup", eve, "hash", JOINED),
    ):
        with pytest.raises(NotFound):
            await look


@pytest.mark.parametrize("first", [SETUP, INVITE], ids=lambda one_time: one_time.kind)
async def test_the_first_user_takes_over_the_rows_of_the_local_user(
    account_store: AccountStore, store: Store, first: OneTimeLink
) -> None:
    turn = await ask_and_answer(store, user_id=LOCAL_USER, question="About heather")
    preset = await store.add_preset(LOCAL_USER, PresetText("Mine"))
    await account_store.add_one_time_link("first", first, JOINED)
    await account_store.use_one_time_link("first", ANN, "hash", JOINED)
    await account_store.add_one_time_link("second", INVITE, JOINED)
    await account_store.use_one_time_link("second", BOB, "hash", JOINED)
    assert len(await store.path(ANN.id, turn.conversation.id)) == 2
    assert len(await store.search(ANN.id, "heather")) == 1
    await store.share_preset(ANN.id, preset.ref.id, True)
    assert list(await store.conversations(LOCAL_USER)) == []


async def test_expired_links_are_deleted_when_one_is_created(town: AccountStore) -> None:
    await town.add_one_time_link("short", replace(INVITE, expires_at=DONE.at), JOINED)
    await town.add_one_time_link("other", INVITE, DONE)
    with pytest.raises(NotFound):
        await town.one_time_link("short")


# --- guests -----------------------------------------------------------------------------------


async def test_a_guest_link_is_found_by_its_token_and_by_its_id(town: AccountStore) -> None:
    await town.add_guest_link("token", LINK, JOINED)
    assert await town.guest_link_of("token") == LINK == await town.guest_link(LINK.id)
    for look in (town.guest_link_of("other"), town.guest_link("other")):
        with pytest.raises(NotFound):
            await look


async def test_an_account_is_a_user_with_the_link_of_a_guest(town: AccountStore) -> None:
    await town.add_guest_link("token", LINK, JOINED)
    gil = guest("Gil")
    await town.admit_guest(LINK.id, gil, DONE)
    assert await town.account(gil.id) == Account(gil, await town.guest_link(LINK.id))
    assert await town.account(BOB.id) == Account(BOB)
    with pytest.raises(NotFound):
        await town.account("nobody")


async def test_guest_links_are_listed_newest_first_for_one_or_for_all(town: AccountStore) -> None:
    newer = replace(LINK, id="newer", created_at=START + timedelta(days=1))
    others = replace(LINK, id="others", owner_id=ANN.id, created_at=START + timedelta(days=2))
    for link in (LINK, newer, others):
        await town.add_guest_link(f"token {link.id}", link, JOINED)
    assert list(await town.guest_links(BOB.id)) == [newer, LINK]
    assert list(await town.guest_links(None)) == [others, newer, LINK]


async def test_guests_are_counted_and_their_nicknames_may_be_the_same(town: AccountStore) -> None:
    await town.add_guest_link("token", LINK, JOINED)
    twins = [replace(guest("Bob"), id="one"), replace(guest("Bob"), id="two")]
    for twin in twins:
        await town.admit_guest(LINK.id, twin, DONE)
    assert await town.user("two") == twins[1]
    assert await town.credentials("Bob") == (BOB, "hash of Bob")
    assert (await town.guest_link(LINK.id)).guests == 2
    with pytest.raises(LinkFull):
        await town.admit_guest(LINK.id, guest("Late"), DONE)


async def test_of_concurrent_guests_for_the_last_place_one_is_admitted(town: AccountStore) -> None:
    await town.add_guest_link("token", replace(LINK, max_guests=1), JOINED)
    ends = await asyncio.gather(
        *(town.admit_guest(LINK.id, guest(f"{n}"), DONE) for n in range(6)), return_exceptions=True
    )
    assert sum(isinstance(end, LinkFull) for end in ends) == 5
    assert (await town.guest_link(LINK.id)).guests == 1
    assert len(await town.users()) == 4


async def test_a_deleted_guest_frees_no_place(town: AccountStore) -> None:
    await town.add_guest_link("token", replace(LINK, max_guests=1), JOINED)
    await town.admit_guest(LINK.id, guest("Gil"), DONE)
    await town.spend("Gil-id", DAY, AccountUsage(2, 30))
    await town.delete_user("Gil-id", DONE)
    with pytest.raises(LinkFull):
        await town.admit_guest(LINK.id, guest("Gil"), DONE)
    link = await town.guest_link(LINK.id)
    assert (link.guests, link.messages, link.tokens) == (1, 2, 30)


async def test_an_expired_unknown_or_revoked_link_admits_no_guest(
    town: AccountStore,
) -> None:
    await town.add_guest_link("token", LINK, JOINED)
    with pytest.raises(NotFound):
        await town.admit_guest(LINK.id, replace(guest("Gil"), created_at=END), DONE)
    with pytest.raises(NotFound):
        await town.admit_guest("other", guest("Gil"), DONE)
    await town.revoke_guest_link(LINK.id, DONE)
    with pytest.raises(NotFound):
        await town.admit_guest(LINK.id, guest("Gil"), DONE)
    with pytest.raises(NotFound):
        await town.revoke_guest_link("other", DONE)


async def test_revoking_a_link_ends_the_sessions_of_its_guests_and_no_other(
    town: AccountStore,
) -> None:
    for link_id in (LINK.id, "other"):
        await town.add_guest_link(f"token {link_id}", replace(LINK, id=link_id), JOINED)
    gil, hal = guest("Gil"), replace(guest("Hal"), guest_link_id="other")
    for comer in (gil, hal):
        await town.admit_guest(comer.guest_link_id or "", comer, DONE)
        await sign_in(town, comer)
    await town.revoke_guest_link(LINK.id, DONE)
    assert [len(await town.sessions(comer.id)) for comer in (gil, hal)] == [0, 1]
    with pytest.raises(NotFound):
        await sign_in(town, gil, "again")


async def test_guests_of_a_revoked_campaign_link_have_a_day_to_finish(
    town: AccountStore,
) -> None:
    await town.add_guest_link("token", replace(LINK, campaign_id="campaign"), JOINED)
    gil = guest("Gil")
    await town.admit_guest(LINK.id, gil, DONE)
    for name, days in (("long", 9), ("short", 0)):
        stored = replace(session(gil, name), expires_at=DONE.at + timedelta(days=days, hours=1))
        await town.add_session(f"token {name}", stored, DONE)
    await town.revoke_guest_link(LINK.id, DONE)
    ends = {stored.id: stored.expires_at - DONE.at for stored in await town.sessions(gil.id)}
    assert ends == {"Gil-id long": timedelta(days=1), "Gil-id short": timedelta(hours=1)}
    assert (await town.guest_link(LINK.id)).revoked
    with pytest.raises(NotFound):
        await town.admit_guest(LINK.id, guest("Hal"), DONE)


# --- spending and the log ---------------------------------------------------------------------


async def test_usage_adds_up_by_day_and_by_link(town: AccountStore) -> None:
    await town.add_guest_link("token", LINK, JOINED)
    await town.admit_guest(LINK.id, guest("Gil"), DONE)
    next_day = DAY + timedelta(days=1)
    for day, tokens in ((DAY, 2**31), (DAY, 20), (next_day, 300)):
        await town.spend("Gil-id", day, AccountUsage(1, tokens))
    assert await town.used("Gil-id", DAY) == AccountUsage(2, 2**31 + 20)
    assert await town.used("Gil-id") == AccountUsage(3, 2**31 + 320)
    assert await town.used(BOB.id, DAY) == AccountUsage()
    link = await town.guest_link(LINK.id)
    assert (link.messages, link.tokens) == (3, 2**31 + 320)


async def test_concurrent_usage_is_not_lost(town: AccountStore) -> None:
    await asyncio.gather(*(town.spend(BOB.id, DAY, AccountUsage(1, 10)) for _ in range(20)))
    assert await town.used(BOB.id) == AccountUsage(20, 200)


async def test_the_log_is_read_newest_first_page_by_page(account_store: AccountStore) -> None:
    lines = [
        AuditEntry(START + timedelta(seconds=n), "a", Action.ENABLE, "b", f"{n}") for n in range(5)
    ]
    for line in lines:
        await account_store.add_audit_entry(line)
    assert list(await account_store.audit_entries(limit=2)) == lines[:2:-1]
    assert list(await account_store.audit_entries(before=lines[3].at, limit=2)) == [
        lines[2],
        lines[1],
    ]
    assert list(await account_store.audit_entries(limit=0)) == []


async def test_what_the_audit_log_tells_of_has_its_names(town: AccountStore) -> None:
    await town.add_guest_link("token", LINK, DONE)
    key = ApiKey("key", BOB.id, "Bob's program", "sk-1", START)
    await town.add_key("key token", key, DONE)
    names = await town.names_in_audit({BOB.id, LINK.id, key.id, "deleted"})
    assert names == {BOB.id: BOB.name, LINK.id: LINK.label, key.id: key.name}


async def test_entries_of_one_moment_are_read_in_order(
    account_store: AccountStore,
) -> None:
    for action in (Action.JOIN, Action.ENTER):
        await account_store.add_audit_entry(AuditEntry(START, "a", action))
    assert await actions(account_store) == [Action.ENTER, Action.JOIN]


async def test_a_refused_change_writes_no_audit_entry(town: AccountStore) -> None:
    before = await actions(town)
    with pytest.raises(LastAdmin):
        await town.change_user(ANN.id, DONE, disabled=True)
    with pytest.raises(NameTaken):
        await town.add_user(replace(CY, id="other"), "hash", DONE)
    assert await actions(town) == before


async def test_text_that_cannot_be_stored_is_refused(account_store: AccountStore) -> None:
    for bad in ("a\0b", "\ud800"):
        with pytest.raises(BadText):
            await account_store.add_user(replace(ANN, name=bad), "hash", JOINED)
        with pytest.raises(BadText):
            await account_store.credentials(bad)
