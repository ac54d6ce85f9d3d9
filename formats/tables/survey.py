"""The answers to a campaign's survey as one JSON document, written in pieces."""

from collections.abc import Iterator, Sequence
from typing import Final, Literal

from pydantic import AwareDatetime, Field, JsonValue

from chat.campaigns.models import QuestionKind
from chat.feedback.table_models import SurveyReply, Table, TableItem, TablesHead
from formats.datasets.records import Record
from formats.redaction.redactor import Redactor
from formats.tables.wording import TableWording
from formats.words import ExportLanguage

SURVEY_SCHEMA: Final = "qwen-chat/survey/1"


class QuestionRecord(Record):
    """A question of the survey. `low` and `high` name the ends of a scale."""

    id: str
    number: int = Field(description="its place in the survey, from 1")
    kind: str = Field(
        description="`scale` (1 to 5), `rating` (0 to 10), `text`, `choice` or `choices`"
    )
    text: str
    low: str
    high: str
    options: list[str] = Field(description="what may be chosen")


class ReplyRecord(Record):
    """One tester's answer to one question: a number, a text, or a list of options.

    `sent` is false for an answer that was saved, but whose survey was never sent.
    """

    question_id: str
    tester_id: str
    tester: str = Field(description="the name; empty in a file that is masked")
    own_trial: bool = Field(description="the tester is the host of the campaign")
    value: JsonValue
    sent: bool
    sent_at: AwareDatetime | None


class SurveyManifest(Record):
    """What is in the file, and how often something was masked, by its placeholder."""

    answers: int
    redacted: bool
    masked: dict[str, int]


class SurveyDocument(Record):
    """All answers to the survey of one campaign, sent or not. Empty answers are left out."""

    schema_: Literal["qwen-chat/survey/1"] = Field(default=SURVEY_SCHEMA, alias="schema")
    campaign_id: str
    campaign: str = Field(description="its title")
    made_at: AwareDatetime
    questions: list[QuestionRecord]
    answers: list[ReplyRecord]
    manifest: SurveyManifest


class SurveyFile:
    """A `chat.feedback.ports.TablesFile` of the survey alone."""

    takes = (Table.SURVEY,)

    def __init__(self, language: ExportLanguage, redactor: Redactor | None = None) -> None:
        self._language = language
        self._redactor = redactor
        self._count = 0
        self._head = b""

    @property
    def rows(self) -> dict[Table, int]:
        return {Table.SURVEY: self._count}

    @property
    def shortened(self) -> int:
        """A JSON document holds texts of any length."""
        return 0

    @property
    def masked(self) -> dict[str, int]:
        """The number of masked items so far, by placeholder."""
        return dict(self._redactor.masked) if self._redactor else {}

    def begin(self, head: TablesHead) -> None:
        self._say = TableWording(head, self._language, self._redactor)
        document = SurveyDocument(
            campaign_id=head.campaign.id,
            campaign=self._say.mask(head.campaign.plan.title),
            made_at=head.created_at,
            questions=[
                QuestionRecord(
                    id=question.id,
                    number=number,
                    kind=question.kind,
                    text=self._say.mask(question.text),
                    low=self._say.mask(question.low),
                    high=self._say.mask(question.high),
                    options=[self._say.mask(option) for option in question.options],
                )
                for number, question in enumerate(head.campaign.plan.survey, start=1)
            ],
            answers=[],
            manifest=SurveyManifest(answers=0, redacted=False, masked={}),
        )
        written = document.model_dump_json(exclude={"answers", "manifest"})
        self._head = (written[:-1] + ',"answers":[').encode()

    def add(self, table: Table, items: Sequence[TableItem]) -> bytes:
        replies = [self._reply(item) for item in items if isinstance(item, SurveyReply)]
        if not replies:
            return b""
        head, self._head = self._head, b""
        before = b"" if head else b",\n"
        self._count += len(replies)
        return head + before + ",\n".join(one.model_dump_json() for one in replies).encode()

    def end(self) -> Iterator[bytes]:
        manifest = SurveyManifest(
            answers=self._count, redacted=self._redactor is not None, masked=self.masked
        )
        yield self._head + b'],"manifest":' + manifest.model_dump_json().encode() + b"}\n"

    def close(self) -> None:
        """Nothing is held."""

    def _reply(self, reply: SurveyReply) -> ReplyRecord:
        participant = reply.participant
        return ReplyRecord(
            question_id=reply.question.id,
            tester_id=participant.user_id,
            tester=self._say.name(participant.user_id),
            own_trial=self._say.head.is_own_trial(participant.user_id),
            value=self._value(reply),
            sent=participant.survey_sent_at is not None,
            sent_at=participant.survey_sent_at,
        )

    def _value(self, reply: SurveyReply) -> JsonValue:
        if isinstance(reply.answer, int):
            return reply.answer
        if reply.question.kind is QuestionKind.CHOICES:
            return [self._say.mask(option) for option in reply.answer.splitlines()]
        return self._say.mask(reply.answer)
