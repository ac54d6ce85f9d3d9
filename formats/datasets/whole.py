"""All rated answers and votes as one JSON document, written in pieces."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from pydantic import TypeAdapter

from chat.conversations.models import Message
from chat.feedback.models import RatedAnswer, Rating
from chat.feedback.preferences import prompt_of
from chat.feedback.result_models import ExportContext, RatingFilter, VotedComparison
from formats.datasets.parts import (
    PieceFile,
    masked_prompt,
    masked_provenance,
    masked_rating,
    masked_review,
    masked_snapshot,
)
from formats.datasets.records import (
    RESULTS,
    EvidenceRecord,
    Manifest,
    RatingRecord,
    Record,
    SideRecord,
    SnapshotRecord,
    VoteRecord,
)
from formats.redaction.redactor import Redactor

FILTER = TypeAdapter(RatingFilter)


class WholeFile(PieceFile):
    """All versions of all ratings, reviews and votes, with their provenance."""

    takes_versions = True
    takes_votes = True

    def __init__(self, filters: RatingFilter, redactor: Redactor | None = None) -> None:
        super().__init__(redactor)
        self._filters = filters
        self._votes = 0

    def begin(self) -> bytes:
        written = FILTER.dump_json(self._filters).decode()
        return f'{{"schema":"{RESULTS}","filter":{written},"answers":['.encode()

    def add(self, items: Sequence[RatedAnswer], around: ExportContext) -> bytes:
        records = [self._answer(rated, around.versions[rated.snapshot.id]) for rated in items]
        written = _items(records, first=not self.lines)
        self.lines += len(records)
        return written

    def add_votes(self, voted_comparisons: Sequence[VotedComparison]) -> bytes:
        head = b"" if self._votes else b'],"votes":['
        records = [self._vote(voted_comparison) for voted_comparison in voted_comparisons]
        written = _items(records, first=not self._votes)
        self._votes += len(records)
        return head + written if records else b""

    def end(self) -> bytes:
        manifest = Manifest(
            answers=self.lines,
            votes=self._votes,
            redacted=self._redactor is not None,
            masked=self.masked,
        )
        tail = b"]" if self._votes else b'],"votes":[]'
        return tail + b',"manifest":' + manifest.model_dump_json().encode() + b"}\n"

    def _answer(self, rated: RatedAnswer, versions: Sequence[Rating]) -> SnapshotRecord:
        return SnapshotRecord(
            evidence=EvidenceRecord.of(masked_snapshot(rated.snapshot, self.masking)),
            versions=tuple(
                RatingRecord.of(masked_rating(rating, self.masking)) for rating in versions
            ),
            review=masked_review(rated.review, self.masking),
        )

    def _vote(self, voted_comparison: VotedComparison) -> VoteRecord:
        comparison = voted_comparison.comparison
        masked = replace(
            comparison,
            question=self.masking(comparison.question),
            comment=self.masking(comparison.comment),
            earlier_votes=tuple(
                replace(vote, comment=self.masking(vote.comment))
                for vote in comparison.earlier_votes
            ),
        )
        return VoteRecord(
            duel=masked,
            left=self._side(voted_comparison.left),
            right=self._side(voted_comparison.right),
        )

    def _side(self, path: Sequence[Message]) -> SideRecord:
        if not path:
            return SideRecord(prompt=None, answer=None, provenance=None, timing=None)
        prompt, answer = prompt_of(path), path[-1]
        return SideRecord(
            prompt=masked_prompt(prompt, self.masking) if prompt is not None else None,
            answer=self.masking(answer.content),
            provenance=masked_provenance(answer.provenance, self.masking),
            timing=answer.timing,
        )


def _items(records: Iterable[Record], *, first: bool) -> bytes:
    """The next items of a JSON list that is being written."""
    written = ",\n".join(record.model_dump_json() for record in records)
    return ("" if first or not written else ",\n").encode() + written.encode()
