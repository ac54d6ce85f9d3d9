"""Data set files: exact, safe in a spreadsheet, and valid against their schemas."""

import csv
import io
import json
from dataclasses import replace
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.campaigns.models import EarlierVote, VoteChoice
from chat.feedback.models import RatedAnswer, RatingInput, Review, ReviewState, Verdict
from chat.feedback.result_models import ExportContext, Names, RatingFilter
from chat.models import ChatMessage, Role, Status
from chat.tools import ToolCall
from formats.datasets import DataFormat, data_file
from formats.redaction.redactor import Redactor
from formats.schema import DOCS, SCHEMAS, schema
from tests.contract.stores import START
from tests.rated import DOWN, UP, rated, voted_comparison, written

FILTER = RatingFilter(campaign_id="campaign", verdict=Verdict.DOWN)
PRIVATE = "Ann wrote to ann@example.org"
RATING = RatingInput(Verdict.DOWN, ("wrong-facts", "other"), f"No! {PRIVATE}", f"Better. {PRIVATE}")
ITEMS = (
    rated("first", RATING, question=PRIVATE, answer=PRIVATE, note=PRIVATE),
    rated("second", UP, DOWN, state=ReviewState.USABLE, variant=1),
    rated("third", UP, provenance=None, usage=None, timing=None, status=Status.ERROR, finish=None),
)
CONTESTS = (
    voted_comparison("won", comment=PRIVATE),
    voted_comparison("tied", VoteChoice.TIE),
    voted_comparison("deleted", right=()),
)


def file_of(kind: str, *items: RatedAnswer, redactor: Redactor | None = None) -> bytes:
    file = data_file(DataFormat(kind), FILTER, redactor)
    return written(file, *(items or ITEMS), voted_comparisons=CONTESTS)


def lines_of(data: bytes) -> list[Any]:
    return [json.loads(line) for line in data.decode().split("\n") if line]


def table_of(data: bytes) -> list[dict[str, str]]:
    text = data.decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text, newline="")))


def check(name: str, record: object) -> None:
    """Against the schema in the documents."""
    document = json.loads((DOCS / name).read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator(document).validate(record)


@pytest.mark.parametrize("name", SCHEMAS)
def test_the_documents_have_the_schemas_of_the_records(name: str) -> None:
    assert (DOCS / name).read_text(encoding="utf-8") == schema(SCHEMAS[name])


def test_every_line_matches_its_schema() -> None:
    for kind in ("sft", "dpo"):
        lines = lines_of(file_of(kind))
        assert lines
        for line in lines:
            check(f"{kind}.schema.json", line)
            assert line["schema"] == f"qwen-chat/{kind}/1"
    check("results.schema.json", json.loads(file_of("json")))


# --- the table --------------------------------------------------------------------------------


def test_the_table_opens_in_a_spreadsheet() -> None:
    data = file_of("csv")
    assert data.startswith("\ufeffschema,evidence_id,".encode())
    assert data.count(b"\r\n") == data.count(b"\n") - 1  # within a cell: one between two reasons
    first, second, *_ = table_of(data)
    assert first["reasons"] == "wrong-facts\nother"
    assert (first["verdict"], first["question"], first["review_note"]) == ("down", PRIVATE, PRIVATE)
    assert (second["review"], second["variant"], second["seed"]) == ("usable", "1", "7")
    assert second["first_token_s"] == "0.3"
    assert json.loads(first["prompt"])[-1] == {"role": "user", "content": PRIVATE}


def test_the_table_has_a_row_for_each_user_and_answer() -> None:
    rows = [(row["evidence_id"], row["rater"], row["verdict"]) for row in table_of(file_of("csv"))]
    assert rows == [
        ("first", "ann", "down"),
        ("second", "ann", "up"),
        ("second", "rater 1", "down"),
        ("third", "ann", "up"),
    ]


def test_a_withdrawn_rating_has_no_row() -> None:
    items = [rated("gone", RatingInput()), rated("kept", RatingInput(comment="hm"))]
    assert [row["evidence_id"] for row in table_of(file_of("csv", *items))] == ["kept"]


def test_users_campaigns_and_presets_have_names_except_users_in_a_masked_file() -> None:
    names = Names({"ann": "Ann Lee"}, {"c": "Rivers of Ann Lee"}, {"helper": "Helper"})
    columns = ("rater_name", "campaign", "preset")

    def row_of(redactor: Redactor | None) -> list[str]:
        file = data_file(DataFormat.CSV, FILTER, redactor)
        written = file.begin() + file.add([rated("e", campaign_id="c")], ExportContext(names=names))
        (row,) = table_of(written)
        return [row[column] for column in columns]

    assert row_of(None) == ["Ann Lee", "Rivers of Ann Lee", "Helper"]
    assert row_of(Redactor(["Ann Lee"])) == ["", "Rivers of [name]", "Helper"]


def test_an_unknown_value_is_an_empty_cell() -> None:
    third = table_of(file_of("csv"))[-1]
    for column in ("model", "preset_id", "seed", "dropped_turns", "prompt_tokens", "queue_s"):
        assert third[column] == ""


FORMULAS = ("=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1", "＋1", "－1", "＠A")


@pytest.mark.parametrize("words", FORMULAS)
def test_no_cell_can_be_a_formula(words: str) -> None:
    turn = RatingInput(Verdict.DOWN, (words,), words, words)
    item = rated("e", turn, question=words, answer=words, note=words, language=words)
    (row,) = table_of(file_of("csv", item))
    for column in ("comment", "correction", "question", "answer", "review_note", "reasons"):
        assert row[column] == f"'{words}"
    assert not any(cell.startswith(tuple(sign[0] for sign in FORMULAS)) for cell in row.values())


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_any_text_round_trips_through_the_table(words: str) -> None:
    (row,) = table_of(file_of("csv", rated("e", RatingInput(Verdict.UP, comment=words))))
    assert row["comment"].removeprefix("'") == words.removeprefix("'")


# --- lines for training -----------------------------------------------------------------------


def test_a_conversation_ends_with_the_answer_to_learn() -> None:
    first, second = lines_of(file_of("sft"))
    assert [turn["role"] for turn in first["messages"]] == ["system", "user", "assistant"]
    assert (first["source"], first["messages"][-1]["content"]) == ("correction", RATING.correction)
    assert (second["source"], second["preset_id"]) == ("reviewed", "helper")


def test_a_pair_has_one_prompt_and_two_answers() -> None:
    correction, vote = lines_of(file_of("dpo"))
    assert correction["chosen"] == [{"role": "assistant", "content": RATING.correction}]
    assert correction["rejected"] == [{"role": "assistant", "content": PRIVATE}]
    assert vote["prompt"] == [{"role": "user", "content": "Which?"}]
    assert (vote["source"], vote["chosen_id"], vote["id"]) == ("vote", "answer left", "won")


def test_each_pair_of_versions_is_there_once() -> None:
    items = [rated(f"good {number}", UP, answer=f"Good {number}") for number in range(3)]
    items += [rated(f"bad {number}", DOWN, answer=f"Bad {number}") for number in range(2)]
    pairs = [pair["id"] for pair in lines_of(file_of("dpo", *items)) if pair["source"] != "vote"]
    assert len(pairs) == len(set(pairs)) == 6


def test_omitted_answers_are_counted() -> None:
    file = data_file(DataFormat.DPO, FILTER)
    written(file, *ITEMS, voted_comparisons=CONTESTS)
    assert (file.lines, file.left_out) == (2, 4)
    assert file.omissions == {"tie": 1, "deleted": 1, "alone": 1, "not-exact": 1}
    file = data_file(DataFormat.SFT, FILTER)
    written(file, *ITEMS)
    assert (file.lines, file.left_out) == (2, 1)


def test_tool_calls_are_part_of_the_text() -> None:
    call = ToolCall("1", "clock", '{"zone": "UTC"}')
    prompt = (
        ChatMessage(Role.USER, "Time?"),
        ChatMessage(Role.ASSISTANT, "", (call,)),
        ChatMessage(Role.TOOL, "12:00"),
    )
    (line,) = lines_of(file_of("sft", rated("e", UP, prompt=prompt)))
    turn = '<tool_call>\n{"name": "clock", "arguments": {"zone": "UTC"}}\n</tool_call>'
    assert line["messages"][1] == {"role": "assistant", "content": turn}
    assert line["messages"][2]["role"] == "tool"


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1).filter(str.strip))
def test_any_text_round_trips_through_a_line(words: str) -> None:
    (line,) = lines_of(file_of("sft", rated("e", UP, question=words, answer=words)))
    assert [turn["content"] for turn in line["messages"][1:]] == [words, words]


# --- everything -------------------------------------------------------------------------------


def test_the_whole_document_is_complete() -> None:
    document = json.loads(file_of("json"))
    assert document["filter"]["campaign_id"] == "campaign"
    assert [answer["evidence"]["id"] for answer in document["answers"]] == [
        "first",
        "second",
        "third",
    ]
    first = document["answers"][0]
    assert first["evidence"]["provenance"]["sampling"]["seed"] == 7
    assert first["versions"][0]["opinion"]["correction"] == RATING.correction
    assert [vote["duel"]["id"] for vote in document["votes"]] == ["won", "tied", "deleted"]
    assert document["votes"][2]["right"]["answer"] is None
    assert document["manifest"] == {"answers": 3, "votes": 3, "redacted": False, "masked": {}}


def test_an_empty_export_is_a_valid_file() -> None:
    document = json.loads(written(data_file(DataFormat.JSON, FILTER)))
    check("results.schema.json", document)
    assert (document["answers"], document["votes"]) == ([], [])
    assert len(written(data_file(DataFormat.CSV, FILTER)).splitlines()) == 1
    assert written(data_file(DataFormat.SFT, FILTER)) == b""


# --- redaction --------------------------------------------------------------------------------


def test_the_comment_of_an_earlier_vote_is_masked_too() -> None:
    voted = voted_comparison()
    earlier = (EarlierVote(VoteChoice.TIE, START, PRIVATE),)
    changed = replace(voted, comparison=replace(voted.comparison, earlier_votes=earlier))
    document = data_file(DataFormat.JSON, FILTER, Redactor(["Ann"])).add_votes([changed])
    assert b"[name] wrote to [email]" in document
    assert b"ann@" not in document


@pytest.mark.parametrize("kind", [*DataFormat])
def test_a_masked_file_has_no_personal_data(kind: DataFormat) -> None:
    provenance = ITEMS[0].snapshot.provenance
    assert provenance
    prompted = replace(ITEMS[0].snapshot, provenance=replace(provenance, system_prompt=PRIVATE))
    review = Review("first", "host", START, note=PRIVATE)
    item = replace(ITEMS[0], snapshot=prompted, review=review)
    redactor = Redactor(["Ann"])
    data = file_of(kind, item, *ITEMS[1:], redactor=redactor)
    assert b"ann@" not in data
    assert b"Ann " not in data
    assert b"[name] wrote to [email]" in data
    repeated = kind is DataFormat.CSV  # the question once more, in the prompt
    assert redactor.masked["email"] == data.count(b"[email]") - repeated == redactor.masked["name"]
    if kind is DataFormat.JSON:
        manifest = json.loads(data)["manifest"]
        assert (manifest["redacted"], manifest["masked"]) == (True, dict(redactor.masked))
