"""The access policy of conversations and presets: their owner's alone, and what is shared."""

from collections.abc import Mapping

import pytest

from chat.accounts.models import User
from chat.accounts.ports import AccountStore
from chat.conversations.jobs import Job, Jobs
from chat.conversations.models import PresetText, Question
from chat.conversations.ports import Store
from chat.conversations.presets import Presets
from chat.conversations.service import Conversations
from chat.conversations.turns import Turns
from chat.models import ChatOptions
from chat.serving.engines import Engines
from tests.access import A, Act, N, Policy, actions_of, outcomes
from tests.chat import finished, make_generation
from tests.contract.users import ANN, BOB, CY
from tests.fakes import ScriptedEngine

USERS = (ANN, CY, BOB)
"""An administrator and another member, for whom it is as if there were no such row; its owner."""

OWNER_ALONE = (N, N, A)

NO_ROW = {
    "Conversations.add_archives",
    "Conversations.empty_trash",
    "Conversations.recent",
    "Conversations.search",
    "Turns.being_answered",
    "Turns.send_together",
    "Turns.stop",
    "Turns.writing",
    "Presets.add",
    "Presets.list",
    "Presets.names",
}
"""Actions that name no row, or do nothing where it belongs to another user."""

PRESET_POLICY: Policy = {
    "Presets.get": OWNER_ALONE,
    "Presets.revise": OWNER_ALONE,
    "Presets.share": OWNER_ALONE,
    "Presets.get when shared": (A, A, A),
    "Presets.revise when shared": OWNER_ALONE,
    "Presets.delete": OWNER_ALONE,
}


@pytest.fixture
async def services(store: Store, town: AccountStore) -> tuple[Conversations, Turns]:
    engine = ScriptedEngine()
    jobs = Jobs(generation=make_generation(engine), store=store)
    return (
        Conversations(store=store, jobs=jobs),
        Turns(engines=Engines(engine), store=store, jobs=jobs),
    )


async def ask(turns: Turns, user: User, text: str, conversation_id: str | None = None) -> Job:
    question = Question(text, f"{user.id} {text}")
    job = await turns.send(
        user.id, conversation_id=conversation_id, question=question, options=ChatOptions()
    )
    await finished(job)
    return job


def acts_on_messages(conversations: Conversations, turns: Turns, job: Job) -> Mapping[str, Act]:
    """What a user reads and adds in the conversation of that answer."""
    chat, answer = job.conversation_id, job.message_id
    at = {"conversation_id": chat, "message_id": answer}

    async def retry(user: User) -> None:
        await finished(await turns.retry(user.id, **at))

    async def go_on(user: User) -> None:
        await finished(await turns.go_on(user.id, **at))

    return {
        "Turns.send": lambda user: ask(turns, user, "And?", chat),
        "Turns.retry": retry,
        "Turns.go_on": go_on,
        "Turns.prompt_of": lambda user: turns.prompt_of(user.id, **at),
        "Turns.context_usage": lambda user: turns.context_usage(
            user.id, conversation_id=chat, question=Question("And?", ""), options=ChatOptions()
        ),
        "Conversations.show": lambda user: conversations.show(user.id, chat, answer),
        "Conversations.edit_answer": lambda user: conversations.edit_answer(
            user.id, text="So.", **at
        ),
        "Conversations.open": lambda user: conversations.open(user.id, chat),
        "Conversations.version": lambda user: conversations.version(user.id, chat),
        "Conversations.archive": lambda user: conversations.archive(user.id, chat),
    }


def acts_on_conversation(conversations: Conversations, chat: str, title: str) -> Mapping[str, Act]:
    """What a user changes and deletes of a conversation with two questions."""
    removed = []

    async def undo_turn(user: User) -> None:
        removed.append(await conversations.undo_turn(user.id, chat))

    async def first() -> str:
        return (await conversations.open(BOB.id, chat)).messages[0].id

    async def delete_turn(user: User) -> None:
        await conversations.delete_turn(user.id, chat, await first())

    async def destroy(user: User) -> None:
        if user == BOB:
            await conversations.delete(user.id, chat)
        await conversations.destroy(user.id, chat)

    async def delete_branch(user: User) -> None:
        await conversations.delete_branch(user.id, chat, await first())

    return {
        "Conversations.rename": lambda user: conversations.rename(
            user.id, chat, title="New", seen=title
        ),
        "Conversations.pin": lambda user: conversations.pin(user.id, chat, pinned=True),
        "Conversations.set_archived": lambda user: conversations.set_archived(
            user.id, chat, archived=True
        ),
        "Conversations.set_options": lambda user: conversations.set_options(
            user.id, chat, ChatOptions("Be brief.")
        ),
        "Conversations.undo_turn": undo_turn,
        "Conversations.restore_messages": lambda user: conversations.restore_messages(
            user.id, removed[0]
        ),
        "Conversations.delete_turn": delete_turn,
        "Conversations.delete_branch": delete_branch,
        "Conversations.delete": lambda user: conversations.delete(user.id, chat),
        "Conversations.restore": lambda user: conversations.restore(user.id, chat),
        "Conversations.destroy": destroy,
    }


async def test_a_conversation_is_its_owners_alone(services: tuple[Conversations, Turns]) -> None:
    conversations, turns = services
    job = await ask(turns, BOB, "Why?")
    found = await outcomes(acts_on_messages(conversations, turns, job), USERS)
    other = await ask(turns, BOB, "Where?")
    await ask(turns, BOB, "And when?", other.conversation_id)
    title = (await conversations.open(BOB.id, other.conversation_id)).conversation.title
    acts = acts_on_conversation(conversations, other.conversation_id, title)
    found = {**found, **await outcomes(acts, USERS)}
    assert found.keys() == actions_of(Conversations, Turns, parameter="user_id") - NO_ROW
    assert found == dict.fromkeys(found, OWNER_ALONE)


async def test_a_preset_is_its_owners_alone_until_it_is_shared(
    store: Store, town: AccountStore
) -> None:
    presets, text = Presets(store), PresetText("Helper", "Be kind.")
    preset_id = (await presets.add(BOB.id, text)).ref.id
    acts: Mapping[str, Act] = {
        "Presets.get": lambda user: presets.get(user.id, preset_id),
        "Presets.revise": lambda user: presets.revise(user.id, preset_id, text),
        "Presets.share": lambda user: presets.share(user.id, preset_id, True),
        "Presets.get when shared": lambda user: presets.get(user.id, preset_id),
        "Presets.revise when shared": lambda user: presets.revise(user.id, preset_id, text),
        "Presets.delete": lambda user: presets.delete(user.id, preset_id),
    }
    assert actions_of(Presets, parameter="user_id") - NO_ROW <= acts.keys()
    assert await outcomes(acts, USERS) == PRESET_POLICY


async def test_the_lists_have_the_conversations_of_the_user(
    services: tuple[Conversations, Turns],
) -> None:
    conversations, turns = services
    await ask(turns, BOB, "Why?")
    for user, count in ((ANN, 0), (CY, 0), (BOB, 1)):
        assert len(await conversations.recent(user.id)) == count
        assert len(await conversations.search(user.id, "why")) == count
