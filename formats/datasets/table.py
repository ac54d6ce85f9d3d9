"""What people say of answers as a table: one row for each person and answer."""

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence

from chat.feedback.models import AnswerSnapshot, RatedAnswer, Rating, RatingInput, Review
from chat.feedback.queries import ExportContext, Names
from chat.models import Provenance, Timing
from formats.datasets.parts import PieceFile, turns
from formats.datasets.records import TableRow

BOM = "\ufeff"
"""Without it Excel reads Chinese in the code page of the country."""

FORMULA = tuple("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")
"""How a cell begins that a spreadsheet would run; the wide signs of Chinese keyboards too."""

COLUMNS = [field.alias or name for name, field in TableRow.model_fields.items()]


class TableFile(PieceFile):
    """CSV with a byte order mark and the line ends of Excel; no cell is a formula."""

    takes_names = True

    def begin(self) -> bytes:
        return BOM.encode() + _csv([COLUMNS])

    def add(self, items: Sequence[RatedAnswer], around: ExportContext) -> bytes:
        rows = [
            self._row(rated, rating, around.names)
            for rated in items
            for rating in rated.ratings
            if rating.opinion != RatingInput()  # what was taken back is no row
        ]
        self.lines += len(rows)
        return _csv(row.model_dump(mode="json").values() for row in rows)

    def _row(self, rated: RatedAnswer, rating: Rating, names: Names) -> TableRow:
        return TableRow.model_validate(
            {
                **self._said(rating),
                **self._reviewed(rated.review),
                **self._evidence(rated.snapshot),
                **_made(rated.snapshot.provenance),
                **_spent(rated.snapshot),
                **self._names(rated.snapshot, rating, names),
            }
        )

    def _names(
        self, snapshot: AnswerSnapshot, rating: Rating, names: Names
    ) -> Mapping[str, object]:
        """For people; who rated has no name in a file that is masked."""
        preset = snapshot.provenance.preset if snapshot.provenance else None
        return {
            "rater_name": "" if self._redactor else names.people.get(rating.user_id, ""),
            "campaign": self.masking(names.campaigns.get(snapshot.campaign_id, "")),
            "preset": self.masking(names.presets.get(preset.id, "")) if preset else "",
        }

    def _said(self, rating: Rating) -> Mapping[str, object]:
        opinion = rating.opinion
        return {
            "rated_at": rating.rated_at,
            "rater": rating.user_id,
            "verdict": opinion.verdict,
            "reasons": "\n".join(opinion.reasons),
            "comment": self.masking(opinion.comment),
            "correction": self.masking(opinion.correction or ""),
            "version": rating.version,
        }

    def _reviewed(self, review: Review | None) -> Mapping[str, object]:
        return {
            "review": review.state.value if review and review.state else "",
            "review_note": self.masking(review.note) if review else "",
            "assignee": review.assignee if review else "",
        }

    def _evidence(self, snapshot: AnswerSnapshot) -> Mapping[str, object]:
        prompt = turns(snapshot.prompt, self.masking)
        return {
            "evidence_id": snapshot.id,
            "answer_id": snapshot.answer_id,
            "conversation_id": snapshot.conversation_id,
            "campaign_id": snapshot.campaign_id,
            "variant": snapshot.variant,
            "door": snapshot.door,
            "language": snapshot.language,
            "page_language": snapshot.page_language,
            "question": next((said.content for said in prompt[::-1] if said.role == "user"), ""),
            "answer": self.masking(snapshot.answer),
            "prompt": json.dumps([said.model_dump() for said in prompt], ensure_ascii=False),
            "status": snapshot.status,
            "finish": snapshot.finish or "",
            "made_at": snapshot.made_at,
        }


def _made(made: Provenance | None) -> Mapping[str, object]:
    """From what the answer came; empty where that is not known."""
    preset, sampling = (made.preset, made.sampling) if made else (None, None)
    return {
        "model": made.model if made else "",
        "revision": made.revision if made else "",
        "quantization": made.quantization if made else "",
        "engine": made.engine if made else "",
        "prompt_sha256": made.prompt_sha256 if made else "",
        "dropped_turns": made.dropped_turns if made else None,
        "preset_id": preset.id if preset else "",
        "preset_version": preset.version if preset else None,
        "temperature": sampling.temperature if sampling else None,
        "top_p": sampling.top_p if sampling else None,
        "seed": sampling.seed if sampling else None,
    }


def _spent(snapshot: AnswerSnapshot) -> Mapping[str, object]:
    usage, timing = snapshot.usage, snapshot.timing or Timing()
    seconds: Mapping[str, float | None] = {
        "queue_s": timing.queue_s,
        "first_token_s": timing.ttft_s,
        "total_s": timing.total_s,
        "tokens_per_s": timing.decode_tokens_per_s,
    }
    return {
        "prompt_tokens": usage.prompt_tokens if usage else None,
        "completion_tokens": usage.completion_tokens if usage else None,
        **(seconds if snapshot.timing else dict.fromkeys(seconds)),
    }


def _csv(rows: Iterable[Iterable[object]]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows([_cell(value) for value in row] for row in rows)
    return text.getvalue().encode()


def _cell(value: object) -> object:
    """A text that no spreadsheet takes for a formula; numbers stay numbers."""
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA) else value
