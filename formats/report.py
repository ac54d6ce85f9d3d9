"""What came of a campaign as one HTML file: it loads nothing, runs nothing, and prints to PDF."""

import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from datetime import UTC, datetime
from functools import cache
from html import escape
from pathlib import Path

from chat.campaigns import Mode, QuestionKind, Variant
from chat.evidence import REASONS
from chat.reporting import Comparison, Part, Report, Shown, Surveyed
from chat.statistics import Share, difference, votes_needed
from chat.wording import filled
from formats.charts import bars, shares
from formats.html import POLICY, render
from formats.redaction import Redactor
from formats.words import Language, moment

ROOM = Path(__file__).parent
QUOTES = 30
"""Of the texts of a survey; more are in the exported data."""

SECONDS = ("queue", "first-token", "total")
MEASURED = (*SECONDS, "rate", "length")


def write_report(report: Report, language: Language, redactor: Redactor | None = None) -> bytes:
    """The whole file. What people typed is masked where there is a redactor."""
    return _Writer(report, language, redactor).page().encode()


@cache
def _words(language: Language) -> Mapping[str, str]:
    return tomllib.loads((ROOM / f"report.{language}.toml").read_text(encoding="utf-8"))


@cache
def _style() -> str:
    return "".join((ROOM / name).read_text(encoding="utf-8") for name in ("report.css", "math.css"))


class _Writer:
    """Writes one report in one language."""

    def __init__(self, report: Report, language: Language, redactor: Redactor | None) -> None:
        self._report = report
        self._plan = report.campaign.plan
        self._language = language
        self._redactor = redactor
        self._mask: Callable[[str], str] = redactor.mask if redactor else str

    def page(self) -> str:
        title = escape(self._plan.title)
        sections = (
            self._variants(),
            self._numbers(),
            self._comparison(),
            self._split(),
            self._reasons(),
            self._latency(),
            self._survey(),
            self._answers("best", self._report.best),
            self._answers("worst", self._report.worst),
        )
        return "\n".join(
            [
                "<!doctype html>",
                f'<html lang="{self._language.words.tag}"><head><meta charset="utf-8">',
                f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">',
                '<meta name="referrer" content="no-referrer">',
                '<meta name="viewport" content="width=device-width, initial-scale=1">',
                f"<title>{title} · {self._say('report')}</title><style>{_style()}</style></head>",
                f'<body><main><h1 dir="auto">{title}</h1>{self._about()}',
                *filter(None, sections),
                "</main></body></html>\n",
            ]
        )

    # --- pieces -------------------------------------------------------------------------------

    def _say(self, key: str, **values: object) -> str:
        """The words for `key`, escaped, with escaped `values` filled in."""
        safe = {name: escape(str(value)) for name, value in values.items()}
        return filled(escape(_words(self._language)[key]), **safe)

    def _section(self, title: str, body: str) -> str:
        return f"<section><h2>{self._say(title)}</h2>{body}</section>" if body else ""

    def _name(self, variant: int) -> str:
        """As the host called it; not escaped."""
        known = self._plan.variants
        return known[variant].name if variant < len(known) else "AB"[variant]

    def _about(self) -> str:
        campaign = self._report.campaign
        ends = campaign.closed_at or self._plan.ends_at
        ended = ends is not None and ends <= self._report.made_at
        said = [
            self._say(f"mode-{self._plan.mode}"),
            self._say(
                "period",
                start=_day(self._plan.starts_at or campaign.created_at),
                end=_day(ends) if ends and ended else _words(self._language)["now"],
            ),
            self._say("as-of", when=moment(self._report.made_at)),
        ]
        if self._redactor:
            said.append(self._say("redacted"))
        return f'<p class="about">{" · ".join(said)}</p>'

    def _variants(self) -> str:
        rows = "".join(
            f'<tr><td dir="auto"><b>{escape(variant.name)}</b></td>'
            f'<td dir="auto">{escape(variant.system_prompt) or self._say("default")}</td>'
            f"<td>{escape(_sampling(variant)) or self._say('default')}</td></tr>"
            for variant in self._plan.variants[: 1 if self._plan.mode is Mode.SINGLE else 2]
        )
        keys = ("variant", "system-prompt", "sampling")
        head = "".join(f"<th>{self._say(key)}</th>" for key in keys)
        return self._section("variants", f"<table><tr>{head}</tr>{rows}</table>")

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
            f"<div><dt>{self._say(key)}</dt><dd>{count:,}</dd></div>"
            for key, count in shown.items()
        )
        liked = self._liked([(_words(self._language)["liked"], report.whole)])
        return self._section("numbers", f'<dl class="tiles">{tiles}</dl>{liked}')

    def _liked(self, parts: Sequence[tuple[str, Part]]) -> str:
        rows = [(name, part.liked) for name, part in parts if part.liked.count]
        if not rows:
            return ""
        info = f'<p class="about">{self._say("liked-info")}</p>'
        return shares(rows, name=_words(self._language)["liked"]) + info

    # --- two variants -------------------------------------------------------------------------

    def _comparison(self) -> str:
        votes = self._report.comparison
        if votes is None:
            return ""
        first, second = self._name(0), self._name(1)
        label = filled(_words(self._language)["win-rate"], name=first)
        tasks = {task.id: task.title for task in self._plan.tasks}
        rows = [(label, votes.rate)]
        rows += [(tasks.get(task, task), share) for task, share in votes.by_task.items()]
        tally = self._say(
            "tally",
            first=first,
            second=second,
            wins=votes.wins[0],
            losses=votes.wins[1],
            ties=votes.ties,
            bad=votes.both_bad,
        )
        body = f'<p class="say">{self._verdict(votes)}</p>{shares(rows, name=label)}'
        body += f'<p>{tally}</p><p class="about">{self._say("method")}</p>'
        return self._section("comparison", body)

    def _verdict(self, votes: Comparison) -> str:
        """Whether the votes tell the variants apart, in a plain sentence."""
        rate, name = votes.rate, self._name(0)
        if rate.tells and rate.value < 0.5:
            rate, name = (
                Share(1 - rate.value, 1 - rate.high, 1 - rate.low, rate.count),
                self._name(1),
            )
        values = {"rate": rate.value, "low": rate.low, "high": rate.high}
        told = {key: f"{value:.0%}" for key, value in values.items()}
        said = self._say("apart" if rate.tells else "not-apart", name=name, **told)
        needed = votes_needed(rate)
        if not rate.tells and needed:
            said += " " + self._say("more-votes", count=needed)
        return said

    def _split(self) -> str:
        parts = self._report.variants
        if self._plan.mode is not Mode.SPLIT or len(parts) < 2:
            return ""
        apart = difference(parts[0].liked, parts[1].liked)
        if all(part.liked.count for part in parts) and apart.tells:
            better = 0 if apart.value > 0 else 1
            low, high = sorted((abs(apart.low), abs(apart.high)))
            said = self._say(
                "rates-apart",
                name=self._name(better),
                difference=f"{abs(apart.value) * 100:.0f}",
                low=f"{low * 100:.0f}",
                high=f"{high * 100:.0f}",
            )
        else:
            said = self._say("rates-not-apart")
        liked = self._liked([(self._name(index), part) for index, part in enumerate(parts)])
        return self._section("comparison", f'<p class="say">{said}</p>{liked}')

    # --- what was said ------------------------------------------------------------------------

    def _reason(self, reason: str) -> str:
        return _words(self._language)[f"reason-{reason}"] if reason in REASONS else reason

    def _reasons(self) -> str:
        rows = [
            (self._reason(name), float(count), str(count)) for name, count in self._report.reasons
        ]
        if not rows:
            return ""
        return self._section(
            "reasons", bars(rows, kind="bad", name=_words(self._language)["reasons"])
        )

    def _latency(self) -> str:
        parts = [(self._name(index), part) for index, part in enumerate(self._report.variants)]
        parts = [(_words(self._language)["all"], self._report.whole), *parts]
        head = f"<th></th><th>{self._say('answers')}</th>"
        head += "".join(f"<th>{self._say(kind)}</th>" for kind in MEASURED)
        rows = "".join(
            f'<tr><td dir="auto">{escape(name)}</td><td>{part.answers:,}</td>'
            + "".join(f"<td>{_spread(part, kind)}</td>" for kind in MEASURED)
            + "</tr>"
            for name, part in parts
            if part.answers
        )
        if not rows:
            return ""
        info = f'<p class="about">{self._say("middle")} / {self._say("end")}</p>'
        measured = f'<div class="measured"><table><tr>{head}</tr>{rows}</table></div>'
        return self._section("latency", measured + info)

    def _survey(self) -> str:
        return self._section("survey", "".join(map(self._question, self._report.survey)))

    def _question(self, asked: Surveyed) -> str:
        head = f'<h3 dir="auto">{escape(asked.question.text)}</h3>'
        if not asked.count:
            return f'{head}<p class="about">{self._say("nobody")}</p>'
        if asked.question.kind is QuestionKind.TEXT:
            quotes = "".join(
                f'<blockquote dir="auto">{escape(self._mask(text))}</blockquote>'
                for text in asked.texts[:QUOTES]
            )
            return f'{head}<p class="about">{self._say("texts", count=asked.count)}</p>{quotes}'
        ends = {1: asked.question.low, 5: asked.question.high}
        rows = [
            (
                " ".join(filter(None, [str(number), ends.get(number)])),
                float(asked.numbers.get(number, 0)),
                str(asked.numbers.get(number, 0)),
            )
            for number in range(1, 6)
        ]
        mean = self._say("mean", mean=f"{asked.mean:.1f}", count=asked.count)
        return f'{head}{bars(rows, name=asked.question.text)}<p class="about">{mean}</p>'

    def _answers(self, title: str, items: Sequence[Shown]) -> str:
        info = f'<p class="about">{self._say(f"{title}-info")}</p>'
        body = "".join(map(self._answer, items)) or f"<p>{self._say('none')}</p>"
        return self._section(title, info + body)

    def _answer(self, item: Shown) -> str:
        about = [escape(self._reason(reason)) for reason in item.reasons]
        if self._report.variants and item.variant is not None:
            about.insert(0, escape(self._name(item.variant)))
        parts = [
            f'<article><p class="typed" dir="auto">{escape(self._mask(item.question))}</p>',
            f'<div dir="auto">{self._formatted(item.answer)}</div>',
            f'<p class="about">{" · ".join(about)}</p>' if about else "",
        ]
        for key, text in (("comment", item.comment), ("correction", item.correction)):
            if text:
                parts.append(
                    f'<h3>{self._say(key)}</h3><p class="words" dir="auto">'
                    f"{escape(self._mask(text))}</p>"
                )
        return "".join([*parts, "</article>"])

    def _formatted(self, answer: str) -> str:
        return render(self._mask(answer), self._language.words, set_formulas=True)


def _day(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d}"


def _sampling(variant: Variant) -> str:
    """What was set for it."""
    values = {item.name: getattr(variant.sampling, item.name) for item in fields(variant.sampling)}
    return ", ".join(f"{name} {value}" for name, value in values.items() if value not in (None, ()))


def _spread(part: Part, kind: str) -> str:
    """The middle and the end of what was measured."""
    spread = part.spreads.get(kind)
    if spread is None:
        return "–"
    unit, digits = (" s", 2) if kind in SECONDS else ("", 0 if kind == "length" else 1)
    return f"{spread.p50:.{digits}f} / {spread.p95:.{digits}f}{unit}"
