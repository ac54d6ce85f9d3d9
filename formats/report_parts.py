"""What the sections of a report are written with: its words, its names, its tables."""

import tomllib
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from html import escape
from pathlib import Path

from chat.feedback.reports import Report, VariantResult
from chat.feedback.statistics import Share
from formats.charts import shares
from formats.redaction import Redactor
from formats.words import ExportLanguage
from i18n import filled

ROOM = Path(__file__).parent


@cache
def words_of(language: ExportLanguage) -> Mapping[str, str]:
    return tomllib.loads((ROOM / f"report.{language}.toml").read_text(encoding="utf-8"))


class ReportFormatter:
    """Writes pieces of one report in one language. What people typed goes through `mask`."""

    def __init__(self, report: Report, language: ExportLanguage, redactor: Redactor | None) -> None:
        self.report = report
        self.plan = report.campaign.plan
        self.language = language
        self.redactor = redactor
        self.mask: Callable[[str], str] = redactor.mask if redactor else str

    def word(self, key: str, **values: object) -> str:
        """The words for `key`, not escaped."""
        return filled(words_of(self.language)[key], **values)

    def say(self, key: str, **values: object) -> str:
        """The words for `key`, escaped, with escaped `values` filled in."""
        safe = {name: escape(str(value)) for name, value in values.items()}
        return filled(escape(words_of(self.language)[key]), **safe)

    def about(self, key: str, **values: object) -> str:
        """A quiet line."""
        return f'<p class="about">{self.say(key, **values)}</p>'

    def section(self, title: str, body: str) -> str:
        return f"<section><h2>{self.say(title)}</h2>{body}</section>" if body else ""

    def table(self, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
        """Rows of escaped cells; `columns` are keys of words, or empty. Nothing without a row."""
        head = "".join(f"<th>{self.say(key) if key else ''}</th>" for key in columns)
        cells = ("".join(f'<td dir="auto">{cell}</td>' for cell in row) for row in rows)
        body = "".join(f"<tr>{row}</tr>" for row in cells)
        drawn = f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
        return f'<div class="table">{drawn}</div>' if body else ""

    def name(self, variant: int) -> str:
        """As the host called it; not escaped."""
        known = self.plan.variants
        return known[variant].name if variant < len(known) else "AB"[variant]

    def liked(self, parts: Sequence[tuple[str, VariantResult]]) -> str:
        """The shares of good ratings, where there are ratings."""
        rows: Sequence[tuple[str, Share]] = [
            (name, part.liked) for name, part in parts if part.liked.count
        ]
        return shares(rows, name=self.word("liked")) + self.about("liked-info") if rows else ""
