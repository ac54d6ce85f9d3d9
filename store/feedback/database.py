"""What people say of answers, and what hosts make of it, in the same database as all else."""

from store.feedback.ratings import DatabaseRatings
from store.transactions import Transactions


class DatabaseFeedback:
    """Each attribute keeps what one service needs."""

    def __init__(self, database: Transactions) -> None:
        self.ratings = DatabaseRatings(database)
