"""Earlier answers to a question whose later answer was rated well (retries)."""

from collections.abc import Mapping, Sequence

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from chat.conversations.tree import Tree
from chat.errors import NotFound
from chat.feedback.result_models import Path
from store.feedback.comparison_paths import trees
from store.schema.conversations import ConversationRow, MessageRow
from store.schema.feedback import AnswerSnapshotRow


def tried_again(
    session: Session, user_id: str, answer_ids: Sequence[str]
) -> Mapping[str, tuple[Path, ...]]:
    """For each answer id, the paths to earlier unrated answers to the same question.

    Of campaigns, and of the user's own conversations: elsewhere only rated answers are shared.
    """
    shared = or_(ConversationRow.campaign_id.is_not(None), ConversationRow.owner_id == user_id)
    chosen = (
        select(MessageRow.id, MessageRow.conversation_id)
        .join(ConversationRow, ConversationRow.id == MessageRow.conversation_id)
        .where(MessageRow.id.in_(answer_ids), shared)
    )
    places = {row.id: row.conversation_id for row in session.execute(chosen)}
    conversations = set(places.values())
    trees_by_id = trees(session, conversations)
    rated = set(
        session.scalars(
            select(AnswerSnapshotRow.answer_id).where(
                AnswerSnapshotRow.conversation_id.in_(conversations)
            )
        )
    )
    return {
        answer_id: tuple(
            tuple(tree.path_to(earlier))
            for earlier in _before(tree, answer_id)
            if earlier not in rated
        )
        for answer_id, conversation_id in places.items()
        if (tree := trees_by_id.get(conversation_id))
    }


def _before(tree: Tree, answer_id: str) -> Sequence[str]:
    """Ids of earlier answers to the same question; empty if the answer was deleted."""
    try:
        versions = tree.versions(answer_id)
    except NotFound:
        return ()
    return versions[: versions.index(answer_id)]
