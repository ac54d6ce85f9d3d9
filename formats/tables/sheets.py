"""The sheets of a campaign's tables: their columns, and what each cell holds.

A column has a code, which never changes, a type, and a word in each language. Where a cell holds a
word that stands for a code, the code stands in the next column.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Generic, TypeVar

from chat.campaigns.models import Participant
from chat.conversations.models import Message
from chat.feedback.models import ReviewState, Verdict
from chat.feedback.result_models import Path, VotedComparison
from chat.feedback.table_models import (
    GivenRating,
    ParticipantActivity,
    SurveyReply,
    Table,
    TaskProgress,
    UnratedAnswer,
)
from chat.models import Provenance, Timing, Usage
from formats.tables.wording import Cell, TableWording

T = TypeVar("T")


class CellType(StrEnum):
    """The type of a column. Codes and ids are texts, also where they look like numbers."""

    TEXT = "text"
    CODE = "code"
    ID = "id"
    NUMBER = "number"
    TIME = "time"
    YES_NO = "yes-no"


@dataclass(frozen=True, slots=True)
class Column(Generic[T]):
    """One column: `value` makes the cell of an item."""

    code: str
    type: CellType
    value: Callable[[T, TableWording], Cell]


TEXT, CODE, ID = CellType.TEXT, CellType.CODE, CellType.ID
NUMBER, TIME, YES_NO = CellType.NUMBER, CellType.TIME, CellType.YES_NO


def _tester(user_id: Callable[[T], str]) -> Sequence[Column[T]]:
    """Who it was."""
    return (
        Column("tester", TEXT, lambda item, say: say.name(user_id(item))),
        Column("tester_id", ID, lambda item, _: user_id(item)),
        Column("own_trial", YES_NO, lambda item, say: say.head.is_own_trial(user_id(item))),
    )


def _coded(
    code: str, kind: str, value: Callable[[T, TableWording], StrEnum | str | None]
) -> Sequence[Column[T]]:
    """The word for a code, and the code."""
    return (
        Column(code, TEXT, lambda item, say: say.of_code(kind, value(item, say))),
        Column(f"{code}_code", CODE, lambda item, say: value(item, say) or ""),
    )


def _variant(value: Callable[[T], int | None], before: str = "") -> Sequence[Column[T]]:
    """The name of a variant, and its place in the plan, from 0."""
    return (
        Column(f"{before}variant", TEXT, lambda item, say: say.variant(value(item))),
        Column(
            f"{before}variant_code",
            NUMBER,
            lambda item, say: say.head.variant_of(value(item)),
        ),
    )


# --- testers ----------------------------------------------------------------------------------


def _progress() -> Sequence[Column[ParticipantActivity]]:
    """What a tester did, and when."""
    return (
        Column("joined_at", TIME, lambda one, _: one.participant.joined_at),
        Column("agreed_at", TIME, lambda one, _: one.participant.consented_at),
        Column("seen_at", TIME, lambda one, _: one.participant.seen_at),
        Column("survey_sent_at", TIME, lambda one, _: one.participant.survey_sent_at),
        Column("tasks_done", NUMBER, lambda one, _: len(one.participant.done)),
        Column("done", TEXT, lambda one, say: say.tasks(one.participant.done)),
        Column("questions", NUMBER, lambda one, _: one.questions),
        Column("ratings", NUMBER, lambda one, _: one.ratings),
        Column("votes", NUMBER, lambda one, _: one.votes),
        Column("skipped", NUMBER, lambda one, _: one.skipped),
        Column("survey_answers", NUMBER, lambda one, _: _answers_of(one.participant)),
    )


def _answers_of(participant: Participant) -> int:
    return sum(answer != "" for answer in participant.survey.values())


TESTERS: Sequence[Column[ParticipantActivity]] = (
    *_tester(lambda one: one.participant.user_id),
    *_coded("state", "state", lambda one, say: say.head.state_of(one.participant)),
    *_variant(lambda one: one.participant.variant),
    *_coded("page_language", "language", lambda one, _: one.participant.page_language),
    *_progress(),
)
TASKS: Sequence[Column[TaskProgress]] = (
    Column("number", NUMBER, lambda one, _: one.number),
    Column("task", TEXT, lambda one, say: say.mask(one.task.title)),
    Column("task_id", ID, lambda one, _: one.task.id),
    Column("instructions", TEXT, lambda one, say: say.mask(one.task.instructions)),
    Column("offered_question", TEXT, lambda one, say: say.mask(one.task.question)),
    Column("testers_done", NUMBER, lambda one, _: one.done),
)

# --- ratings ----------------------------------------------------------------------------------


def _usage(one: GivenRating) -> Usage | None:
    return one.snapshot.usage


def _timing(one: GivenRating) -> Timing | None:
    return one.snapshot.timing


def _made_by(value: Callable[[T], Provenance | None], before: str = "") -> Sequence[Column[T]]:
    """The model of an answer, and its settings."""

    def column(code: str, of: Callable[[Provenance], str]) -> Column[T]:
        return Column(
            f"{before}{code}", TEXT, lambda item, _: of(made) if (made := value(item)) else ""
        )

    return (
        column("model", lambda made: made.model),
        column("quantization", lambda made: made.quantization),
        column("sampling", lambda made: made.sampling.summary()),
    )


def _reason_codes(one: GivenRating, say: TableWording) -> str:
    return "\n".join(map(say.mask, one.rating.rating_input.reasons))


def _said() -> Sequence[Column[GivenRating]]:
    def verdict(one: GivenRating, _: TableWording) -> Verdict | None:
        return one.rating.rating_input.verdict

    return (
        Column("rated_at", TIME, lambda one, _: one.rating.rated_at),
        *_coded("verdict", "verdict", verdict),
        Column("reasons", TEXT, lambda one, say: say.reasons(one.rating.rating_input.reasons)),
        Column("reasons_code", CODE, _reason_codes),
        Column("comment", TEXT, lambda one, say: say.mask(one.rating.rating_input.comment)),
        Column(
            "correction", TEXT, lambda one, say: say.mask(one.rating.rating_input.correction or "")
        ),
        Column("rating_version", NUMBER, lambda one, _: one.rating.version),
    )


def _reviewed() -> Sequence[Column[GivenRating]]:
    def state(one: GivenRating, _: TableWording) -> ReviewState | None:
        return one.review.state if one.review else None

    return (
        *_coded("review", "review", state),
        Column(
            "review_note", TEXT, lambda one, say: say.mask(one.review.note if one.review else "")
        ),
    )


RATINGS: Sequence[Column[GivenRating]] = (
    *_tester(lambda one: one.rating.user_id),
    *_said(),
    Column("question", TEXT, lambda one, say: say.mask(one.snapshot.question)),
    Column("answer", TEXT, lambda one, say: say.mask(one.snapshot.answer)),
    *_coded("ended", "ended", lambda one, _: one.snapshot.status),
    *_variant(lambda one: one.snapshot.variant),
    *_made_by(lambda one: one.snapshot.provenance),
    *_coded("language", "language", lambda one, _: one.snapshot.language),
    *_reviewed(),
    Column("answered_at", TIME, lambda one, _: one.snapshot.made_at),
    Column(
        "prompt_tokens",
        NUMBER,
        lambda one, _: used.prompt_tokens if (used := _usage(one)) else None,
    ),
    Column(
        "answer_tokens",
        NUMBER,
        lambda one, _: used.completion_tokens if (used := _usage(one)) else None,
    ),
    Column("waited_s", NUMBER, lambda one, _: took.queue_s if (took := _timing(one)) else None),
    Column("first_token_s", NUMBER, lambda one, _: took.ttft_s if (took := _timing(one)) else None),
    Column("total_s", NUMBER, lambda one, _: took.total_s if (took := _timing(one)) else None),
    Column("evidence_id", ID, lambda one, _: one.snapshot.id),
    Column("answer_id", ID, lambda one, _: one.snapshot.answer_id),
    Column("conversation_id", ID, lambda one, _: one.snapshot.conversation_id),
)

# --- comparisons ------------------------------------------------------------------------------


def _winner(one: VotedComparison, say: TableWording) -> str:
    winner = one.comparison.winner
    return "" if winner is None else say.variant(winner)


def _end(path: Path) -> Message | None:
    return path[-1] if path else None


def _side(side: str, path: Callable[[VotedComparison], Path]) -> Sequence[Column[VotedComparison]]:
    """One of the two answers; empty if it was deleted."""

    def variant(one: VotedComparison) -> int:
        return (one.comparison.left if side == "left" else one.comparison.right).variant

    def made(one: VotedComparison) -> Provenance | None:
        answer = _end(path(one))
        return answer.provenance if answer else None

    def text(one: VotedComparison, say: TableWording) -> str:
        answer = _end(path(one))
        return say.mask(answer.content) if answer else ""

    return (
        *_variant(variant, f"{side}_"),
        Column(f"{side}_answer", TEXT, text),
        *_made_by(made, f"{side}_"),
        Column(
            f"{side}_answer_id",
            ID,
            lambda one, _: (
                (one.comparison.left if side == "left" else one.comparison.right).message_id
            ),
        ),
    )


ASKED: Sequence[Column[VotedComparison]] = (
    Column("asked_at", TIME, lambda one, _: one.comparison.asked_at),
    Column("task", TEXT, lambda one, say: say.task(one.comparison.task_id)),
    Column("task_id", ID, lambda one, _: one.comparison.task_id),
    Column("question", TEXT, lambda one, say: say.mask(one.comparison.question)),
)
SIDES = (*_side("left", lambda one: one.left), *_side("right", lambda one: one.right))
VOTES: Sequence[Column[VotedComparison]] = (
    *_tester(lambda one: one.comparison.user_id),
    Column("voted_at", TIME, lambda one, _: one.comparison.voted_at),
    *ASKED,
    *_coded("choice", "choice", lambda one, _: one.comparison.choice),
    Column("winner", TEXT, _winner),
    Column("winner_code", NUMBER, lambda one, _: one.comparison.winner),
    Column("comment", TEXT, lambda one, say: say.mask(one.comparison.comment)),
    *SIDES,
    Column("vote_id", ID, lambda one, _: one.comparison.id),
)
UNVOTED: Sequence[Column[VotedComparison]] = (
    *_tester(lambda one: one.comparison.user_id),
    *ASKED,
    *_coded("decision", "decision", lambda one, _: _decision(one)),
    Column("skip_reason", TEXT, lambda one, say: say.mask(one.comparison.skip_reason)),
    Column("comment", TEXT, lambda one, say: say.mask(one.comparison.comment)),
    *SIDES,
    Column("vote_id", ID, lambda one, _: one.comparison.id),
)


def _decision(one: VotedComparison) -> str:
    return "skipped" if one.comparison.skip_reason else "none"


# --- survey and chats -------------------------------------------------------------------------

SURVEY: Sequence[Column[SurveyReply]] = (
    *_tester(lambda one: one.participant.user_id),
    Column("number", NUMBER, lambda one, _: one.number),
    Column("survey_question", TEXT, lambda one, say: say.mask(one.question.text)),
    Column("question_id", ID, lambda one, _: one.question.id),
    *_coded("kind", "kind", lambda one, _: one.question.kind),
    Column("answer_number", NUMBER, lambda one, _: number_in(one.answer)),
    Column("answer_text", TEXT, lambda one, say: say.mask(text_in(one.answer))),
    Column("low", TEXT, lambda one, say: say.mask(one.question.low)),
    Column("high", TEXT, lambda one, say: say.mask(one.question.high)),
    Column("sent", YES_NO, lambda one, _: one.participant.survey_sent_at is not None),
    Column("survey_sent_at", TIME, lambda one, _: one.participant.survey_sent_at),
)
UNRATED: Sequence[Column[UnratedAnswer]] = (
    *_tester(lambda one: one.user_id),
    Column("answered_at", TIME, lambda one, _: one.answer.created_at),
    Column("chat", TEXT, lambda one, say: say.mask(one.title)),
    Column("question", TEXT, lambda one, say: say.mask(one.question)),
    Column("answer", TEXT, lambda one, say: say.mask(one.answer.content)),
    *_coded("ended", "ended", lambda one, _: one.answer.status),
    *_variant(lambda one: one.variant),
    *_made_by(lambda one: one.answer.provenance),
    Column("answer_id", ID, lambda one, _: one.answer.id),
    Column("conversation_id", ID, lambda one, _: one.answer.conversation_id),
)
DROPOUTS: Sequence[Column[ParticipantActivity]] = (
    *_tester(lambda one: one.participant.user_id),
    *_variant(lambda one: one.participant.variant),
    *_progress(),
)

SHEETS: Mapping[Table, Sequence[Column[Any]]] = {
    Table.TESTERS: TESTERS,
    Table.TASKS: TASKS,
    Table.RATINGS: RATINGS,
    Table.VOTES: VOTES,
    Table.UNVOTED: UNVOTED,
    Table.SURVEY: SURVEY,
    Table.UNRATED: UNRATED,
    Table.DROPOUTS: DROPOUTS,
}


def number_in(answer: int | str) -> int | None:
    """The answer to a question of a survey as a number; None for words."""
    return answer if isinstance(answer, int) else None


def text_in(answer: int | str) -> str:
    """The answer as a text, several options one on each line; empty for a number."""
    return answer if isinstance(answer, str) else ""


def rows_of(table: Table, items: Sequence[object], say: TableWording) -> Iterator[Sequence[Cell]]:
    """The cells of the items of a table."""
    columns = SHEETS[table]
    for item in items:
        yield [column.value(item, say) for column in columns]
