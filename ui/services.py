"""What the page asks the domain for."""

from dataclasses import dataclass

from chat.answers import Answers
from chat.conversations import Conversations
from chat.figures import Figures
from chat.ports import Engine
from chat.presets import Presets
from chat.rating import Ratings
from chat.taking_part import TakingPart


@dataclass(frozen=True, slots=True)
class Services:
    """The domain as the page's handlers need it."""

    engine: Engine
    answers: Answers
    conversations: Conversations
    presets: Presets
    ratings: Ratings
    taking_part: TakingPart
    figures: Figures
