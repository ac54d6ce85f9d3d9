"""What a tester may not know of an answer where variants are compared: all that it came from."""

from collections.abc import Sequence
from dataclasses import replace

from chat.conversations.models import Archive, Message
from chat.conversations.ports import ConcealmentPolicy
from chat.models import ChatOptions, Provenance, Sampling


async def revealed(archive: Archive, policy: ConcealmentPolicy | None) -> Archive:
    """The conversation as its owner may see it. Raises NotFound for a deleted campaign."""
    campaign_id = archive.conversation.campaign_id
    if not campaign_id or policy is None or not await policy.conceals(campaign_id):
        return archive
    conversation = replace(archive.conversation, options=ChatOptions())
    return Archive(conversation, tuple(_without_origin(archive.messages)))


def _without_origin(messages: Sequence[Message]) -> Sequence[Message]:
    """Without times, which tell a large model from a small one, as well."""
    return [
        replace(message, timing=None, provenance=_concealed(message.provenance))
        for message in messages
    ]


def _concealed(made: Provenance | None) -> Provenance | None:
    """What the reader has to know stays: how many turns the model no longer read."""
    if made is None:
        return None
    return Provenance("", "", "", "", Sampling(), "", dropped_turns=made.dropped_turns)
