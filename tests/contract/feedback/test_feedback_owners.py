"""Test data are deleted with their user, and the first account takes over the local user's."""

from collections import Counter
from dataclasses import replace
from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from chat.accounts.models import (
    LOCAL_USER,
    AccountRole,
    Action,
    AuditEntry,
    OneTimeLink,
    OneTimeLinkKind,
    User,
)
from chat.feedback.models import RatingInput, Verdict
from store import RoutingStore
from store.erasure import OWNERS
from store.schema.accounts import UserRow
from store.schema.feedback import AnswerSnapshotRow
from tests.contract.feedback_rows import (
    BAD,
    LATER,
    SNAPSHOT,
    TABLES,
    add_rows,
    campaign,
    case,
    comparison,
    count_rows,
    participant,
    result,
    review,
    run,
)
from tests.contract.stores import START
from tests.contract.users import ANN, BOB, CY, JOINED

DELETED = AuditEntry(LATER, ANN.id, Action.DELETE, BOB.id)


async def rate(database: RoutingStore, owner_id: str, *, campaign_id: str = "campaign") -> None:
    """An answer of that user, rated twice."""
    snapshot = replace(
        SNAPSHOT, id=f"evidence of {owner_id}", owner_id=owner_id, campaign_id=campaign_id
    )
    for rating_input in (BAD, RatingInput(Verdict.UP)):
        await database.feedback.ratings.rate(snapshot, owner_id, rating_input, LATER)


async def take_part(database: RoutingStore, tester: str, host: str) -> None:
    """A tester leaves everything that one can leave, and the host works with it."""
    await add_rows(database, campaign(host), participant(tester), comparison(tester))
    await rate(database, tester)
    await add_rows(
        database,
        review(f"evidence of {tester}", host, assignee=tester),
        case("complaint", host, f"evidence of {tester}"),
        case("invented", host),
        run(host),
        result(host, "complaint", judge=tester),
        result(host, "invented", judge=tester),
    )


async def named(database: RoutingStore, user_id: str) -> set[str]:
    """The columns with user ids."""

    def read(session: Session) -> set[str]:
        return {
            str(column)
            for column in OWNERS
            if session.scalar(select(column).where(column == user_id).limit(1))
        }

    return await database.feedback.ratings.transactions.read(read)


async def test_a_testers_data_are_deleted_with_derived_cases_and_counted(
    database: RoutingStore,
) -> None:
    await take_part(database, BOB.id, ANN.id)
    before = await count_rows(database)
    deleted = await database.accounts.delete_user(BOB.id, DELETED)
    after = await count_rows(database)
    assert after == Counter(campaigns=1, cases=1, runs=1, results=1)
    assert deleted == (before - after).total() + 1
    assert (await database.accounts.audit_entries())[0].detail == str(deleted)
    assert await named(database, BOB.id) == {"ResultRow.judged_by"}


async def test_a_hosts_campaigns_are_deleted_with_their_testers_data(
    database: RoutingStore,
) -> None:
    await take_part(database, CY.id, BOB.id)
    elsewhere = replace(SNAPSHOT, id="elsewhere", answer_id="another", owner_id=CY.id)
    await database.feedback.ratings.rate(elsewhere, CY.id, BAD, LATER)
    before = await count_rows(database)
    deleted = await database.accounts.delete_user(BOB.id, DELETED)
    after = await count_rows(database)
    assert after == Counter(evidence=1, ratings=1)
    assert deleted == (before - after).total() + 1


async def test_a_deleted_users_rating_of_anothers_answer_is_removed_from_search(
    database: RoutingStore,
) -> None:
    ratings = database.feedback.ratings
    for user_id in (CY.id, BOB.id):
        await ratings.rate(SNAPSHOT, user_id, RatingInput(comment=f"said by {user_id}"), LATER)
    await add_rows(database, review("evidence", ANN.id, assignee=BOB.id))
    await database.accounts.delete_user(BOB.id, DELETED)

    def words(session: Session) -> str:
        return session.scalars(select(AnswerSnapshotRow.words)).one()

    search_words = await ratings.transactions.read(words)
    assert " cy " in search_words
    assert " bob " not in search_words
    assert await count_rows(database) == Counter(evidence=1, ratings=1, reviews=1)
    assert await named(database, BOB.id) == set()


async def test_the_first_user_takes_over_all_feedback_of_the_local_user(
    database: RoutingStore,
) -> None:
    for user in (CY, BOB):
        await database.accounts.delete_user(user.id, JOINED)
    await take_part(database, LOCAL_USER, LOCAL_USER)
    columns, rows = await named(database, LOCAL_USER), await count_rows(database)
    assert columns == {str(column) for column in OWNERS}
    assert set(rows) == {table.__tablename__ for table in TABLES}
    await database.feedback.ratings.transactions.write(_delete_all_users)
    await database.accounts.add_one_time_link(
        "first", OneTimeLink(OneTimeLinkKind.SETUP, AccountRole.ADMIN, "", LATER), JOINED
    )
    first = User("first", "First", AccountRole.ADMIN, START)
    await database.accounts.use_one_time_link("first", first, "hash", JOINED)
    assert await named(database, LOCAL_USER) == set()
    assert await named(database, first.id) == columns
    assert await count_rows(database) == rows


async def test_old_feedback_is_deleted_and_cases_stay(database: RoutingStore) -> None:
    await take_part(database, BOB.id, ANN.id)
    assert await database.accounts.delete_older(START) == 0
    rated = await database.accounts.delete_older(LATER)
    assert rated == 2
    assert await count_rows(database) >= Counter(evidence=1, ratings=2, reviews=1)
    assert await database.accounts.delete_older(LATER + timedelta(seconds=1)) == 1
    assert await count_rows(database) == Counter(campaigns=1, cases=2, runs=1, results=2)


def test_every_column_with_a_user_id_is_listed() -> None:
    named = {"owner_id", "user_id", "reviewer", "assignee", "judged_by"}
    found = {
        f"{table.__name__}.{column}"
        for table in TABLES
        for column in named
        if hasattr(table, column)
    }
    assert found == {str(column) for column in OWNERS}


def _delete_all_users(session: Session) -> None:
    for row in session.scalars(select(UserRow)):
        session.delete(row)
