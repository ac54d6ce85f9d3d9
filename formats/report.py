"""What came of a campaign as one HTML file: it loads nothing, runs nothing, and prints to PDF."""

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache
from html import escape

from chat.campaigns.models import QuestionKind
from chat.feedback.models import REASONS
from chat.feedback.reports import AnswerExcerpt, Report, SurveyResult, VariantResult
from formats.charts import bars
from formats.html import POLICY, render
from formats.mathml import STYLE as MATH_STYLE
from formats.redaction import Redactor
from formats.report_parts import ROOM, ReportFormatter
from formats.report_variants import comparison, split, variants
from formats.words import ExportLanguage, moment

QUOTES = 30
"""Of the texts of a survey; more are in the exported data."""

SECONDS = ("queue", "first-token", "total")
MEASURED = (*SECONDS, "rate", "length")


def write_report(
    report: Report, language: ExportLanguage, redactor: Redactor | None = None
) -> bytes:
    """The whole file. What people typed is masked where there is a redactor."""
    return _Writer(ReportFormatter(report, language, redactor)).page().encode()


@cache
def _style() -> str:
    return "".join(path.read_text(encoding="utf-8") for path in (ROOM / "report.css", MATH_STYLE))


class _Writer:
    """Writes one report in one language."""

    def __init__(self, pen: ReportFormatter) -> None:
        self._pen = pen
        self._report = pen.report
        self._plan = pen.plan

    def page(self) -> str:
        title = escape(self._plan.title)
        sections = (
            variants(self._pen),
            self._numbers(),
            comparison(self._pen),
            split(self._pen),
            self._reasons(),
            self._latency(),
            self._survey(),
            self._answers("best", self._report.best),
            self._answers("worst", self._report.worst),
        )
        about = self._about() + self._masked()  # known once all is written
        return "\n".join(
            [
                "<!doctype html>",
                f'<html lang="{self._pen.language.words.tag}"><head><meta charset="utf-8">',
                f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">',
                '<meta name="referrer" content="no-referrer">',
                '<meta name="viewport" content="width=device-width, initial-scale=1">',
                f"<title>{title} · {self._pen.say('report')}</title>",
                f"<style>{_style()}</style></head>",
                f'<body><main><h1 dir="auto">{title}</h1>{about}',
                *filter(None, sections),
                "</main></body></html>\n",
            ]
        )

    # --- pieces -------------------------------------------------------------------------------

    def _about(self) -> str:
        campaign = self._report.campaign
        ends = campaign.closed_at or self._plan.ends_at
        ended = ends is not None and ends <= self._report.made_at
        said = [
            self._pen.say(f"mode-{self._plan.mode}"),
            self._pen.say(
                "period",
                start=_day(self._plan.starts_at or campaign.created_at),
                end=_day(ends) if ends and ended else self._pen.word("now"),
            ),
            self._pen.say("as-of", when=moment(self._report.made_at)),
        ]
        return f'<p class="about">{" · ".join(said)}</p>'

    def _masked(self) -> str:
        """That people's names and numbers are masked, and how often which was found."""
        redactor = self._pen.redactor
        if redactor is None:
            return ""
        if not redactor.masked:
            return self._pen.about("redacted-nothing")
        counted = ", ".join(f"[{kind}] {count}" for kind, count in redactor.masked.items())
        return self._pen.about("redacted", masked=counted)

    def _numbers(self) -> str:
        report, figures = self._report, self._report.figures
        shown = {
            "came": figures.came,
            "consented": figures.consented,
            "finished": figures.finished,
            "dropped_out": figures.dropped_out,
            "questions": figures.questions,
            "failures": figures.failures,
            "rated": report.rated,
            "up": report.whole.up,
            "down": report.whole.down,
            "comments": report.comments,
            "corrections": report.corrections,
            "votes": figures.votes,
        }
        tiles = "".join(
            f"<div><dt>{self._pen.say(key)}</dt><dd>{count:,}</dd></div>"
            for key, count in shown.items()
        )
        liked = self._pen.liked([(self._pen.word("liked"), report.whole)])
        return self._pen.section("numbers", f'<dl class="tiles">{tiles}</dl>{liked}')

    # --- what was said ------------------------------------------------------------------------

    def _reason(self, reason: str) -> str:
        return self._pen.word(f"reason-{reason}") if reason in REASONS else reason

    def _reasons(self) -> str:
        rows = [
            (self._reason(name), float(count), str(count)) for name, count in self._report.reasons
        ]
        if not rows:
            return ""
        return self._pen.section("reasons", bars(rows, kind="bad", name=self._pen.word("reasons")))

    def _latency(self) -> str:
        parts = [(self._pen.name(index), part) for index, part in enumerate(self._report.variants)]
        parts = [(self._pen.word("all"), self._report.whole), *parts]
        rows = (
            (escape(name), f"{part.answers:,}", *(_spread(part, kind) for kind in MEASURED))
            for name, part in parts
            if part.answers
        )
        drawn = self._pen.table(["", "answers", *MEASURED], rows)
        info = f'<p class="about">{self._pen.say("middle")} / {self._pen.say("end")}</p>'
        return self._pen.section("latency", drawn and drawn + info)

    def _survey(self) -> str:
        return self._pen.section("survey", "".join(map(self._question, self._report.survey)))

    def _question(self, asked: SurveyResult) -> str:
        head = f'<h3 dir="auto">{escape(asked.question.text)}</h3>'
        if not asked.count:
            return head + self._pen.about("nobody")
        if asked.question.kind is QuestionKind.TEXT:
            quotes = "".join(
                f'<blockquote dir="auto">{escape(self._pen.mask(text))}</blockquote>'
                for text in asked.texts[:QUOTES]
            )
            return head + self._told(self._pen.say("texts", count=asked.count), asked) + quotes
        ends = {1: asked.question.low, 5: asked.question.high}
        rows = [
            (
                " ".join(filter(None, [str(number), ends.get(number)])),
                float(asked.numbers.get(number, 0)),
                str(asked.numbers.get(number, 0)),
            )
            for number in range(1, 6)
        ]
        mean = self._pen.say("mean", mean=f"{asked.mean:.1f}", count=asked.count)
        return head + bars(rows, name=asked.question.text) + self._told(mean, asked)

    def _told(self, said: str, asked: SurveyResult) -> str:
        """How many answered, and how many of them have not sent what they began."""
        unsent = f" · {self._pen.say('unsent', count=asked.unsent)}" if asked.unsent else ""
        return f'<p class="about">{said}{unsent}</p>'

    def _answers(self, title: str, items: Sequence[AnswerExcerpt]) -> str:
        info = self._pen.about(f"{title}-info")
        body = "".join(map(self._answer, items)) or f"<p>{self._pen.say('none')}</p>"
        return self._pen.section(title, info + body)

    def _answer(self, item: AnswerExcerpt) -> str:
        about = [escape(self._reason(reason)) for reason in item.reasons]
        if self._report.variants and item.variant is not None:
            about.insert(0, escape(self._pen.name(item.variant)))
        parts = [
            f'<article><p class="typed" dir="auto">{escape(self._pen.mask(item.question))}</p>',
            f'<div dir="auto">{self._formatted(item.answer)}</div>',
            f'<p class="about">{" · ".join(about)}</p>' if about else "",
        ]
        for key, text in (("comment", item.comment), ("correction", item.correction)):
            if text:
                parts.append(
                    f'<h3>{self._pen.say(key)}</h3><p class="words" dir="auto">'
                    f"{escape(self._pen.mask(text))}</p>"
                )
        return "".join([*parts, "</article>"])

    def _formatted(self, answer: str) -> str:
        return render(self._pen.mask(answer), self._pen.language.words, set_formulas=True)


def _day(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d}"


def _spread(part: VariantResult, kind: str) -> str:
    """The middle and the end of what was measured."""
    spread = part.spreads.get(kind)
    if spread is None:
        return "–"
    unit, digits = (" s", 2) if kind in SECONDS else ("", 0 if kind == "length" else 1)
    return f"{spread.p50:.{digits}f} / {spread.p95:.{digits}f}{unit}"
