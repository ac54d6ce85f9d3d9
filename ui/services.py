"""What the page asks the domain for."""

from dataclasses import dataclass

from chat.campaigns.participation import Participation
from chat.conversations.presets import Presets
from chat.conversations.service import Conversations
from chat.conversations.turns import Turns
from chat.feedback.dashboard import Dashboard
from chat.feedback.ratings import Ratings
from chat.serving.ports import Engine


@dataclass(frozen=True, slots=True)
class Services:
    """The domain as the page's handlers need it."""

    engine: Engine
    answers: Turns
    conversations: Conversations
    presets: Presets
    ratings: Ratings
    participation: Participation
    figures: Dashboard
