"""The ports of feedback over a SQL database: which query each method runs."""

from chat.feedback.dashboard_models import Count, DashboardScope
from store.feedback import comparison_paths, dashboard, ratings, reports, results, retries, tables
from store.feedback import votes as vote_queries
from store.queries import DatabaseStore, Read, Write


class DatabaseRatings(DatabaseStore):
    """`chat.feedback.ports.RatingStore` over SQLAlchemy."""

    rate = Write(ratings.rate)
    snapshot_of = Read(ratings.evidence_of)
    newest = Read(ratings.newest)
    placement = Read(ratings.placement)


class DatabaseResults(DatabaseStore):
    """`chat.feedback.ports.ResultStore` over SQLAlchemy."""

    page = Read(results.page)
    counts = Read(results.counts)
    choices = Read(results.choices)
    rated = Read(results.rated)
    versions = Read(results.versions)
    beside = Read(results.beside)
    chunk = Read(results.chunk)
    tried_again = Read(retries.tried_again)
    voted_comparisons = Read(comparison_paths.voted_comparisons)
    votes = Read(comparison_paths.votes)
    review = Write(results.review)


class DatabaseVotes(DatabaseStore):
    """`chat.feedback.ports.VoteStore` over SQLAlchemy."""

    page = Read(vote_queries.page)
    counts = Read(vote_queries.counts)
    choices = Read(vote_queries.choices)
    voted_comparison = Read(vote_queries.voted_comparison)


class DatabaseReports(DatabaseStore):
    """`chat.feedback.ports.ReportStore` over SQLAlchemy."""

    gather = Read(reports.gather)


class DatabaseTables(DatabaseStore):
    """`chat.feedback.ports.TableStore` over SQLAlchemy."""

    testers = Read(tables.testers)
    unvoted = Read(tables.unvoted)
    unrated = Read(tables.unrated)


class DatabaseDashboard(DatabaseStore):
    """`chat.feedback.ports.DashboardStore` over SQLAlchemy."""

    began = Read(dashboard.began)

    async def counts(self, scope: DashboardScope) -> Count:
        return await dashboard.counted(self.transactions, scope)
