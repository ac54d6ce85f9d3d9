"""/v1/feedback: programs rate answers that they have received."""

from collections.abc import AsyncIterator
from pathlib import Path

import jsonschema
import pytest

from chat.accounts.models import LOCAL
from chat.feedback.models import RatingInput, Verdict
from chat.feedback.validation import MAX_COMMENT
from chat.serving.observer import Source
from tests.programs import FEEDBACK, RatingPrograms, fault


@pytest.fixture
async def programs(tmp_path: Path) -> AsyncIterator[RatingPrograms]:
    programs = RatingPrograms(tmp_path)
    await programs.store.open()
    yield programs
    await programs.store.close()


async def test_an_answer_is_rated_by_its_id_in_versions(programs: RatingPrograms) -> None:
    answer_id = await programs.answer_id()
    first = (
        await programs.rate(answer_id, verdict="down", reasons=["wrong-facts"], comment="no")
    ).json()
    assert {**first, "created": 0} == {
        "id": answer_id,
        "object": "feedback",
        "created": 0,
        "version": 1,
        "verdict": "down",
        "reasons": ["wrong-facts"],
        "comment": "no",
        "correction": None,
    }
    again = (await programs.rate(answer_id, verdict="up", correction="Hi!")).json()
    assert (again["version"], again["verdict"], again["correction"]) == (2, "up", "Hi!")
    assert (await programs.rate(answer_id)).json()["version"] == 3
    snapshot = await programs.ratings_store.snapshot_of(LOCAL.id, answer_id)
    assert snapshot
    assert (snapshot.source, snapshot.answer, snapshot.question) == (Source.API, "Hello", "Hi")
    assert (await programs.ratings_store.newest(LOCAL.id, [answer_id]))[
        answer_id
    ].rating_input == RatingInput()
    assert (await programs.ratings_store.newest(LOCAL.id, [answer_id]))[answer_id].version == 3


async def test_a_rated_answer_can_be_rated_again_after_a_restart(tmp_path: Path) -> None:
    before, after = RatingPrograms(tmp_path), RatingPrograms(tmp_path)
    await before.store.open()
    answer_id = await before.answer_id()
    assert (await before.rate(answer_id, verdict="up")).status_code == 200
    await before.store.close()
    await after.store.open()
    assert (await after.rate(answer_id, verdict="down")).json()["version"] == 2
    await after.store.close()


async def test_an_unknown_answer_is_not_found_and_the_error_states_the_retention(
    programs: RatingPrograms,
) -> None:
    for answer_id in (await programs.answer_id(store=False), "chatcmpl-1", "temporary-1"):
        answer = await programs.rate(answer_id, verdict="up")
        assert answer.status_code == 404
        assert fault(answer)["code"] == "not_found"
        assert "remembered for 60 minutes" in fault(answer)["message"]


async def test_invalid_feedback_is_refused(programs: RatingPrograms) -> None:
    answer_id = await programs.answer_id()
    for feedback, status, code in (
        ({}, 400, "empty_opinion"),
        ({"reasons": ["dull"]}, 400, "unknown_reason"),
        ({"correction": "x" * (MAX_COMMENT + 6)}, 400, "message_too_long"),
        ({"comment": "x" * (MAX_COMMENT + 1)}, 422, "invalid_request"),
        ({"comment": "x" * 2**20}, 422, "invalid_request"),
        ({"verdict": "great"}, 422, "invalid_request"),
        ({"verdict": 1}, 422, "invalid_request"),
        ({"reasons": "slow"}, 422, "invalid_request"),
        ({"reasons": ["slow"] * 21}, 422, "invalid_request"),
        ({"rating": 5}, 422, "invalid_request"),
    ):
        answer = await programs.rate(answer_id, **feedback)
        assert (answer.status_code, fault(answer)["code"]) == (status, code)
    too_long = await programs.rate(answer_id, comment="x" * 2**20)
    assert "20000" in fault(too_long)["message"]
    assert await programs.ratings_store.snapshot_of(LOCAL.id, answer_id) is None
    assert (await programs.rate(answer_id, verdict=Verdict.UP)).status_code == 200


async def test_the_feedback_route_matches_the_openapi_document(programs: RatingPrograms) -> None:
    document = (await programs.client.get("/openapi.json")).json()
    answers = document["paths"][FEEDBACK]["post"]["responses"]
    answer_id = await programs.answer_id()
    for answer in (await programs.rate(answer_id, verdict="up"), await programs.rate("another")):
        schema = answers[str(answer.status_code)]["content"]["application/json"]["schema"]
        jsonschema.validate(answer.json(), {**schema, "components": document["components"]})
    for example in document["components"]["schemas"]["FeedbackRequest"]["examples"]:
        body = {**example, "id": answer_id}
        assert (await programs.client.post(FEEDBACK, json=body)).status_code == 200
