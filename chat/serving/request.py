"""What a generation starts from: the request, and the slot that it occupies."""

import secrets
from dataclasses import dataclass, replace

from chat.accounts.quotas import QuotaReservation
from chat.models import ChatOptions, Sampling, partial_text
from chat.serving.admission import QueueTicket
from chat.serving.models import PreparedPrompt
from chat.serving.observer import Source
from chat.serving.ports import Engine
from chat.tools import NO_EXTRAS, Extras

SEEDS = 2**31


@dataclass(frozen=True, slots=True)
class GenerationRequest:
    """What an engine generates, and for whom. `prompt` was prepared by `engine`.

    A partial message at the end of the prompt is continued. `options.sampling` has a seed.
    """

    id: str
    source: Source
    user_id: str
    prompt: PreparedPrompt
    options: ChatOptions
    engine: Engine
    extras: Extras = NO_EXTRAS
    dropped_turns: int = 0
    conversation_id: str | None = None
    key_id: str | None = None

    @property
    def continued(self) -> str:
        """The text of the answer that was there before and is part of the prompt."""
        return partial_text(self.prompt.prompt)


@dataclass(frozen=True, slots=True)
class GenerationSlot:
    """A quota reservation and a place in the queue: what a request needs before it starts."""

    reservation: QuotaReservation
    ticket: QueueTicket

    def release(self) -> None:
        """Safe to call twice."""
        self.reservation.give_back()
        self.ticket.give_back()


def seeded(sampling: Sampling) -> Sampling:
    """The sampling with a random seed if it has none, so that every answer can be reproduced."""
    if sampling.seed is not None:
        return sampling
    return replace(sampling, seed=secrets.randbelow(SEEDS))
