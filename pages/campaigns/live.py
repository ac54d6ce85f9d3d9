"""A campaign while it runs, for its host: parts that a script renews, and a chat to be read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from markupsafe import Markup

from chat.accounts.models import GuestLink, User
from chat.campaigns.live_models import EventKind, LiveEvent, LiveState, TesterProgress
from chat.campaigns.models import Campaign, Mode
from chat.campaigns.validation import MAX_NOTICE
from chat.conversations.models import Archive, Attachment
from chat.models import Role, Status
from pages.campaigns.compare import ENDS, VOTED, MarkdownRenderer
from pages.host_nav import render_host_page
from pages.html import PageLocale, render, render_macro

TEMPLATE = "campaigns/live.html"
PARTS = "campaigns/live_parts.html"
NAMES = ("controls", "events", "testers", "chats")
RATED = (EventKind.UP, EventKind.DOWN, EventKind.COMMENT)


@dataclass(frozen=True, slots=True)
class ListedTester:
    """A tester by name."""

    name: str
    progress: TesterProgress


@dataclass(frozen=True, slots=True)
class ListedEvent:
    """An event by the tester's name. `path` leads to what it is about; empty: nowhere.

    `vote` is the key of the text of a vote; `variant` names the variant that was voted for.
    """

    name: str
    event: LiveEvent
    path: str
    vote: str
    variant: str


@dataclass(frozen=True, slots=True)
class ListedConversation:
    """A chat by the tester's name."""

    name: str
    title: str
    path: str
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class LiveLists:
    """The values of the parts."""

    compares: bool
    task_count: int
    campaign: Campaign
    links: Sequence[GuestLink]
    testers: Sequence[ListedTester]
    events: Sequence[ListedEvent]
    chats: Sequence[ListedConversation]


@dataclass(frozen=True, slots=True)
class ReadMessage:
    """A message of a chat. `state` is how an answer ended, if not by itself."""

    role: Role
    at: datetime
    html: Markup
    state: str
    files: Sequence[Attachment]
    model: str


def live_block(
    locale: PageLocale, campaign: Campaign, state: LiveState, links: Sequence[GuestLink]
) -> Markup:
    """The sections of the campaign's page."""
    return render(
        TEMPLATE,
        locale,
        path=f"/api/campaigns/{campaign.id}",
        max_notice=MAX_NOTICE,
        parts=live_parts(locale, campaign, state, links),
    )


def live_parts(
    locale: PageLocale, campaign: Campaign, state: LiveState, links: Sequence[GuestLink]
) -> Mapping[str, Markup]:
    """The parts by name, as the script puts them in."""
    lists = _lists(campaign, state, [link for link in links if not link.revoked])
    return {name: render_macro(PARTS, name, locale, lists) for name in NAMES}


def chat_page(
    locale: PageLocale,
    user: User,
    archive: Archive,
    names: Mapping[str, str],
    render_markdown: MarkdownRenderer,
) -> Markup:
    """A tester's chat with every version of its questions and answers, in the order of time."""
    conversation = archive.conversation
    return render_host_page(
        "campaigns/chat.html",
        locale,
        user,
        heading=conversation.title,
        campaign_path=f"/campaigns/{conversation.campaign_id}",
        tester=names.get(conversation.owner_id, "–"),
        messages=[
            ReadMessage(
                message.role,
                message.created_at,
                render_markdown(message.content)
                if message.role is Role.ASSISTANT
                else Markup.escape(message.content),
                _end(locale, message.status),
                message.attachments,
                message.provenance.model if message.provenance else "",
            )
            for message in archive.messages
        ],
    )


def _end(locale: PageLocale, status: Status) -> str:
    if status.is_open:
        return locale.text("answer-writing")
    return locale.text(ENDS[status]) if status in ENDS else ""


def _lists(campaign: Campaign, state: LiveState, links: Sequence[GuestLink]) -> LiveLists:
    names, at = state.names, f"/campaigns/{campaign.id}/chats"
    return LiveLists(
        compares=campaign.plan.mode is Mode.BLIND,
        campaign=campaign,
        links=links,
        task_count=len(campaign.plan.tasks),
        testers=[ListedTester(names.get(one.user_id, "–"), one) for one in state.testers],
        events=[_event(campaign, names, event) for event in state.events],
        chats=[
            ListedConversation(
                names.get(one.user_id, "–"), one.title, f"{at}/{one.id}", one.updated_at
            )
            for one in state.chats
        ],
    )


def _event(campaign: Campaign, names: Mapping[str, str], event: LiveEvent) -> ListedEvent:
    folder = f"/campaigns/{campaign.id}/chats"
    if event.kind is EventKind.VOTE:
        folder = "/results/votes"
    elif event.kind in RATED:
        folder = "/results"
    variants = campaign.plan.variants
    known = event.winner is not None and event.winner < len(variants)
    return ListedEvent(
        names.get(event.user_id, "–"),
        event,
        f"{folder}/{event.target}" if event.target else "",
        VOTED[event.choice].replace("voted-", "live-voted-") if event.choice else "",
        variants[event.winner or 0].name if known else "",
    )
