"""Adds comparisons, testers, cases and runs to the store of `bench.hosted`."""

from dataclasses import replace
from itertools import pairwise

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from bench.hosted import CAMPAIGNS, USERS
from bench.store import START
from chat.accounts.models import LOCAL
from chat.campaigns.models import Mode, Side, VoteChoice
from chat.evaluation.models import Case, CaseVerdict, Check, CheckKind, Result, Run
from chat.models import ChatMessage, Role, Timing
from store import RoutingStore
from store.schema.campaigns import CampaignRow, ComparisonRow, ParticipantRow
from store.schema.conversations import ConversationRow, MessageRow
from store.schema.feedback import AnswerSnapshotRow

BLIND, SPLIT = (f"campaign {number}" for number in (CAMPAIGNS - 2, CAMPAIGNS - 1))
CASES = 1_000
RUNS = 20
CHOICES = (VoteChoice.LEFT, VoteChoice.RIGHT, VoteChoice.TIE)


async def add_comparisons(store: RoutingStore) -> None:
    """Votes on the answers of one campaign, and testers of a split campaign."""
    await store.feedback.ratings.transactions.write(_add_duels)
    for number in range(USERS):
        await store.feedback.campaigns.join(SPLIT, f"person {number}", START)
    await store.feedback.ratings.transactions.write(_split)


async def gather_in(store: RoutingStore, campaign_id: str) -> None:
    """Move all conversations and snapshots to one campaign."""
    await store.feedback.ratings.transactions.write(_gather_in, campaign_id)


async def add_cases(store: RoutingStore) -> None:
    """Cases, and runs of all of them."""
    prompt = (ChatMessage(Role.USER, "Why is the sky blue? " * 20),)
    checks = (Check(CheckKind.CONTAINS, "light"),)
    cases = [
        Case(f"case {number}", LOCAL.id, f"Case {number}", prompt, checks, START)
        for number in range(CASES)
    ]
    await store.feedback.cases.add(cases)
    for number in range(RUNS):
        run = Run(f"run {number}", LOCAL.id, "", "model", "main", "none", "local", START)
        await store.feedback.cases.add_run(run)
        for case in cases:
            verdict = (CaseVerdict.PASSED, CaseVerdict.FAILED)[len(case.id) % 2]
            answer = "It scatters. " * 50
            result = Result(run.id, case.id, answer, verdict, timing=Timing(ttft_s=1.0))
            await store.feedback.cases.add_result(result)


def _add_duels(session: Session) -> None:
    """Each conversation of the campaign is compared with the next one, turn by turn."""
    _set_mode(session, BLIND, Mode.BLIND)
    rows = session.execute(
        select(
            MessageRow.conversation_id, MessageRow.id, MessageRow.owner_id, MessageRow.created_at
        )
        .join(ConversationRow, ConversationRow.id == MessageRow.conversation_id)
        .where(ConversationRow.campaign_id == BLIND, MessageRow.role == Role.ASSISTANT)
        .order_by(MessageRow.sequence)
    )
    answers: dict[str, list[tuple[Side, str, ComparisonRow]]] = {}
    for conversation_id, message_id, owner_id, at in rows:
        variant = len(answers.keys() - {conversation_id}) % 2
        comparison = ComparisonRow(
            id=f"duel {message_id}", user_id=owner_id, asked_at=at, voted_at=at
        )
        side = Side(variant, conversation_id, message_id)
        answers.setdefault(conversation_id, []).append((side, message_id, comparison))
    for number, (lefts, rights) in enumerate(pairwise(answers.values())):
        if number % 2:
            continue
        for (left, name, comparison), (right, _, _) in zip(lefts, rights, strict=True):
            comparison.campaign_id, comparison.request_id = BLIND, name
            comparison.question, comparison.task_id, comparison.comment = (
                "Why is it so? " * 10,
                "",
                "",
            )
            comparison.left, comparison.right = left, right
            comparison.choice = CHOICES[number % len(CHOICES)]
            session.add(comparison)


def _split(session: Session) -> None:
    _set_mode(session, SPLIT, Mode.SPLIT)
    for number in range(USERS):
        session.execute(
            update(ParticipantRow)
            .where(ParticipantRow.user_id == f"person {number}")
            .values(variant=number % 2, consented_at=START)
        )


def _set_mode(session: Session, campaign_id: str, mode: Mode) -> None:
    row = session.get_one(CampaignRow, campaign_id)
    first = row.plan.variants[0]
    row.plan = replace(row.plan, mode=mode, variants=(first, replace(first, name="B")))


def _gather_in(session: Session, campaign_id: str) -> None:
    session.execute(update(ConversationRow).values(campaign_id=campaign_id))
    session.execute(update(AnswerSnapshotRow).values(campaign_id=campaign_id))
