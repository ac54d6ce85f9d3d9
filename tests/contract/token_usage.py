"""Forty days of usage, for the tests of counts."""

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from chat.campaigns.models import Mode, Side, VoteChoice
from chat.conversations.models import Origin
from chat.feedback.models import REASONS, RatingInput, Verdict
from chat.models import ChatOptions, Finish, Role, Status, Timing, Usage
from store import RoutingStore
from store.schema.base import Base
from store.schema.campaigns import CampaignRow, ComparisonRow
from store.schema.conversations import ConversationRow, MessageRow, measured
from tests.contract.feedback_rows import PLAN, SNAPSHOT, add_rows
from tests.contract.stores import ENDED, START
from tests.contract.users import ANN, BOB, CY

MODELS = ("Qwen2.5-7B", "Qwen2.5-0.5B")
CAMPAIGNS = ("bobs", "cys", "")
FAILURES = ("engine_failed", "request_timeout")


async def add_campaign_data(store: RoutingStore, now: datetime) -> None:
    """Usage of three users until now: in two campaigns, outside campaigns, and in comparisons."""
    chance = random.Random(3)
    rows = town(chance, now)
    answers = [
        (row.id, row.owner_id, row.created_at)
        for row in rows
        if isinstance(row, MessageRow) and row.role is Role.ASSISTANT
    ]
    await add_rows(store, *rows, *comparisons(now))
    for answer in answers:
        await rate(store, chance, *answer)


def town(chance: random.Random, now: datetime) -> Sequence[Base]:
    """Forty days of usage of three users, in two campaigns and outside."""
    rows: list[Base] = [
        CampaignRow(id=name, owner_id=user.id, plan=PLAN, plan_version=1, created_at=START)
        for name, user in (("bobs", BOB), ("cys", CY))
    ]
    for number in range(90):
        user_id, campaign = chance.choice((ANN, BOB, CY)).id, chance.choice(CAMPAIGNS)
        at = now - timedelta(minutes=chance.choice((1, 20, 700, 5_000, 30_000)) * chance.random())
        rows += conversation(chance, number, user_id, campaign, at)
    return rows


def conversation(
    chance: random.Random, number: int, owner_id: str, campaign: str, at: datetime
) -> Sequence[Base]:
    head = ConversationRow(
        id=f"c{number}",
        owner_id=owner_id,
        title="A chat",
        options=ChatOptions(),
        created_at=at,
        updated_at=at,
        campaign_id=campaign or None,
    )
    origin = Origin.IMPORTED if number % 9 == 0 else Origin.HERE
    common: dict[str, Any] = {
        "conversation_id": head.id,
        "owner_id": owner_id,
        "created_at": at,
        "origin": origin,
    }
    question = MessageRow(
        id=f"q{number}", role=Role.USER, content="Why?", status=Status.DONE, **common
    )
    answer = MessageRow(
        id=f"a{number}", parent_id=question.id, role=Role.ASSISTANT, content="So.", **common
    )
    answer.status = (Status.ERROR, Status.DONE, Status.STOPPED, Status.DONE)[number % 4]
    if answer.status is Status.ERROR:
        answer.error_code = chance.choice(FAILURES)
    else:
        assert ENDED.provenance
        usage = Usage(20, chance.randrange(500))
        timing = Timing(
            queue_s=chance.random(),
            ttft_s=3 * chance.random(),
            decode_tokens_per_s=40 * chance.random(),
        )
        provenance = replace(ENDED.provenance, model=chance.choice(MODELS))
        for name, value in measured(answer.content, usage, timing, provenance).items():
            setattr(answer, name, value)
        answer.finish = Finish.STOP
    return head, question, answer


def comparisons(now: datetime) -> Sequence[Base]:
    """Twelve questions of three users in a blind campaign, most of them with votes."""
    chance = random.Random(4)
    plan = replace(PLAN, title="Which of two?", mode=Mode.BLIND)
    rows: list[Base] = [
        CampaignRow(id="blind", owner_id=CY.id, plan=plan, plan_version=1, created_at=START)
    ]
    for number in range(12):
        user_id, at = (ANN, BOB, CY)[number % 3].id, now - timedelta(hours=2**number / 4)
        sides = []
        for variant in (0, 1):
            # None that `conversation` makes an imported one.
            place = 9 * (200 + number) + 1 + variant
            rows += conversation(chance, place, user_id, "blind", at)
            sides.append(Side(variant, f"c{place}", f"a{place}"))
        voted = number // 3 != 1
        rows.append(
            ComparisonRow(
                id=f"duel {number}",
                campaign_id="blind",
                user_id=user_id,
                request_id=f"request {number}",
                question="Why?",
                task_id="",
                left=sides[0],
                right=sides[1],
                asked_at=at,
                choice=VoteChoice.TIE if voted else None,
                comment="",
                voted_at=at + timedelta(seconds=30) if voted else None,
            )
        )
    return rows


async def rate(
    store: RoutingStore, chance: random.Random, answer_id: str, owner_id: str, made_at: datetime
) -> None:
    """Once, or changed since."""
    number, campaign = int(answer_id[1:]), chance.choice(CAMPAIGNS)
    frozen = replace(
        SNAPSHOT,
        id=f"e{number}",
        answer_id=answer_id,
        owner_id=owner_id,
        campaign_id=campaign,
        language=("zh", "en", "")[number % 3],
    )
    for version in range(2 if number % 5 == 0 else 1):
        rating_input = RatingInput(
            chance.choice((Verdict.UP, Verdict.DOWN, None)),
            tuple(chance.sample(REASONS, chance.choice((0, 2)))),
            comment="Well",
        )
        at = made_at + timedelta(seconds=version)
        await store.feedback.ratings.rate(frozen, owner_id, rating_input, at)
