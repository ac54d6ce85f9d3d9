"""The error of an invalid check."""


class Unreadable(Exception):
    """The expected value of a check is invalid; the message is one phrase that says why."""
