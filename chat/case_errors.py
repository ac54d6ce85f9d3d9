"""What can go wrong with regression cases; the other errors are in `chat.errors`."""

from chat.errors import BadRequest


class BadCase(BadRequest):
    """A regression case cannot be kept or run. Values: field, why."""

    code = "bad_case"

    def __init__(self, field: str = "", why: str = "") -> None:
        super().__init__(f"{field}: {why}" if why else "", field=field, why=why)


class BadCheck(BadRequest):
    """What a check expects cannot be read. Values: field, why, number (of the check, from 1)."""

    code = "bad_check"

    def __init__(self, why: str = "", number: int | None = None) -> None:
        where = f"check {number}: " if number else ""
        super().__init__(f"{where}{why}", field="checks", why=why, number=number)


class CheckTooCostly(BadRequest):
    """A check took more time or memory than it may have."""

    code = "check_too_costly"


class RunGoingOn(BadRequest):
    """A replay of this person is being run already."""

    code = "run_going_on"
