"""A campaign while it runs, for its host: testers, what happens, and the chats."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from chat.campaigns.models import VoteChoice


class EventKind(StrEnum):
    """What a tester did, or what went wrong."""

    JOINED = "joined"
    FINISHED = "finished"
    VOTE = "vote"
    SKIP = "skip"
    UNVOTED = "unvoted"
    UP = "up"
    DOWN = "down"
    COMMENT = "comment"
    FAILURE = "failure"


@dataclass(frozen=True, slots=True)
class LiveEvent:
    """One thing that happened. `target` is the id of what is to be read: of a comparison for votes,
    of a rated answer for ratings, else of a conversation; it may be empty.

    `text` is the question or the rated answer, `detail` the comment, the reason or the error code.
    `winner` is the variant that was voted for; `changes` counts the earlier votes.
    """

    kind: EventKind
    at: datetime
    user_id: str
    text: str = ""
    detail: str = ""
    target: str = ""
    choice: VoteChoice | None = None
    winner: int | None = None
    changes: int = 0


@dataclass(frozen=True, slots=True)
class TesterProgress:
    """A tester with counts. `rated` are current ratings with a verdict; `votes`, `skipped` and
    `unvoted` are of blind comparisons."""

    user_id: str
    done: int = 0
    questions: int = 0
    rated: int = 0
    votes: int = 0
    skipped: int = 0
    unvoted: int = 0
    consented: bool = False
    finished: bool = False
    seen_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class LinkLimits:
    """How many guests a link lets in, and how many questions each may ask."""

    guests: int
    messages: int


@dataclass(frozen=True, slots=True)
class ListedChat:
    """A conversation of a tester."""

    id: str
    user_id: str
    title: str
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class LiveState:
    """The testers by when they were last seen, events and chats newest first; bounded lists.

    `names` are those of the users in it, by id; the local user has none.
    """

    testers: tuple[TesterProgress, ...] = ()
    events: tuple[LiveEvent, ...] = ()
    chats: tuple[ListedChat, ...] = ()
    names: Mapping[str, str] = field(default_factory=dict)
