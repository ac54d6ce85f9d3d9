"""Links to copies of conversations, on SQLite and on PostgreSQL."""

import pytest

from chat.accounts.models import Action, AuditEntry, User
from chat.conversations.errors import NotShareable, ShareTooLarge, SharingOff, TooManyShares
from chat.conversations.models import Attachment
from chat.conversations.shares import Shares
from chat.conversations.validation import MAX_SHARES
from chat.errors import InvalidSetting, NotFound
from chat.models import ChatOptions
from store import RoutingStore
from tests.access import A, N, actions_of, make_user, outcomes
from tests.contract.stores import ask, ask_and_answer
from tests.contract.users import ANN, BOB, CY
from tests.house import Clock

USERS = (ANN, CY, BOB)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def shares(database: RoutingStore, clock: Clock) -> Shares:
    return Shares(database, database.shares, clock=clock)


async def chat_of(database: RoutingStore, user: User = BOB) -> str:
    files = (Attachment("notes.txt", "the secret of the file"),)
    options = ChatOptions("You are a pirate.")
    turn = await ask_and_answer(
        database, user_id=user.id, question="Why?", options=options, attachments=files
    )
    return turn.conversation.id


async def test_links_are_their_owners_alone(database: RoutingStore, shares: Shares) -> None:
    chat = await chat_of(database)
    share, _ = await shares.share(BOB, chat, days=7)
    found = await outcomes(
        {
            "Shares.title": lambda user: shares.title(user, chat),
            "Shares.share": lambda user: shares.share(user, chat, days=7),
            "Shares.revoke": lambda user: shares.revoke(user, share.id),
        },
        USERS,
    )
    assert found == dict.fromkeys(found, (N, N, A))
    assert found.keys() | {"Shares.list"} == actions_of(Shares)
    assert [len(await shares.list(user)) for user in USERS] == [0, 0, 1]


async def test_a_copy_stays_as_it_was_and_shows_only_what_was_chosen(
    database: RoutingStore, shares: Shares
) -> None:
    chat = await chat_of(database)
    _, bare = await shares.share(BOB, chat, days=1)
    _, full = await shares.share(BOB, chat, days=1, system_prompt=True, files=True)
    await ask_and_answer(database, chat, user_id=BOB.id, question="Later")
    for token, prompt, text in (
        (bare, "", ""),
        (full, "You are a pirate.", "the secret of the file"),
    ):
        _, copy = await shares.open(token)
        assert [message.content for message in copy.messages] == ["Why?", "你好 👋🏽"]
        assert copy.system_prompt == prompt
        assert copy.messages[0].attachments == (Attachment("notes.txt", text),)
        assert copy.messages[1].provenance is None


async def test_a_link_ends_with_its_time_by_revoking_and_in_the_trash(
    database: RoutingStore, shares: Shares, clock: Clock
) -> None:
    chat = await chat_of(database)
    _, short = await shares.share(BOB, chat, days=1)
    revoked, gone = await shares.share(BOB, chat, days=30)
    _, token = await shares.share(BOB, chat, days=30)
    clock.advance(days=1)
    await shares.revoke(BOB, revoked.id)
    for wrong in (short, gone, "unknown", ""):
        with pytest.raises(NotFound):
            await shares.open(wrong)
    await database.delete(BOB.id, chat)
    with pytest.raises(NotFound):
        await shares.open(token)
    await database.restore(BOB.id, chat)
    assert (await shares.open(token))[0].conversation_id == chat
    assert await shares.purge() == 1
    entries = await database.accounts.audit_entries()
    assert [entry.action for entry in entries][:4] == [
        Action.REVOKE_SHARE,
        *[Action.NEW_SHARE] * 3,
    ]


async def test_a_link_goes_with_its_conversation_its_owner_and_a_disabled_owner(
    database: RoutingStore, shares: Shares
) -> None:
    erased = AuditEntry(BOB.created_at, ANN.id, Action.DELETE)
    chats = [await chat_of(database), await chat_of(database), await chat_of(database, CY)]
    owners = (BOB, BOB, CY)
    pairs = zip(owners, chats, strict=True)
    tokens = [(await shares.share(owner, chat, days=7))[1] for owner, chat in pairs]
    await database.accounts.change_user(CY.id, erased, disabled=True)
    await database.delete(BOB.id, chats[0])
    await database.destroy_deleted(BOB.id, chats[0])
    assert len(await shares.list(BOB)) == 1
    assert (await shares.open(tokens[1]))[0].owner_id == BOB.id
    await database.accounts.delete_user(BOB.id, erased)
    for token in tokens:
        with pytest.raises(NotFound):
            await shares.open(token)
    assert await shares.list(BOB) == []


async def test_what_may_not_be_shared_is_refused(database: RoutingStore, shares: Shares) -> None:
    chat = await chat_of(database)
    tested = await ask(database, user_id=BOB.id, campaign_id="c1")
    with pytest.raises(NotShareable):
        await shares.share(BOB, tested.conversation.id, days=7)
    with pytest.raises(InvalidSetting):
        await shares.share(BOB, chat, days=365)
    with pytest.raises(SharingOff):
        await Shares(database, database.shares, enabled=False).share(BOB, chat, days=7)
    with pytest.raises(NotFound):
        await shares.list(make_user("guest", role=BOB.role.GUEST))
    long = await ask_and_answer(database, user_id=BOB.id, answer="x" * 4_000_001)
    with pytest.raises(ShareTooLarge):
        await shares.share(BOB, long.conversation.id, days=7)
    for _ in range(MAX_SHARES):
        await shares.share(BOB, chat, days=7)
    with pytest.raises(TooManyShares):
        await shares.share(BOB, chat, days=7)
