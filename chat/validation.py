"""Bounds and checks of texts and sampling settings. Token limits are checked with the engine."""

from dataclasses import fields
from datetime import UTC, date, datetime, timedelta

from chat.errors import BadText, InvalidSetting, MessageTooLong
from chat.models import Sampling

MAX_CHARACTERS = 200_000
"""Longer texts are rejected before tokenisation: no context of Qwen2.5 would hold them."""


MAX_STOP_STRINGS = 32
MAX_STOP_CHARACTERS = 100


BOUNDS: dict[str, tuple[float, float]] = {
    "temperature": (0, 2),
    "top_p": (0.01, 1),
    "top_k": (0, 1000),
    "repetition_penalty": (0.5, 2),
    "presence_penalty": (-2, 2),
    "frequency_penalty": (-2, 2),
    "max_new_tokens": (1, 131_072),
    "min_new_tokens": (0, 131_072),
    "seed": (0, 2**53 - 1),
}
"""Lowest and highest value of each setting; a seed must be exact as a JSON number (2**53)."""

EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
LATEST = datetime(2200, 1, 1, tzinfo=UTC)
"""Bounds of every time that comes from outside: sums and time zones cannot overflow from there."""

EARLIEST_DAY = EARLIEST.date()
LATEST_DAY = LATEST.date()
IN_BOUNDS = f"{EARLIEST_DAY} to {LATEST_DAY}"


def is_bounded(moment: datetime | date) -> bool:
    """Whether a time or a day is one that is taken."""
    if isinstance(moment, datetime):
        return EARLIEST <= moment <= LATEST
    return EARLIEST_DAY <= moment <= LATEST_DAY


def later(moment: datetime, span: timedelta) -> datetime:
    """The sum, or the last moment there is where the sum would be beyond it.

    For times that were stored before there were bounds.
    """
    try:
        return moment + span
    except OverflowError:
        return datetime.max.replace(tzinfo=moment.tzinfo)


def check_text(text: str, *, field: str = "") -> str:
    """Raises MessageTooLong, BadText. `field` names the form field in the error, if given."""
    if len(text) > MAX_CHARACTERS:
        place = {"field": field} if field else {}
        raise MessageTooLong(characters=len(text), limit=MAX_CHARACTERS, **place)
    # The tokenizer and databases reject lone surrogates, PostgreSQL rejects NUL.
    if "\0" in text or any("\ud800" <= character <= "\udfff" for character in text):
        raise BadText
    return text


def check_sampling(sampling: Sampling) -> Sampling:
    """Raises InvalidSetting, naming the first setting that is out of bounds."""
    for name in (item.name for item in fields(sampling) if item.name in BOUNDS):
        value, (low, high) = getattr(sampling, name), BOUNDS[name]
        # Written so that NaN, which compares false with everything, is refused too.
        if value is not None and not low <= value <= high:
            raise InvalidSetting(name=name, low=low, high=high)
    if len(sampling.stop) > MAX_STOP_STRINGS:
        raise InvalidSetting(name="stop", low=0, high=MAX_STOP_STRINGS)
    for stop in sampling.stop:
        if not 1 <= len(check_text(stop)) <= MAX_STOP_CHARACTERS:
            raise InvalidSetting(name="stop", low=1, high=MAX_STOP_CHARACTERS)
    return sampling
