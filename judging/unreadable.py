"""What a judge says of a check that it cannot read."""


class Unreadable(Exception):
    """What is expected makes no sense: one phrase that says why."""
