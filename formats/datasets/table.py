"""Ratings as a CSV table: one row for each user and answer."""

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence

from chat.feedback.models import AnswerSnapshot, RatedAnswer, Rating, RatingInput, Review
from chat.feedback.result_models import ExportContext, Names
from chat.models import Provenance, Timing
from formats.datasets.parts import PieceFile, turns
from formats.datasets.records import TableRow

BOM = "\ufeff"
"""Without a byte order mark Excel decodes the file in the local code page."""

FORMULA = tuple("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")
"""First characters of a cell that spreadsheets execute, full-width forms included."""

COLUMNS = [field.alias or name for name, field in TableRow.model_fields.items()]


class TableFile(PieceFile):
    """CSV with a byte order mark and CRLF line ends; cells cannot be formulas."""

    takes_names = True

    def begin(self) -> bytes:
        return BOM.encode() + csv_bytes([COLUMNS])

    def add(self, items: Sequence[RatedAnswer], around: ExportContext) -> bytes:
        rows = [
            self._row(rated, rating, around.names)
            for rated in items
            for rating in rated.ratings
            if rating.rating_input != RatingInput()  # a withdrawn rating has no row
        ]
        self.lines += len(rows)
        return csv_bytes(row.model_dump(mode="json").values() for row in rows)

    def _row(self, rated: RatedAnswer, rating: Rating, names: Names) -> TableRow:
        return TableRow.model_validate(
            {
                **self._rating(rating),
                **self._reviewed(rated.review),
                **self._snapshot(rated.snapshot),
                **_provenance(rated.snapshot.provenance),
                **_usage(rated.snapshot),
                **self._names(rated.snapshot, rating, names),
            }
        )

    def _names(
        self, snapshot: AnswerSnapshot, rating: Rating, names: Names
    ) -> Mapping[str, object]:
        """The columns of names; a masked file has no names of users."""
        preset = snapshot.provenance.preset if snapshot.provenance else None
        return {
            "rater_name": "" if self._redactor else names.users.get(rating.user_id, ""),
            "campaign": self.masking(names.campaigns.get(snapshot.campaign_id, "")),
            "preset": self.masking(names.presets.get(preset.id, "")) if preset else "",
        }

    def _rating(self, rating: Rating) -> Mapping[str, object]:
        rating_input = rating.rating_input
        return {
            "rated_at": rating.rated_at,
            "rater": rating.user_id,
            "verdict": rating_input.verdict,
            "reasons": "\n".join(rating_input.reasons),
            "comment": self.masking(rating_input.comment),
            "correction": self.masking(rating_input.correction or ""),
            "version": rating.version,
        }

    def _reviewed(self, review: Review | None) -> Mapping[str, object]:
        return {
            "review": review.state.value if review and review.state else "",
            "review_note": self.masking(review.note) if review else "",
            "assignee": review.assignee if review else "",
        }

    def _snapshot(self, snapshot: AnswerSnapshot) -> Mapping[str, object]:
        prompt = turns(snapshot.prompt, self.masking)
        return {
            "evidence_id": snapshot.id,
            "answer_id": snapshot.answer_id,
            "conversation_id": snapshot.conversation_id,
            "campaign_id": snapshot.campaign_id,
            "variant": snapshot.variant,
            "door": snapshot.source,
            "language": snapshot.language,
            "page_language": snapshot.page_language,
            "question": next((turn.content for turn in prompt[::-1] if turn.role == "user"), ""),
            "answer": self.masking(snapshot.answer),
            "prompt": json.dumps([turn.model_dump() for turn in prompt], ensure_ascii=False),
            "status": snapshot.status,
            "finish": snapshot.finish or "",
            "made_at": snapshot.made_at,
        }


def _provenance(provenance: Provenance | None) -> Mapping[str, object]:
    """The provenance columns; empty where unknown."""
    preset, sampling = (provenance.preset, provenance.sampling) if provenance else (None, None)
    return {
        "model": provenance.model if provenance else "",
        "revision": provenance.revision if provenance else "",
        "quantization": provenance.quantization if provenance else "",
        "engine": provenance.engine if provenance else "",
        "prompt_sha256": provenance.prompt_sha256 if provenance else "",
        "dropped_turns": provenance.dropped_turns if provenance else None,
        "preset_id": preset.id if preset else "",
        "preset_version": preset.version if preset else None,
        "temperature": sampling.temperature if sampling else None,
        "top_p": sampling.top_p if sampling else None,
        "seed": sampling.seed if sampling else None,
    }


def _usage(snapshot: AnswerSnapshot) -> Mapping[str, object]:
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


def csv_bytes(rows: Iterable[Iterable[object]]) -> bytes:
    """Rows of CSV whose cells no spreadsheet executes."""
    text = io.StringIO()
    csv.writer(text).writerows([_cell(value) for value in row] for row in rows)
    return text.getvalue().encode()


def _cell(value: object) -> object:
    """Escapes a text that a spreadsheet would execute as a formula; numbers stay numbers."""
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA) else value
