"""The page of one's links to copies of conversations, and the page that shows such a copy."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from chat.accounts.models import User
from chat.conversations.models import Message
from chat.conversations.share_models import SharedCopy, SharedLink
from chat.conversations.validation import SHARE_DAYS
from chat.models import Role, Status
from pages.html import PageLocale, account_links, render

INCLUDE = {"system_prompt": "show-system_prompt", "files": "show-files"}
"""What a copy shows only if its owner chooses it, with the keys of the texts."""


@dataclass(frozen=True, slots=True)
class OfferedChat:
    """The conversation that the form on the page shares."""

    id: str
    title: str


def shares_page(
    locale: PageLocale,
    user: User,
    shares: Sequence[SharedLink],
    offered: OfferedChat | None,
    *,
    enabled: bool,
) -> Markup:
    """The valid links of a user, with the form for a new one if a conversation is `offered`."""
    return render(
        "conversations/shares.html",
        locale,
        nav=account_links(user),
        shares=shares,
        offered=offered,
        enabled=enabled,
        terms=[(days, locale.text("share-days", days=days)) for days in SHARE_DAYS],
        include=INCLUDE,
    )


def shared_page(
    locale: PageLocale, share: SharedLink, copy: SharedCopy, markdown: Callable[[str], Markup]
) -> Markup:
    """The copy, for whoever has the link."""
    return render(
        "conversations/shared.html",
        locale,
        heading=copy.title,
        share=share,
        copy=copy,
        turns=[
            (message, _answer(message, markdown), _is_whole(message)) for message in copy.messages
        ],
    )


def _answer(message: Message, markdown: Callable[[str], Markup]) -> Markup | None:
    """The Markdown of an answer as HTML; None for a question, which is shown as it was typed."""
    return markdown(message.content) if message.role is Role.ASSISTANT else None


def _is_whole(message: Message) -> bool:
    return message.status is Status.DONE
