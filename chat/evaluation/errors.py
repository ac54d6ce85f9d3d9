"""What can go wrong with regression cases; the other errors are in `chat.errors`."""

from chat.errors import BadRequest


class BadCase(BadRequest):
    """A regression case cannot be kept or run.

    Values: field, why; part (of each card in the list that the field is) and limit (characters, or
    cards) where there is too much of something.
    """

    code = "bad_case"

    def __init__(self, field: str = "", why: str = "", *, part: str = "", limit: int = 0) -> None:
        values = {"field": field, "why": why, "part": part, "limit": limit}
        super().__init__(f"{field}: {why}" if why else "", **values)


class BadCheck(BadRequest):
    """What a check expects cannot be read. Values: field, why, number (of the check, from 1)."""

    code = "bad_check"

    def __init__(self, why: str = "", number: int | None = None) -> None:
        where = f"check {number}: " if number else ""
        super().__init__(f"{where}{why}", field="checks", why=why, number=number)


class CheckTooCostly(BadRequest):
    """A check took more time or memory than it may have."""

    code = "check_too_costly"


class RunInProgress(BadRequest):
    """A replay of this person is being run already."""

    code = "run_going_on"
