"""A large random store: 100,000 messages of many users, half of them in campaigns, and 20,000
ratings. Seeded: the same in every run.
"""

import random
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

from bench.store import MESSAGES, START, random_archive, random_text
from chat.accounts.models import LOCAL, AccountRole, AuditEntry, User
from chat.campaigns.models import Campaign, Mode, Plan, Variant
from chat.conversations.models import AnswerRecord, Archive, Message, Question
from chat.feedback.models import REASONS, AnswerSnapshot, RatingInput, Verdict
from chat.feedback.result_models import ReviewChange, ReviewStatus
from chat.models import (
    ChatMessage,
    ChatOptions,
    Finish,
    PresetRef,
    Provenance,
    Role,
    Sampling,
    Status,
    Timing,
    Usage,
)
from chat.serving.observer import Source
from chat.serving.provenance import prompt_sha256
from store import RoutingStore, open_store

CONVERSATIONS = 5_000
RATINGS = 20_000
CAMPAIGNS = 10
USERS = 50
BETWEEN = timedelta(minutes=10)
"""Time between two ratings."""

END = START + RATINGS * BETWEEN
MEMBER = User("member", "member", AccountRole.MEMBER, START)
MODELS = ("Qwen2.5-7B-Instruct", "Qwen2.5-0.5B-Instruct")
FAILURES = ("engine_failed", "request_timeout")


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now


@asynccontextmanager
async def filled_store(database_url: str | None) -> AsyncIterator[RoutingStore]:
    """A store with all messages and ratings."""
    clock = Clock()
    with tempfile.TemporaryDirectory() as folder:
        store = open_store(Path(folder), database_url, clock=clock)
        await store.open()
        try:
            chance = random.Random(11)
            await add_campaigns(store)
            await add_conversations(store, clock, chance)
            await add_ratings(store, chance)
            yield store
        finally:
            await store.close()


async def add_campaigns(store: RoutingStore) -> None:
    await store.accounts.add_user(MEMBER, None, AuditEntry(START, "", "bench"))
    plan = Plan("A campaign", Mode.SINGLE, (Variant("A"),))
    for number in range(CAMPAIGNS):
        owner_id = MEMBER.id if number == 3 else LOCAL.id
        campaign = Campaign(f"campaign {number}", owner_id, plan, START)
        await store.feedback.campaigns.add(campaign, AuditEntry(START, "", "bench"))


def campaign_of(number: int) -> str:
    """The campaign of a conversation or rating; "" for every second one."""
    campaign = number % (2 * CAMPAIGNS)
    return f"campaign {campaign}" if campaign < CAMPAIGNS else ""


# --- conversations ----------------------------------------------------------------------------


async def add_conversations(store: RoutingStore, clock: Clock, chance: random.Random) -> None:
    """Conversations in campaigns are added turn by turn; the others are imported."""
    imported: dict[str, list[Archive]] = {}
    for number in range(CONVERSATIONS):
        owner_id = f"person {number % USERS}"
        archive = with_answer_data(chance, number, random_archive(chance, number, ""))
        if campaign_id := campaign_of(number):
            await add_turns(store, clock, owner_id, campaign_id, archive)
        else:
            imported.setdefault(owner_id, []).append(archive)
    for owner_id, archives in imported.items():
        await store.add_archives(owner_id, archives)


def with_answer_data(chance: random.Random, number: int, archive: Archive) -> Archive:
    """The archive with the engine's data of each answer, and with its own times."""
    at = START + number * (END - START) / CONVERSATIONS
    messages = [
        replace(message, created_at=at + timedelta(minutes=place))
        for place, message in enumerate(archive.messages)
    ]
    for place in range(1, MESSAGES, 2):
        messages[place] = ended(chance, messages[place])
    return replace(archive, messages=tuple(messages))


def ended(chance: random.Random, message: Message) -> Message:
    if chance.random() < 0.02:
        return replace(message, status=Status.ERROR, error_code=chance.choice(FAILURES))
    return replace(
        message,
        finish=Finish.STOP,
        usage=Usage(900, chance.randrange(20, 900)),
        timing=random_timing(chance),
        provenance=random_provenance(chance, "0" * 64),
    )


async def add_turns(
    store: RoutingStore, clock: Clock, owner_id: str, campaign_id: str, archive: Archive
) -> None:
    conversation_id = None
    for place in range(0, MESSAGES, 2):
        question_message, answer = archive.messages[place : place + 2]
        clock.now = question_message.created_at
        name = f"{campaign_id} {archive.conversation.id} {place}"
        question = Question(question_message.content, name, title="A chat", campaign_id=campaign_id)
        turn = await store.add_turn(
            owner_id, conversation_id=conversation_id, question=question, options=ChatOptions()
        )
        conversation_id = turn.conversation.id
        record = AnswerRecord(
            content=answer.content,
            status=answer.status,
            finish=answer.finish,
            usage=answer.usage,
            timing=answer.timing,
            provenance=answer.provenance,
            error_code=answer.error_code,
        )
        await store.finish_answer(owner_id, turn.answer.id, record)


def random_timing(chance: random.Random) -> Timing:
    first = 0.2 + chance.random()
    return Timing(
        chance.random() * 3, 0.2, first, first + chance.random() * 9, 20 + chance.random()
    )


def random_provenance(chance: random.Random, digest: str) -> Provenance:
    return Provenance(
        MODELS[chance.random() < 0.15],
        "main",
        "none",
        "local",
        Sampling(temperature=0.7, seed=chance.randrange(2**31)),
        digest,
        preset=PresetRef(f"preset {chance.randrange(5)}", 1),
    )


# --- ratings ----------------------------------------------------------------------------------


async def add_ratings(store: RoutingStore, chance: random.Random) -> None:
    for number in range(RATINGS):
        at = START + number * BETWEEN
        rare = "serendipity" if number % 4_000 == 7 else ""
        frozen = random_snapshot(chance, number, rare)
        await store.feedback.ratings.rate(frozen, LOCAL.id, random_rating(chance), at)
        if number % 3 == 0:
            change = ReviewChange([*ReviewStatus][number % len(ReviewStatus)])
            await store.feedback.results.review(None, frozen.id, change, LOCAL.id, at)


def random_snapshot(chance: random.Random, number: int, rare: str) -> AnswerSnapshot:
    """An answer after three turns."""
    prompt = tuple(
        ChatMessage((Role.USER, Role.ASSISTANT)[place % 2], random_text(chance, ""))
        for place in range(5)
    )
    return AnswerSnapshot(
        id=f"evidence {number}",
        answer_id=f"answer {number}",
        owner_id=LOCAL.id,
        source=Source.PAGE,
        prompt=prompt,
        answer=random_text(chance, rare),
        status=Status.DONE,
        made_at=START + number * BETWEEN,
        finish=Finish.STOP,
        usage=Usage(900, 300),
        timing=Timing(0.1, 0.2, 0.3, chance.random() * 9, 30.0),
        provenance=random_provenance(chance, prompt_sha256(prompt)),
        conversation_id=f"conversation {number // 2}",
        campaign_id=campaign_of(number),
        language=("zh", "en")[number % 2],
        page_language="zh",
    )


def random_rating(chance: random.Random) -> RatingInput:
    if chance.random() < 0.6:
        return RatingInput(Verdict.UP)
    bad = RatingInput(Verdict.DOWN, tuple(chance.sample(REASONS, 2)), random_text(chance, "")[:80])
    return bad if chance.random() < 0.5 else replace(bad, correction=random_text(chance, ""))
