"""What the database finds for the tables of a campaign: testers, undecided votes, unrated chats."""

from dataclasses import replace
from datetime import timedelta

from chat.campaigns.models import Mode, VoteChoice
from chat.conversations.models import Question
from chat.feedback.filter_models import Cursor
from chat.feedback.models import RatingInput
from chat.feedback.table_models import ParticipantActivity
from chat.models import ChatOptions
from store import RoutingStore
from tests.contract.feedback_rows import add_rows, campaign, comparison, participant
from tests.contract.stores import ENDED, START
from tests.contract.users import ANN, BOB, CY
from tests.rated import DOWN, UP, snapshot

CAMPAIGN = "campaign"


async def answered(
    database: RoutingStore, user_id: str, name: str, campaign_id: str = CAMPAIGN
) -> str:
    """A question with its answer, in a conversation of its own; the id of the answer."""
    turn = await database.add_turn(
        user_id,
        conversation_id=None,
        question=Question(f"{name}?", name, campaign_id=campaign_id),
        options=ChatOptions(),
    )
    await database.finish_answer(user_id, turn.answer.id, ENDED)
    return turn.answer.id


async def rate(database: RoutingStore, answer_id: str, rating_input: RatingInput) -> None:
    frozen = snapshot(answer_id, owner_id=ANN.id, answer_id=answer_id, campaign_id=CAMPAIGN)
    await database.feedback.ratings.rate(frozen, ANN.id, rating_input, START)


async def test_testers_come_in_order_with_the_counts_of_what_they_did(
    database: RoutingStore,
) -> None:
    await add_rows(database, campaign(BOB.id))
    for number, user_id in enumerate((CY.id, ANN.id, BOB.id)):
        row = participant(user_id)
        row.joined_at = START + timedelta(hours=number // 2)
        await add_rows(database, row)
    for name in ("one", "two"):
        await rate(database, await answered(database, ANN.id, name), UP)
    await rate(database, await answered(database, ANN.id, "taken back"), RatingInput())
    await answered(database, CY.id, "elsewhere", "")
    stored = database.feedback.tables
    found = await stored.testers(CAMPAIGN, after=None, limit=9)
    early = sorted((ANN.id, CY.id))
    assert [one.participant.user_id for one in found] == [*early, BOB.id]
    activity = {one.participant.user_id: one for one in found}
    ann = activity[ANN.id]
    assert ann == ParticipantActivity(ann.participant, questions=3, ratings=2)
    assert (activity[CY.id].questions, activity[CY.id].ratings) == (0, 0)
    first = found[0].participant
    after = Cursor(first.joined_at, first.user_id)
    rest = await stored.testers(CAMPAIGN, after=after, limit=1)
    assert [one.participant.user_id for one in rest] == early[1:]
    assert await stored.testers("nowhere", after=None, limit=9) == []


async def test_a_comparison_is_one_question_and_undecided_ones_are_found_with_their_answers(
    database: RoutingStore,
) -> None:
    await add_rows(database, campaign(BOB.id, Mode.BLIND), participant(ANN.id))
    sides = [await answered(database, ANN.id, name) for name in ("left", "right")]
    for number, (choice, reason) in enumerate(
        [(VoteChoice.TIE, ""), (None, "Both alike"), (None, "")]
    ):
        row = comparison(ANN.id)
        row.id, row.request_id = f"vote {number}", f"request {number}"
        row.choice, row.skip_reason = choice, reason
        row.left, row.right = (
            replace(side, conversation_id="", message_id=answer_id)
            for side, answer_id in zip((row.left, row.right), sides, strict=True)
        )
        await add_rows(database, row)
    stored = database.feedback.tables
    (ann,) = await stored.testers(CAMPAIGN, after=None, limit=9)
    assert (ann.questions, ann.votes, ann.skipped) == (3, 1, 1)
    found = await stored.unvoted(CAMPAIGN, after=None, limit=9)
    assert [one.comparison.skip_reason for one in found] == ["Both alike", ""]
    rest = await stored.unvoted(CAMPAIGN, after=found[0], limit=9)
    assert [one.comparison.id for one in rest] == ["vote 2"]


async def test_answers_without_a_rating_are_found_until_they_are_rated_or_deleted(
    database: RoutingStore,
) -> None:
    await add_rows(database, campaign(BOB.id, Mode.SPLIT), participant(ANN.id, 1))
    kept, rated, withdrawn, gone = [
        await answered(database, ANN.id, name) for name in ("kept", "rated", "withdrawn", "gone")
    ]
    await answered(database, ANN.id, "elsewhere", "")
    await rate(database, rated, DOWN)
    await rate(database, withdrawn, UP)
    await rate(database, withdrawn, RatingInput())
    found = await database.feedback.tables.unrated(CAMPAIGN, after=None, limit=9)
    assert {one.answer.id for one in found} == {kept, withdrawn, gone}
    (deleted,) = [one for one in found if one.answer.id == gone]
    await database.delete(ANN.id, deleted.answer.conversation_id)
    found = await database.feedback.tables.unrated(CAMPAIGN, after=None, limit=9)
    assert {(one.answer.id, one.question, one.variant) for one in found} == {
        (kept, "kept?", 1),
        (withdrawn, "withdrawn?", 1),
    }
    rest = await database.feedback.tables.unrated(CAMPAIGN, after=found[0], limit=9)
    assert rest == found[1:]
