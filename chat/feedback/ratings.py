"""Ratings of answers, in versions, with a snapshot of the answer.

Owns the rule which answers can be rated. Knows no page, no wire format and no SQL.
"""

from collections.abc import Collection, Mapping
from dataclasses import replace

from chat.accounts.models import Clock, User, utc_now
from chat.conversations.errors import AnswerRunning
from chat.conversations.models import TEMPORARY, Conversation, Message
from chat.conversations.ports import ConversationStore
from chat.conversations.tree import Tree
from chat.errors import NotFound
from chat.feedback.errors import EmptyRating, NotRatable, UnknownReason
from chat.feedback.models import REASONS, AnswerSnapshot, Placement, Ratable, Rating, RatingInput
from chat.feedback.ports import CompletionLookup, RatingStore
from chat.feedback.snapshots import may_be_rated, snapshot_of_answer, snapshot_of_completion
from chat.feedback.validation import check_rating_input


class Ratings:
    """The service of ratings. Users rate the answers to their own questions."""

    def __init__(
        self,
        *,
        conversations: ConversationStore,
        store: RatingStore,
        programs: CompletionLookup | None = None,
        clock: Clock = utc_now,
    ) -> None:
        self._conversations = conversations
        self._store = store
        self._programs = programs
        self._clock = clock

    async def rate(
        self,
        user: User,
        *,
        conversation_id: str,
        message_id: str,
        rating_input: RatingInput,
        page_language: str = "",
        verdict_only: bool = False,
    ) -> Rating:
        """Rate an answer, or (an empty input) withdraw the rating.

        `verdict_only` keeps what else the user has said. The first rating stores a snapshot, so
        that the answer may be deleted later. Raises NotFound, NotRatable, AnswerRunning,
        EmptyRating, MessageTooLong, BadText, UnknownReason.
        """
        snapshot = await self._store.snapshot_of(user.id, message_id)
        if snapshot is None:
            conversation, path = await self._path_to(user, conversation_id, message_id)
            placement = await self._placement(conversation.campaign_id, user, message_id)
            variant = placement.variant
            snapshot = snapshot_of_answer(conversation, path, variant, page_language)
        else:
            placement = await self._placement(snapshot.campaign_id, user, message_id)
        before = await self._before(user, message_id)
        if verdict_only and before:
            rating_input = replace(before.rating_input, verdict=rating_input.verdict)
        return await self._rate(user, snapshot, rating_input, before, placement)

    async def rate_completion(
        self, user: User, completion_id: str, rating_input: RatingInput
    ) -> Rating:
        """Rate an answer to a program. Raises what `rate` raises."""
        snapshot = await self._store.snapshot_of(user.id, completion_id)
        if snapshot is None:
            if self._programs is None:
                raise NotFound
            snapshot = snapshot_of_completion(self._programs.find(user.id, completion_id))
        before = await self._before(user, completion_id)
        placement = await self._placement(snapshot.campaign_id, user, completion_id)
        return await self._rate(user, snapshot, rating_input, before, placement)

    async def look(self, user: User, conversation_id: str, message_id: str) -> Ratable:
        """The values of the rating form. Raises NotFound, NotRatable, AnswerRunning."""
        conversation, path = await self._path_to(user, conversation_id, message_id)
        placement = await self._placement(conversation.campaign_id, user, message_id)
        before = await self._before(user, message_id)
        return Ratable(path[-1].content, placement.reasons or REASONS, before)

    async def newest(self, user_id: str, answer_ids: Collection[str]) -> Mapping[str, Rating]:
        """The user's newest ratings of these answers, by answer id."""
        return await self._store.newest(user_id, answer_ids) if answer_ids else {}

    async def _path_to(
        self, user: User, conversation_id: str, message_id: str
    ) -> tuple[Conversation, list[Message]]:
        if conversation_id.startswith(TEMPORARY):  # nothing of it may be written to disk
            raise NotRatable
        archive = await self._conversations.archive(user.id, conversation_id)
        path = Tree(archive.messages).path_to(message_id)
        if path[-1].status.is_open:
            raise AnswerRunning
        if not may_be_rated(path[-1]):
            raise NotRatable
        return archive.conversation, path

    async def _rate(
        self,
        user: User,
        snapshot: AnswerSnapshot,
        rating_input: RatingInput,
        before: Rating | None,
        placement: Placement,
    ) -> Rating:
        """`before` is the user's newest rating of that answer."""
        checked = check_rating_input(rating_input, snapshot.answer)
        # The list of a campaign may have been changed since: what was chosen before stays possible.
        earlier = before.rating_input.reasons if before else ()
        for reason in checked.reasons:
            if reason not in (*(placement.reasons or REASONS), *earlier):
                raise UnknownReason(reason=reason)
        if checked == RatingInput() and before is None:
            raise EmptyRating
        return await self._store.rate(snapshot, user.id, checked, self._clock())

    async def _before(self, user: User, answer_id: str) -> Rating | None:
        return (await self._store.newest(user.id, [answer_id])).get(answer_id)

    async def _placement(self, campaign_id: str, user: User, message_id: str) -> Placement:
        if not campaign_id:
            return Placement()
        found = await self._store.placement(campaign_id, user.id, message_id)
        return found or Placement()
