"""The report of a campaign as one HTML file without external resources and scripts."""

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache

from markupsafe import Markup

from chat.campaigns.models import QuestionKind
from chat.feedback.models import REASONS
from chat.feedback.report_models import AnswerExcerpt, Report, SurveyResult, VariantResult
from formats.answers.rendering import STYLE as ANSWER_STYLE
from formats.answers.rendering import render
from formats.drawing import html
from formats.html import POLICY
from formats.redaction.redactor import Redactor
from formats.reports.charts import bars
from formats.reports.formatter import ROOM, ReportFormatter
from formats.reports.ranking import ranking
from formats.reports.variants import comparison, split, variants
from formats.words import ExportLanguage, moment

QUOTES = 30
"""Most texts of a survey question in the report; the data export has all."""

SECONDS = ("queue", "first-token", "total")
MEASURED = (*SECONDS, "rate", "length")


def write_report(
    report: Report, language: ExportLanguage, redactor: Redactor | None = None
) -> bytes:
    """The whole file. User input is masked if there is a redactor."""
    return str(_Writer(ReportFormatter(report, language, redactor)).page()).encode()


@cache
def _style() -> str:
    return "".join(path.read_text(encoding="utf-8") for path in (ROOM / "report.css", ANSWER_STYLE))


class _Writer:
    """Writes one report in one language."""

    def __init__(self, pen: ReportFormatter) -> None:
        self._pen = pen
        self._report = pen.report
        self._plan = pen.plan

    def page(self) -> Markup:
        sections = (
            variants(self._pen),
            self._numbers(),
            comparison(self._pen),
            ranking(self._pen),
            split(self._pen),
            self._reasons(),
            self._latency(),
            self._survey(),
            self._answers("best", self._report.best),
            self._answers("worst", self._report.worst),
        )
        return html(
            "report.page",
            title=self._plan.title,
            report=self._pen.word("report"),
            tag=self._pen.language.words.tag,
            policy=POLICY,
            style=_style(),
            about=self._about()
            + self._masked(),  # last, because the counts of masked items are complete only now
            sections=sections,
        )

    # --- pieces -------------------------------------------------------------------------------

    def _about(self) -> Markup:
        campaign = self._report.campaign
        ends = campaign.closed_at or self._plan.ends_at
        ended = ends is not None and ends <= self._report.created_at
        parts = [
            self._pen.text(f"mode-{self._plan.mode}"),
            self._pen.text(
                "period",
                start=_day(self._plan.starts_at or campaign.created_at),
                end=_day(ends) if ends and ended else self._pen.word("now"),
            ),
            self._pen.text("as-of", when=moment(self._report.created_at)),
        ]
        return html("report.about", words=Markup(" · ").join(parts))

    def _masked(self) -> Markup:
        """A note that personal data are masked, with the counts by placeholder."""
        redactor = self._pen.redactor
        if redactor is None:
            return Markup()
        if not redactor.masked:
            return self._pen.about("redacted-nothing")
        counted = ", ".join(f"[{kind}] {count}" for kind, count in redactor.masked.items())
        return self._pen.about("redacted", masked=counted)

    def _numbers(self) -> Markup:
        report, counts = self._report, self._report.counts
        tiles_by_key = {
            "came": counts.came,
            "consented": counts.consented,
            "finished": counts.finished,
            "dropped_out": counts.dropped_out,
            "questions": counts.questions,
            "failures": counts.failures,
            "rated": report.rated,
            "up": report.whole.up,
            "down": report.whole.down,
            "comments": report.comments,
            "corrections": report.corrections,
            "votes": counts.votes,
        }
        tiles = html(
            "report.tiles",
            cells=[(self._pen.text(key), count) for key, count in tiles_by_key.items()],
        )
        liked = self._pen.liked([(self._pen.word("liked"), report.whole)])
        return self._pen.section("numbers", tiles + liked)

    # --- what was said ------------------------------------------------------------------------

    def _reason(self, reason: str) -> str:
        return self._pen.word(f"reason-{reason}") if reason in REASONS else reason

    def _reasons(self) -> Markup:
        rows = [
            (self._reason(name), float(count), str(count)) for name, count in self._report.reasons
        ]
        if not rows:
            return Markup()
        return self._pen.section("reasons", bars(rows, kind="bad", name=self._pen.word("reasons")))

    def _latency(self) -> Markup:
        parts = [(self._pen.name(index), part) for index, part in enumerate(self._report.variants)]
        parts = [(self._pen.word("all"), self._report.whole), *parts]
        rows = (
            (name, f"{part.answers:,}", *(_spread(part, kind) for kind in MEASURED))
            for name, part in parts
            if part.answers
        )
        drawn = self._pen.table(["", "answers", *MEASURED], rows)
        info = self._pen.text("middle") + " / " + self._pen.text("end")
        return self._pen.section(
            "latency", drawn + html("report.about", words=info) if drawn else drawn
        )

    def _survey(self) -> Markup:
        questions = Markup().join(map(self._question, self._report.survey))
        return self._pen.section("survey", questions)

    def _question(self, result: SurveyResult) -> Markup:
        head = html("report.question", words=result.question.text)
        if not result.count:
            return head + self._pen.about("nobody")
        if result.question.kind is QuestionKind.TEXT:
            texts = [self._pen.mask(text) for text in result.texts[:QUOTES]]
            count = self._pen.text("texts", count=result.count)
            return head + self._counted(count, result) + html("report.quotes", texts=texts)
        if result.question.kind.has_options:
            chosen = [(name, float(count), str(count)) for name, count in result.options.items()]
            count = self._pen.text("texts", count=result.count)
            return head + bars(chosen, name=result.question.text) + self._counted(count, result)
        return head + self._numbered(result)

    def _numbered(self, result: SurveyResult) -> Markup:
        """The answers on a scale, with their mean."""
        scale = result.question.kind.numbers
        ends = {scale[0]: result.question.low, scale[-1]: result.question.high}
        rows = [
            (
                " ".join(filter(None, [str(number), ends.get(number)])),
                float(result.numbers.get(number, 0)),
                str(result.numbers.get(number, 0)),
            )
            for number in scale
        ]
        mean = self._pen.text("mean", mean=f"{result.mean:.1f}", count=result.count)
        return bars(rows, name=result.question.text) + self._counted(mean, result)

    def _counted(self, count: Markup, result: SurveyResult) -> Markup:
        """The number of answers, and of those in unsent surveys."""
        if result.unsent:
            count += " · " + self._pen.text("unsent", count=result.unsent)
        return html("report.about", words=count)

    def _answers(self, title: str, items: Sequence[AnswerExcerpt]) -> Markup:
        info = self._pen.about(f"{title}-info")
        none = html("report.paragraph", words=self._pen.text("none"))
        return self._pen.section(title, info + (Markup().join(map(self._answer, items)) or none))

    def _answer(self, item: AnswerExcerpt) -> Markup:
        about = [self._reason(reason) for reason in item.reasons]
        if self._report.variants and item.variant is not None:
            about.insert(0, self._pen.name(item.variant))
        remarks = (("comment", item.comment), ("correction", item.correction))
        return html(
            "report.answer",
            question=self._pen.mask(item.question),
            answer=self._formatted(item.answer),
            about=" · ".join(about),
            remarks=[(self._pen.text(key), self._pen.mask(text)) for key, text in remarks if text],
        )

    def _formatted(self, answer: str) -> Markup:
        return render(self._pen.mask(answer), picture=self._pen.language.words.picture)


def _day(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d}"


def _spread(part: VariantResult, kind: str) -> str:
    """Median and 95th percentile as text."""
    spread = part.spreads.get(kind)
    if spread is None:
        return "–"
    unit, digits = (" s", 2) if kind in SECONDS else ("", 0 if kind == "length" else 1)
    return f"{spread.p50:.{digits}f} / {spread.p95:.{digits}f}{unit}"
