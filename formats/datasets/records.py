"""Records of data sets. The JSON schemas in docs/ are generated from them, docstrings included.

`schema` names the format and its version: a field may be added to a version, never changed.
"""

from collections.abc import Mapping
from dataclasses import fields
from datetime import datetime
from typing import Final, Literal, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from chat.campaigns.models import Comparison
from chat.feedback.models import AnswerSnapshot, Rating, RatingInput, Review, Verdict
from chat.feedback.preferences import PreferenceSource
from chat.feedback.result_models import RatingFilter
from chat.models import ChatMessage, Finish, Provenance, Status, Timing, Usage
from chat.serving.observer import Source

SFT: Final = "qwen-chat/sft/1"
DPO: Final = "qwen-chat/dpo/1"
TABLE: Final = "qwen-chat/ratings-table/1"
RESULTS: Final = "qwen-chat/results/1"


class Record(BaseModel):
    """Something that is written into a file."""

    model_config = ConfigDict(frozen=True, extra="forbid", serialize_by_alias=True)


class TurnLine(Record):
    """One message. Calls of tools stand in the text, as the model writes them."""

    role: Literal["system", "user", "assistant", "tool"]
    content: str


class SftLine(Record):
    """One conversation to learn from; its last message is the answer to be learnt.

    `source`: `liked`, `reviewed` (found usable) or `correction` (the last message is what a person
    wrote in the place of the answer).
    """

    schema_: Literal["qwen-chat/sft/1"] = Field(default=SFT, alias="schema")
    id: str = Field(description="of the rated answer")
    source: PreferenceSource
    messages: list[TurnLine]
    answer_id: str
    conversation_id: str
    campaign_id: str
    rater: str
    language: str
    model: str
    revision: str
    quantization: str
    preset_id: str
    preset_version: int | None
    made_at: AwareDatetime


class DpoLine(Record):
    """A prompt that was really sent, and two answers to it, in the conversational form of TRL.

    `source`: `correction` (chosen is what a person wrote, and `chosen_id` is empty), `vote`,
    `versions` (a liked and a disliked answer to the same prompt), or `retry` (a liked answer, and
    one before it to the same prompt that was tried again and never rated).
    """

    schema_: Literal["qwen-chat/dpo/1"] = Field(default=DPO, alias="schema")
    id: str = Field(description="of the rating, the two rated answers, or the vote")
    source: PreferenceSource
    prompt: list[TurnLine]
    chosen: list[TurnLine] = Field(min_length=1, max_length=1)
    rejected: list[TurnLine] = Field(min_length=1, max_length=1)
    chosen_id: str
    rejected_id: str
    chosen_model: str
    rejected_model: str
    conversation_id: str
    campaign_id: str
    rater: str
    language: str


class TableRow(Record):
    """One user's rating of one answer: a row of the table. Its columns are these fields."""

    schema_: Literal["qwen-chat/ratings-table/1"] = Field(default=TABLE, alias="schema")
    evidence_id: str
    rated_at: AwareDatetime
    rater: str
    verdict: Verdict | None
    reasons: str = Field(description="one on each line")
    comment: str
    correction: str
    question: str
    answer: str
    prompt: str = Field(description="all that the model was told, as JSON")
    review: str
    review_note: str
    assignee: str
    campaign_id: str
    variant: int | None
    door: str
    language: str
    page_language: str
    model: str
    revision: str
    quantization: str
    engine: str
    preset_id: str
    preset_version: int | None
    temperature: float | None
    top_p: float | None
    seed: int | None
    prompt_sha256: str
    dropped_turns: int | None
    status: str
    finish: str
    prompt_tokens: int | None
    completion_tokens: int | None
    queue_s: float | None
    first_token_s: float | None
    total_s: float | None
    tokens_per_s: float | None
    made_at: AwareDatetime
    answer_id: str
    conversation_id: str
    version: int
    rater_name: str = Field(description="empty in a file that is masked")
    campaign: str = Field(description="its title")
    preset: str = Field(description="its name now")


class EvidenceRecord(Record):
    """An answer as it was when it was first rated, with all that it was made from.

    `answer_id` is the message's or the completion's; `owner` is the id of who asked. `prompt` is
    what the model was given, letter by letter, after turns were dropped. `language` is that of the
    answer, `page_language` that of the page ("zh", "en", empty where unknown).
    """

    id: str
    answer_id: str
    owner: str
    door: Source
    prompt: tuple[ChatMessage, ...]
    answer: str
    status: Status
    made_at: datetime
    finish: Finish | None = None
    usage: Usage | None = None
    timing: Timing | None = None
    provenance: Provenance | None = None
    conversation_id: str = ""
    campaign_id: str = ""
    variant: int | None = None
    language: str = ""
    page_language: str = ""

    @classmethod
    def of(cls, snapshot: AnswerSnapshot) -> Self:
        """The file keeps the names of its first version."""
        values = {item.name: getattr(snapshot, item.name) for item in fields(snapshot)}
        return cls(owner=values.pop("owner_id"), door=values.pop("source"), **values)


class RatingRecord(Record):
    """One version of one user's rating of one answer. Versions count from 1; none is lost."""

    evidence_id: str
    rater: str
    version: int
    opinion: RatingInput
    rated_at: datetime

    @classmethod
    def of(cls, rating: Rating) -> Self:
        """The file keeps the names of its first version."""
        values = {item.name: getattr(rating, item.name) for item in fields(rating)}
        return cls(
            evidence_id=values.pop("snapshot_id"),
            rater=values.pop("user_id"),
            opinion=values.pop("rating_input"),
            **values,
        )


class SnapshotRecord(Record):
    """A rated answer with its provenance, all versions of its ratings, and its review."""

    evidence: EvidenceRecord
    versions: tuple[RatingRecord, ...]
    review: Review | None


class SideRecord(Record):
    """One answer of a vote. No `prompt`: it cannot be made again, or the answer was deleted."""

    prompt: tuple[ChatMessage, ...] | None
    answer: str | None
    provenance: Provenance | None
    timing: Timing | None


class VoteRecord(Record):
    """A vote between two answers, and the two."""

    duel: Comparison
    left: SideRecord
    right: SideRecord


class Manifest(Record):
    """What is in the file, and how often something was masked, by its placeholder."""

    answers: int
    votes: int
    redacted: bool
    masked: Mapping[str, int]


class ResultsFile(Record):
    """Everything that a filter finds, with its provenance."""

    schema_: Literal["qwen-chat/results/1"] = Field(default=RESULTS, alias="schema")
    filter: RatingFilter
    answers: list[SnapshotRecord]
    votes: list[VoteRecord]
    manifest: Manifest
