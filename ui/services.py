"""The domain services of the page."""

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
    """The services that the page's handlers use. `sharing`: whether conversations can be shared."""

    engine: Engine
    answers: Turns
    conversations: Conversations
    presets: Presets
    ratings: Ratings
    participation: Participation
    figures: Dashboard
    sharing: bool = False
