"""/v1/feedback: programs rate what they were given."""

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
    id = await programs.rated_completion()
    first = (await programs.rate(id, verdict="down", reasons=["wrong-facts"], comment="no")).json()
    assert {**first, "created": 0} == {
        "id": id,
        "object": "feedback",
        "created": 0,
        "version": 1,
        "verdict": "down",
        "reasons": ["wrong-facts"],
        "comment": "no",
        "correction": None,
    }
    again = (await programs.rate(id, verdict="up", correction="Hi!")).json()
    assert (again["version"], again["verdict"], again["correction"]) == (2, "up", "Hi!")
    assert (await programs.rate(id)).json()["version"] == 3
    snapshot = await programs.ratings.snapshot_of(LOCAL.id, id)
    assert snapshot
    assert (snapshot.source, snapshot.answer, snapshot.question) == (Source.API, "Hello", "Hi")
    assert (await programs.ratings.newest(LOCAL.id, [id]))[id].rating_input == RatingInput()
    assert (await programs.ratings.newest(LOCAL.id, [id]))[id].version == 3


async def test_what_was_rated_once_can_be_rated_after_it_is_forgotten(tmp_path: Path) -> None:
    before, after = RatingPrograms(tmp_path), RatingPrograms(tmp_path)
    await before.store.open()
    id = await before.rated_completion()
    assert (await before.rate(id, verdict="up")).status_code == 200
    await before.store.close()
    await after.store.open()
    assert (await after.rate(id, verdict="down")).json()["version"] == 2
    await after.store.close()


async def test_an_answer_that_is_not_remembered_is_not_found_and_it_says_for_how_long_they_are(
    programs: RatingPrograms,
) -> None:
    for id in (await programs.rated_completion(store=False), "chatcmpl-1", "temporary-1"):
        answer = await programs.rate(id, verdict="up")
        assert answer.status_code == 404
        assert fault(answer)["code"] == "not_found"
        assert "remembered for 60 minutes" in fault(answer)["message"]


async def test_what_is_said_must_fit(programs: RatingPrograms) -> None:
    id = await programs.rated_completion()
    for said, status, code in (
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
        answer = await programs.rate(id, **said)
        assert (answer.status_code, fault(answer)["code"]) == (status, code)
    too_long = await programs.rate(id, comment="x" * 2**20)
    assert "20000" in fault(too_long)["message"]
    assert await programs.ratings.snapshot_of(LOCAL.id, id) is None
    assert (await programs.rate(id, verdict=Verdict.UP)).status_code == 200


async def test_the_route_is_in_the_document_which_its_answers_fit(programs: RatingPrograms) -> None:
    document = (await programs.client.get("/openapi.json")).json()
    answers = document["paths"][FEEDBACK]["post"]["responses"]
    id = await programs.rated_completion()
    for answer in (await programs.rate(id, verdict="up"), await programs.rate("another")):
        schema = answers[str(answer.status_code)]["content"]["application/json"]["schema"]
        jsonschema.validate(answer.json(), {**schema, "components": document["components"]})
    for example in document["components"]["schemas"]["FeedbackRequest"]["examples"]:
        assert (await programs.rate(**{**example, "id": id})).status_code == 200
