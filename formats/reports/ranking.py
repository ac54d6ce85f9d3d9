"""The report section on more than two variants: strengths, and every pair."""

from markupsafe import Markup

from formats.drawing import html
from formats.reports.formatter import ReportFormatter


def ranking(pen: ReportFormatter) -> Markup:
    """The variants, the strongest first, then the votes of each pair; empty without votes."""
    result = pen.report.ranking
    if result is None:
        return Markup()
    strengths = (
        (pen.name(one), f"{each.value:+.0f}", f"{each.low:+.0f} … {each.high:+.0f}")
        for one in result.order
        for each in (result.strengths[one],)
    )
    pairs = (
        (
            f"{pen.name(first)} / {pen.name(second)}",
            f"{votes.wins[0]} / {votes.wins[1]}",
            str(votes.ties),
            str(votes.both_bad),
            *votes.rate.formatted(),
        )
        for (first, second), votes in result.pairs.items()
    )
    columns = ["pair", "wins-of-both", "ties", "both-bad", "won", "interval"]
    body = pen.table(["variant", "strength", "interval"], strengths)
    if result.is_separated:
        body += html("report.sentence", words=pen.text("ranking-separated"))
    body += html("report.part", title=pen.text("pairs"), body=pen.table(columns, pairs))
    return pen.section("ranking", body + pen.about("ranking-method"))
