"""What can go wrong with regression cases; the other errors are in `chat.errors`."""

from chat.errors import BadRequest


class BadCase(BadRequest):
    """A regression case cannot be kept. Values: where (a field), why."""

    code = "bad_case"


class BadCheck(BadRequest):
    """What a check expects cannot be read. Values: why, number (of the check, from 1)."""

    code = "bad_check"


class CheckTooCostly(BadRequest):
    """A check took more time or memory than it may have."""

    code = "check_too_costly"


class RunGoingOn(BadRequest):
    """A replay of this person is being run already."""

    code = "run_going_on"
