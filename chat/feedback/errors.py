"""What can go wrong with a rating."""

from chat.errors import AppError, BadRequest


class NotRatable(BadRequest):
    """Only an answer that the model has written here, and that is kept, can be rated."""

    code = "not_ratable"


class EmptyRating(BadRequest):
    """Nothing was said of the answer: no verdict, reason, comment or correction."""

    code = "empty_opinion"


class UnknownReason(BadRequest):
    """A reason is not one of those that are offered. Values: reason."""

    code = "unknown_reason"


class NothingToExport(AppError):
    """There is nothing to export in this format.

    A file without lines is refused, because libraries that train fail to load it.
    """

    code = "nothing_to_export"
