"""The tables of a campaign: a workbook that openpyxl reads, CSV files, and the survey as JSON."""

import csv
import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from openpyxl import load_workbook

from chat.campaigns.models import (
    Campaign,
    Mode,
    Participant,
    Plan,
    QuestionKind,
    SurveyQuestion,
    Task,
    Variant,
    VoteChoice,
)
from chat.feedback.models import RatingInput, Review, ReviewState, Verdict
from chat.feedback.table_models import (
    GivenRating,
    ParticipantActivity,
    SurveyReply,
    Table,
    TableItem,
    TablesHead,
    TaskProgress,
    UnratedAnswer,
)
from formats.redaction.redactor import Redactor
from formats.tables import TablesFormat, tables_file
from formats.tables.sheets import SHEETS
from formats.tables.wording import words_of
from formats.tables.workbook import MAX_CELL
from formats.words import ExportLanguage
from tests.contract.stores import START
from tests.rated import path, rating, snapshot, voted_comparison

DOCS = Path(__file__).parents[3] / "docs"
EN, ZH = ExportLanguage.EN, ExportLanguage.ZH
PRIVATE = "Ann wrote to ann@example.org"
SCALE = SurveyQuestion("q1", QuestionKind.SCALE, "How?", "bad", "good")
COLOURS = SurveyQuestion("q3", QuestionKind.CHOICES, "Which?", options=("red", "green", "=blue"))
WORDS = SurveyQuestion("q2", QuestionKind.TEXT, "Why?")
PLAN = Plan(
    "Which? 哪个",
    Mode.BLIND,
    (Variant("Calm"), Variant("Lively")),
    tasks=(Task("t1", "Ask twice"), Task("t2", "Vote")),
    survey=(SCALE, WORDS),
)
HEAD = TablesHead(
    Campaign("campaign", "host", PLAN, START), START, START - timedelta(minutes=30), {"ann": "Ann"}
)
ANN = Participant(
    "campaign",
    "ann",
    START,
    consented_at=START,
    done=("t2",),
    survey={"q1": 4, "q2": PRIVATE},
    survey_sent_at=START,
    page_language="zh",
)
GONE = replace(
    ANN, user_id="00123", survey_sent_at=None, seen_at=START - timedelta(hours=1), survey={}
)
RATING = RatingInput(Verdict.DOWN, ("too-long", "dull"), PRIVATE, "Better.")
SKIPPED = voted_comparison("skipped", None)
ITEMS: dict[Table, Sequence[TableItem]] = {
    Table.TESTERS: [ParticipantActivity(ANN, 3, 0, 2, 1), ParticipantActivity(GONE, 1)],
    Table.TASKS: [TaskProgress(1, PLAN.tasks[0], 0), TaskProgress(2, PLAN.tasks[1], 1)],
    Table.RATINGS: [
        GivenRating(
            snapshot("e", question=PRIVATE, variant=1),
            rating("e", RATING),
            Review("e", "host", START, ReviewState.USABLE, note=PRIVATE),
        )
    ],
    Table.VOTES: [
        voted_comparison("left", comment=PRIVATE),
        voted_comparison("tie", VoteChoice.TIE, right=()),
    ],
    Table.UNVOTED: [
        replace(SKIPPED, comparison=replace(SKIPPED.comparison, skip_reason="Both alike")),
        voted_comparison("open", None),
    ],
    Table.SURVEY: [SurveyReply(ANN, 1, SCALE, 4), SurveyReply(ANN, 2, WORDS, PRIVATE)],
    Table.UNRATED: [UnratedAnswer(path("u", "Why?", "So.")[-1], "ann", "Why?", "A chat", 1)],
    Table.DROPOUTS: [ParticipantActivity(GONE, 1)],
}


def written(
    kind: TablesFormat,
    items: Mapping[Table, Sequence[TableItem]] | None = None,
    language: ExportLanguage = EN,
    redactor: Redactor | None = None,
) -> bytes:
    """The whole file, written as by the service."""
    file, pieces = tables_file(kind, language, redactor), []
    file.begin(HEAD)
    for table, rows in (ITEMS if items is None else items).items():
        if table in file.takes:
            pieces.append(file.add(table, rows))
    pieces += file.end()
    file.close()
    return b"".join(pieces)


def sheets_of(data: bytes) -> dict[str, list[list[Any]]]:
    book = load_workbook(io.BytesIO(data))
    return {sheet.title: [[*row] for row in sheet.iter_rows(values_only=True)] for sheet in book}


def row_of(table: Table, cells: Sequence[Any]) -> dict[str, Any]:
    """A row by the codes of its columns."""
    codes = [column.code for column in SHEETS[table]]
    return dict(zip(codes, cells, strict=True))


def files_of(data: bytes) -> dict[str, list[dict[str, str]]]:
    archive = zipfile.ZipFile(io.BytesIO(data))
    assert archive.testzip() is None
    texts = {name: archive.read(name).decode("utf-8-sig") for name in archive.namelist()}
    return {
        name.removesuffix(".csv"): list(csv.DictReader(io.StringIO(text, newline="")))
        for name, text in texts.items()
    }


def told(comment: str) -> dict[Table, Sequence[TableItem]]:
    """A vote with that comment alone."""
    return {Table.VOTES: [voted_comparison("vote", comment=comment)]}


def comment_in(data: bytes) -> Any:
    """The cell of the comment of the only vote."""
    sheet = load_workbook(io.BytesIO(data))["Votes"]
    index = [column.code for column in SHEETS[Table.VOTES]].index("comment")
    return sheet.cell(2, index + 1)


def test_a_workbook_has_every_table_in_words_with_codes_beside() -> None:
    sheets = sheets_of(written(TablesFormat.XLSX))
    assert [*sheets] == [
        *("Read me", "Testers", "Tasks", "Ratings", "Votes", "Without a vote", "Survey"),
        *("Unrated chats", "Drop-outs"),
    ]
    tester, gone = (row_of(Table.TESTERS, row) for row in sheets["Testers"][1:])
    assert (tester["tester"], tester["state"], tester["state_code"]) == (
        *("Ann", "finished", "finished"),
    )
    assert (gone["tester_id"], gone["state"], gone["state_code"]) == (
        *("00123", "dropped out", "dropped-out"),
    )
    assert (tester["done"], tester["questions"], tester["skipped"]) == ("Vote", 3, 1)
    rated = row_of(Table.RATINGS, sheets["Ratings"][1])
    assert (rated["verdict"], rated["verdict_code"]) == ("Bad", "down")
    assert (rated["reasons"], rated["reasons_code"]) == ("Too long\ndull", "too-long\ndull")
    assert (rated["variant"], rated["variant_code"]) == ("Lively", 1)
    vote, tie = (row_of(Table.VOTES, row) for row in sheets["Votes"][1:])
    assert (vote["choice"], vote["choice_code"]) == ("Left is better", "left")
    assert (vote["winner"], vote["left_answer"], vote["right_answer"]) == (
        *("Lively", "This", "That"),
    )
    assert (tie["winner"], tie["right_answer"]) == (None, None)
    skipped, undecided = (row_of(Table.UNVOTED, row) for row in sheets["Without a vote"][1:])
    assert (skipped["decision"], skipped["skip_reason"]) == ("skipped", "Both alike")
    assert (undecided["decision_code"], undecided["left_answer"]) == ("none", "This")
    number, text = (row_of(Table.SURVEY, row) for row in sheets["Survey"][1:])
    assert (number["answer_number"], number["answer_text"], number["sent"]) == (4, None, True)
    assert (text["answer_number"], text["answer_text"]) == (None, PRIVATE)
    assert row_of(Table.UNRATED, sheets["Unrated chats"][1])["answer"] == "So."
    assert row_of(Table.DROPOUTS, sheets["Drop-outs"][1])["tester_id"] == "00123"


def test_the_words_of_a_workbook_are_of_one_language_and_the_codes_of_none() -> None:
    sheets = sheets_of(written(TablesFormat.XLSX, language=ZH))
    assert "测试者" in sheets
    assert sheets["投票"][0][0] == "测试者"
    vote = row_of(Table.VOTES, sheets["投票"][1])
    assert (vote["choice"], vote["choice_code"]) == ("左边更好", "left")


@pytest.mark.parametrize("language", ExportLanguage)
def test_the_schema_explains_every_column_of_every_sheet(language: ExportLanguage) -> None:
    schema = next(iter(sheets_of(written(TablesFormat.XLSX, language=language)).values()))
    explained = {(row[1], row[3]) for row in schema if row[3]}
    columns = {(table.value, column.code) for table in Table for column in SHEETS[table]}
    assert columns <= explained
    assert all(
        row[0] and row[2] and row[4] and row[5] for row in schema if (row[1], row[3]) in columns
    )
    assert ["Votes", 2] in [row[:2] for row in schema] or language is ZH


def test_both_languages_have_the_same_words() -> None:
    assert words_of(EN).keys() == words_of(ZH).keys()


@pytest.mark.parametrize(
    "text", ["=1+1", "+1", "-1", "@SUM(A1)", "0012", "https://a.example", "\t=1"]
)
def test_no_cell_of_a_workbook_is_a_formula_a_number_or_a_link(text: str) -> None:
    cell = comment_in(written(TablesFormat.XLSX, told(text)))
    assert (cell.value, cell.data_type, cell.number_format) == (text, "s", "@")
    assert cell.hyperlink is None


@pytest.mark.parametrize("text", ["<r><t>x</t></r>", "<r></c></row></r>", "a & <b>"])
def test_a_text_that_looks_like_xml_stays_a_text(text: str) -> None:
    assert comment_in(written(TablesFormat.XLSX, told(text))).value == text


@pytest.mark.parametrize("sign", ["x", "😀", "好"])
def test_a_long_text_is_shortened_with_a_notice_and_is_whole_as_csv(sign: str) -> None:
    text = sign * 40_000
    data = written(TablesFormat.XLSX, told(text))
    cell = comment_in(data).value
    assert len(cell.encode("utf-16-le")) // 2 <= MAX_CELL
    assert cell.startswith(sign * 16_000)
    assert cell.endswith(
        "… [shortened: 40,000 characters in all; the CSV files have the whole text]"
    )
    schema = sheets_of(data)["Read me"]
    assert [row[1] for row in schema if str(row[0]).startswith("Cells that were shortened")] == [
        "1"
    ]
    (vote,) = files_of(written(TablesFormat.TABLES, told(text)))["votes"]
    assert vote["comment"] == text


def test_a_text_that_just_fits_is_whole() -> None:
    text = "x" * MAX_CELL
    assert comment_in(written(TablesFormat.XLSX, told(text))).value == text


def test_times_are_dates_of_excel_in_utc_and_iso_dates_as_csv() -> None:
    at = datetime(2026, 11, 22, 1, 2, 3, tzinfo=UTC)
    items = {Table.TESTERS: [ParticipantActivity(replace(ANN, joined_at=at))]}
    tester = row_of(Table.TESTERS, sheets_of(written(TablesFormat.XLSX, items))["Testers"][1])
    assert tester["joined_at"] == at.replace(tzinfo=None)
    (tester,) = files_of(written(TablesFormat.TABLES, items))["testers"]
    assert (tester["joined_at"], tester["own_trial"]) == ("2026-11-22T01:02:03Z", "false")


def test_csv_files_have_the_same_content_with_codes_as_columns() -> None:
    files = files_of(written(TablesFormat.TABLES))
    assert [*files] == [*(table.value for table in Table), "schema", "about"]
    sheets = [*sheets_of(written(TablesFormat.XLSX)).values()][1:]
    for table, rows in zip(Table, sheets, strict=True):
        assert len(files[table]) == len(rows) - 1
        for named, cells in zip(files[table], rows[1:], strict=True):
            expected = row_of(table, cells)
            assert named.keys() == expected.keys()
            texts = {code: cell for code, cell in expected.items() if isinstance(cell, str)}
            assert {code: named[code] for code in texts} == texts
    assert len(files["schema"]) == sum(len(columns) for columns in SHEETS.values())


def test_a_formula_is_escaped_as_csv() -> None:
    (vote,) = files_of(written(TablesFormat.TABLES, told("=1+1")))["votes"]
    assert vote["comment"] == "'=1+1"


def test_tables_without_rows_are_there_with_their_columns() -> None:
    empty: Mapping[Table, Sequence[TableItem]] = {Table.VOTES: ()}
    for items in ({}, empty):
        sheets = sheets_of(written(TablesFormat.XLSX, items))
        assert {len(rows) for rows in [*sheets.values()][1:]} == {1}
        archive = zipfile.ZipFile(io.BytesIO(written(TablesFormat.TABLES, items)))
        assert archive.read("votes.csv").decode("utf-8-sig").startswith("tester,tester_id,")
        assert json.loads(written(TablesFormat.SURVEY, items))["answers"] == []


@pytest.mark.parametrize("kind", TablesFormat)
def test_a_masked_file_has_no_names_and_no_addresses(kind: TablesFormat) -> None:
    data = written(kind, redactor=Redactor(["Ann"]))
    if kind is not TablesFormat.SURVEY:
        archive = zipfile.ZipFile(io.BytesIO(data))
        data = b"".join(map(archive.read, archive.namelist()))
    assert b"ann@" not in data
    assert b"Ann" not in data
    assert b"[name] wrote to [email]" in data


def test_the_survey_matches_its_documented_schema() -> None:
    document = json.loads(written(TablesFormat.SURVEY))
    schema = json.loads((DOCS / "survey.schema.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator(schema).validate(document)
    assert [reply["value"] for reply in document["answers"]] == [4, PRIVATE]
    assert [question["id"] for question in document["questions"]] == ["q1", "q2"]
    assert document["manifest"] == {"answers": 2, "redacted": False, "masked": {}}


@pytest.mark.parametrize("language", ExportLanguage)
def test_every_kind_of_question_has_a_word(language: ExportLanguage) -> None:
    words = {words_of(language)[f"kind-{kind}"] for kind in QuestionKind}
    assert len(words) == len(QuestionKind)
    assert not words & set(QuestionKind)


def test_several_choices_are_one_on_each_line_and_a_list_in_json() -> None:
    reply = SurveyReply(ANN, 2, COLOURS, "red\n=blue")
    items = {Table.SURVEY: [reply]}
    row = row_of(Table.SURVEY, sheets_of(written(TablesFormat.XLSX, items))["Survey"][1])
    assert row["answer_text"] == "red\n=blue"
    document = json.loads(written(TablesFormat.SURVEY, items))
    assert document["answers"][0]["value"] == ["red", "=blue"]


def test_a_workbook_that_is_given_up_leaves_no_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    file = tables_file(TablesFormat.XLSX, EN)
    file.begin(HEAD)
    file.add(Table.TESTERS, ITEMS[Table.TESTERS])
    assert [*tmp_path.iterdir()]
    file.close()
    assert not [*tmp_path.iterdir()]
