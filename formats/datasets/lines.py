"""JSON Lines for training: SFT conversations and DPO preference pairs."""

from collections.abc import Sequence

from chat.feedback.models import RatedAnswer
from chat.feedback.preferences import (
    Example,
    PairAnswer,
    PreferencePair,
    correction,
    example_of,
    omission_of_example,
    omission_of_pair,
    omission_of_vote,
    pair_of_correction,
    pair_of_vote,
    pairs_of_retries,
    pairs_of_versions,
)
from chat.feedback.result_models import ExportContext, VotedComparison
from formats.datasets.parts import PieceFile, turns
from formats.datasets.records import DpoLine, Record, SftLine, TurnLine


class SftFile(PieceFile):
    """Liked, corrected and usable answers as conversations."""

    def add(self, items: Sequence[RatedAnswer], around: ExportContext) -> bytes:
        examples = [example for rated in items if (example := example_of(rated))]
        self.lines += len(examples)
        self.omissions.update(filter(None, map(omission_of_example, items)))
        return b"".join(_line(self._record(example)) for example in examples)

    def _record(self, example: Example) -> SftLine:
        snapshot, provenance = example.rated.snapshot, example.rated.snapshot.provenance
        assert provenance is not None  # examples have an exact prompt, which needs provenance
        newest = correction(example.rated) or max(
            example.rated.ratings, key=lambda one: one.version
        )
        return SftLine(
            id=snapshot.id,
            source=example.source,
            messages=[*turns(example.prompt, self.masking), self._answer(example.answer)],
            answer_id=snapshot.answer_id,
            conversation_id=snapshot.conversation_id,
            campaign_id=snapshot.campaign_id,
            rater=newest.user_id,
            language=snapshot.language,
            model=provenance.model,
            revision=provenance.revision,
            quantization=provenance.quantization,
            preset_id=provenance.preset.id if provenance.preset else "",
            preset_version=provenance.preset.version if provenance.preset else None,
            made_at=snapshot.made_at,
        )

    def _answer(self, text: str) -> TurnLine:
        return TurnLine(role="assistant", content=self.masking(text))


class DpoFile(PieceFile):
    """Preference pairs from corrections, from liked and worse or retried answers, and from votes.

    `omissions` counts votes and rated answers that are in no pair.
    """

    takes_others = True
    takes_votes = True

    def add(self, items: Sequence[RatedAnswer], around: ExportContext) -> bytes:
        return b"".join(self._line(pair) for rated in items for pair in self._pairs(rated, around))

    def add_votes(self, voted_comparisons: Sequence[VotedComparison]) -> bytes:
        pairs = [
            pair
            for voted_comparison in voted_comparisons
            if (pair := pair_of_vote(voted_comparison))
        ]
        self.omissions.update(filter(None, map(omission_of_vote, voted_comparisons)))
        return b"".join(map(self._line, pairs))

    def _pairs(self, rated: RatedAnswer, around: ExportContext) -> Sequence[PreferencePair]:
        snapshot = rated.snapshot
        siblings = around.siblings.get(snapshot.conversation_id, ())
        corrected = pair_of_correction(rated)
        pairs = [
            *([corrected] if corrected else []),
            *pairs_of_versions(rated, siblings),
            *pairs_of_retries(rated, around.tried_again.get(snapshot.id, ())),
        ]
        if not pairs and (omission := omission_of_pair(rated, siblings)):
            self.omissions[omission] += 1
        return pairs

    def _line(self, pair: PreferencePair) -> bytes:
        self.lines += 1
        return _line(
            DpoLine(
                id=pair.id,
                source=pair.source,
                prompt=turns(pair.prompt, self.masking),
                chosen=[self._turn(pair.chosen)],
                rejected=[self._turn(pair.rejected)],
                chosen_id=pair.chosen.answer_id,
                rejected_id=pair.rejected.answer_id,
                chosen_model=_model(pair.chosen),
                rejected_model=_model(pair.rejected),
                conversation_id=pair.conversation_id,
                campaign_id=pair.campaign_id,
                rater=pair.user_id,
                language=pair.language,
            )
        )

    def _turn(self, answer: PairAnswer) -> TurnLine:
        return TurnLine(role="assistant", content=self.masking(answer.text))


def _model(answer: PairAnswer) -> str:
    return answer.provenance.model if answer.provenance else ""


def _line(record: Record) -> bytes:
    return record.model_dump_json().encode() + b"\n"
