"""What the database promises of a campaign's results: counted, the owner's trial left out."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from chat.campaigns.models import Mode, Side, Variant, VoteChoice
from chat.conversations.models import AnswerRecord, Question
from chat.conversations.presets import Presets
from chat.errors import NotFound
from chat.feedback.models import RatingInput, Verdict
from chat.feedback.report_models import AnswerSource, AnswerTimes, SourceCount, Vote
from chat.feedback.result_models import ReviewChange, ReviewStatus
from chat.models import ChatOptions, PresetRef, Status
from store import RoutingStore
from tests.contract.feedback_rows import add_rows, campaign, comparison, participant
from tests.contract.stores import ENDED, START, ask_and_answer
from tests.contract.users import ANN, BOB, CY
from tests.rated import DOWN, UP, snapshot

CAMPAIGN = "campaign"


async def rate(
    database: RoutingStore,
    name: str,
    rating_input: RatingInput,
    owner_id: str = ANN.id,
    **more: Any,
) -> None:
    frozen = snapshot(name, owner_id=owner_id, campaign_id=CAMPAIGN, **more)
    await database.feedback.ratings.rate(frozen, owner_id, rating_input, START)


async def answered(
    database: RoutingStore, user_id: str, ended: AnswerRecord = ENDED, request: str = "request"
) -> str:
    """A conversation of the campaign with one answer; its id."""
    turn = await database.add_turn(
        user_id,
        conversation_id=None,
        question=Question("Why?", f"{request} of {user_id}", campaign_id=CAMPAIGN),
        options=ChatOptions(),
    )
    await database.finish_answer(user_id, turn.answer.id, ended)
    return turn.conversation.id


async def test_an_unknown_campaign_has_no_report(database: RoutingStore) -> None:
    with pytest.raises(NotFound):
        await database.feedback.reports.gather("nowhere", 5)
    await add_rows(database, campaign(BOB.id))
    raw = await database.feedback.reports.gather(CAMPAIGN, 5)
    assert (raw.rated, raw.verdicts, raw.votes, raw.best, raw.surveys) == (0, {}, [], [], [])


async def test_ratings_are_counted_in_their_newest_version(database: RoutingStore) -> None:
    await add_rows(database, campaign(BOB.id, Mode.SPLIT))
    both = RatingInput(Verdict.DOWN, ("too-long", "dull"), "hm", "So.")
    await rate(database, "a", DOWN, variant=0)
    await rate(database, "a", UP, variant=0)
    await rate(database, "b", both, variant=1, owner_id=CY.id)
    await rate(database, "trial", both, variant=1, owner_id=BOB.id)
    raw = await database.feedback.reports.gather(CAMPAIGN, 5)
    assert raw.verdicts == {(0, True): 1, (1, False): 1}
    assert raw.reasons == {"too-long": 1, "dull": 1}
    assert (raw.rated, raw.comments, raw.corrections) == (2, 1, 1)


async def test_excerpts_prefer_answers_with_the_most_feedback(database: RoutingStore) -> None:
    await add_rows(database, campaign(BOB.id))
    plain = [replace(UP, comment=""), replace(UP, comment="nice"), UP, UP]
    for number, rating_input in enumerate(plain):
        await rate(database, f"up {number}", rating_input, question=f"up {number}")
    disliked = [DOWN, replace(DOWN, comment="no"), replace(DOWN, correction="Yes."), DOWN]
    for number, rating_input in enumerate(disliked):
        await rate(database, f"down {number}", rating_input, question=f"down {number}")
    for name, standing in (("up 2", ReviewStatus.USABLE), ("up 3", ReviewStatus.UNUSABLE)):
        await database.feedback.results.review(None, name, ReviewChange(standing), ANN.id, START)
    raw = await database.feedback.reports.gather(CAMPAIGN, 3)
    assert [item.question for item in raw.best] == ["up 2", "up 1", "up 0"]
    assert [item.question for item in raw.worst] == ["down 2", "down 1", "down 3"]
    assert (raw.worst[0].correction, raw.worst[1].comment) == ("Yes.", "no")


async def test_an_answer_without_words_is_counted_but_neither_best_nor_worst(
    database: RoutingStore,
) -> None:
    await add_rows(database, campaign(BOB.id))
    slow = RatingInput(Verdict.DOWN, ("slow",), "I gave up.")
    await rate(database, "stopped", slow, answer="", status=Status.STOPPED)
    await rate(database, "liked", UP, answer=" \n")
    raw = await database.feedback.reports.gather(CAMPAIGN, 5)
    assert (raw.rated, raw.reasons) == (2, {"slow": 1})
    assert (raw.best, raw.worst) == ([], [])


async def test_times_and_surveys_are_of_testers_only(database: RoutingStore) -> None:
    await add_rows(database, campaign(BOB.id, Mode.SPLIT))
    for user, variant in ((ANN.id, 0), (CY.id, 1), (BOB.id, 1)):
        row = participant(user, variant)
        row.consented_at, row.survey = START, {"q": variant, "why": user}
        row.survey_sent_at = None if user == CY.id else START
        await add_rows(database, row)
        await answered(database, user)
    raw = await database.feedback.reports.gather(CAMPAIGN, 5)
    timing, usage = ENDED.timing, ENDED.usage
    assert timing
    assert usage
    took = (timing.queue_s, timing.ttft_s, timing.total_s, timing.decode_tokens_per_s)
    assert set(raw.measured) == {
        AnswerTimes(variant, *took, usage.completion_tokens) for variant in (0, 1)
    }
    assert [dict(survey) for survey in raw.surveys] == [{"q": 0, "why": ANN.id}]
    assert [dict(survey) for survey in raw.unsent] == [{"q": 1, "why": CY.id}]


async def test_models_are_counted_by_variant(
    database: RoutingStore,
) -> None:
    ref, deleted = PresetRef("maths.en", 1), PresetRef("nowhere", 2)
    await Presets(database).ship()
    plan = campaign(BOB.id, Mode.SPLIT)
    plan.plan = replace(
        plan.plan, variants=(Variant("A", preset=ref), Variant("B", preset=deleted))
    )
    await add_rows(database, plan)
    assert ENDED.provenance
    swapped = replace(ENDED.provenance, model="Another", quantization="int8", preset=ref)
    for user, variant in ((ANN.id, 0), (CY.id, 1), (BOB.id, 1)):
        await add_rows(database, participant(user, variant))
        await answered(database, user)
    for number in range(2):
        ended = replace(ENDED, status=Status.STOPPED, provenance=swapped)
        await answered(database, CY.id, ended, request=f"more {number}")
    raw = await database.feedback.reports.gather(CAMPAIGN, 5)
    first = AnswerSource("Qwen2.5", "main", "none", "local")
    second = AnswerSource("Another", "main", "int8", "local", ref)
    assert raw.answered == [
        SourceCount(0, first, 1),
        SourceCount(1, second, 2),
        SourceCount(1, first, 1),
    ]
    assert raw.presets == {ref: "Step-by-step maths"}


async def test_votes_are_collected_with_their_best_and_worst_answers(
    database: RoutingStore,
) -> None:
    await add_rows(database, campaign(BOB.id, Mode.BLIND))
    row, sides = comparison(ANN.id), []
    for side, text in ((row.left, "Left"), (row.right, "Right")):
        turn = await ask_and_answer(database, user_id=ANN.id, answer=text)
        answer = turn.answer
        sides.append(Side(side.variant, answer.conversation_id, answer.id))
    row.left, row.right = sides
    row.choice, row.voted_at, row.comment = VoteChoice.RIGHT, START + timedelta(days=1), "clearer"
    await add_rows(database, row, comparison(CY.id))
    raw = await database.feedback.reports.gather(CAMPAIGN, 5)
    assert raw.votes == [Vote(1, 0, VoteChoice.RIGHT, ANN.id)]
    assert raw.testers == {ANN.id: ANN.name}
    assert [(item.answer, item.comment, item.variant) for item in raw.best] == [
        ("Right", "clearer", 0)
    ]
    assert [(item.answer, item.variant) for item in raw.worst] == [("Left", 1)]
