"""The formatter of report sections: texts, names and tables."""

import tomllib
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path

from markupsafe import Markup

from chat.feedback.report_models import Report, VariantResult
from chat.feedback.statistics import Share
from formats.drawing import html
from formats.redaction.redactor import Redactor
from formats.reports.charts import shares
from formats.words import ExportLanguage
from i18n import filled
from templating import markup_text

ROOM = Path(__file__).parent


@cache
def words_of(language: ExportLanguage) -> Mapping[str, str]:
    return tomllib.loads((ROOM / f"report.{language}.toml").read_text(encoding="utf-8"))


class ReportFormatter:
    """Formats parts of one report in one language. User input is passed through `mask`."""

    def __init__(self, report: Report, language: ExportLanguage, redactor: Redactor | None) -> None:
        self.report = report
        self.plan = report.campaign.plan
        self.language = language
        self.redactor = redactor
        self.mask: Callable[[str], str] = redactor.mask if redactor else str

    def word(self, key: str, **values: object) -> str:
        """The text for `key`, not escaped."""
        return filled(words_of(self.language)[key], **values)

    def text(self, key: str, **values: object) -> Markup:
        """The text for `key` as HTML."""
        return markup_text(words_of(self.language)[key], **values)

    def about(self, key: str, **values: object) -> Markup:
        """A line of small print."""
        return html("report.about", words=self.text(key, **values))

    def section(self, title: str, body: Markup) -> Markup:
        """A section; empty without a body."""
        return html("report.section", title=self.text(title), body=body) if body else Markup()

    def table(self, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> Markup:
        """A table; `columns` are keys of texts, or empty. Empty without a row."""
        cells = list(rows)
        names = [self.text(key) if key else "" for key in columns]
        return html("report.table", columns=names, rows=cells) if cells else Markup()

    def name(self, variant: int) -> str:
        """The name of a variant in the plan."""
        variants = self.plan.variants
        return variants[variant].name if variant < len(variants) else "ABCDEFGH"[variant]

    def liked(self, parts: Sequence[tuple[str, VariantResult]]) -> Markup:
        """The shares of good ratings, where there are ratings."""
        rows: Sequence[tuple[str, Share]] = [
            (name, part.liked) for name, part in parts if part.liked.count
        ]
        if not rows:
            return Markup()
        return shares(rows, name=self.word("liked")) + self.about("liked-info")
