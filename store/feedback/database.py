"""What people say of answers, and what hosts make of it, in the same database as all else."""

from store.feedback.ballots import DatabaseBallots
from store.feedback.campaigns import DatabaseCampaigns
from store.feedback.cases import DatabaseCases
from store.feedback.figures import DatabaseFigures
from store.feedback.ratings import DatabaseRatings
from store.feedback.reporting import DatabaseReports
from store.feedback.results import DatabaseResults
from store.feedback.votes import DatabaseVotes
from store.transactions import Transactions


class DatabaseFeedback:
    """Each attribute keeps what one service needs."""

    def __init__(self, database: Transactions) -> None:
        self.ballots = DatabaseBallots(database)
        self.campaigns = DatabaseCampaigns(database)
        self.cases = DatabaseCases(database)
        self.figures = DatabaseFigures(database)
        self.ratings = DatabaseRatings(database)
        self.reports = DatabaseReports(database)
        self.results = DatabaseResults(database)
        self.votes = DatabaseVotes(database)
