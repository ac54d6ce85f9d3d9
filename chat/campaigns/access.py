"""Who may take part in a campaign; who manages it follows from its owner, as for every row."""

from chat.accounts.access import is_admin, is_guest, refuse_unless_visible
from chat.accounts.models import GuestLink, User
from chat.campaigns.models import Campaign, Participant
from chat.errors import NotFound


def refuse_uninvited(
    user: User, campaign: Campaign, link: GuestLink | None, participant: Participant | None
) -> None:
    """Raises NotFound unless the user is its owner, an administrator, or came by one of its links.

    A member who came by a link is a participant, a guest has that `link`. Nobody is invited to a
    draft.
    """
    if campaign.is_draft:
        raise NotFound
    if participant is None and (link is None or link.campaign_id != campaign.id):
        refuse_unless_visible(user, campaign)


def invites_member(user: User, link: GuestLink) -> bool:
    """Whether the link opens its campaign for the user's own account.

    Its host and administrators need no link: they use it to come as a guest.
    """
    is_member = not (is_guest(user) or is_admin(user))
    return bool(link.campaign_id) and is_member and user.id != link.owner_id
