"""The table of links to copies of conversations."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from chat.conversations.share_models import SharedCopy, SharedLink
from store.schema.base import Base
from store.schema.columns import AsJson, PlainText, UtcDateTime


class SharedLinkRow(Base):
    """A link. Only the hash of its token is stored; the copy goes with its conversation."""

    __tablename__ = "shares"
    __table_args__ = (
        UniqueConstraint("token_hash"),
        Index(None, "owner"),
        Index(None, "conversation_id"),
        Index(None, "expires_at"),
    )

    id: Mapped[str] = mapped_column(PlainText, primary_key=True)
    owner_id: Mapped[str] = mapped_column("owner", PlainText)
    conversation_id: Mapped[str] = mapped_column(
        PlainText, ForeignKey("conversations.id", ondelete="CASCADE")
    )
    token_hash: Mapped[str] = mapped_column(PlainText)
    title: Mapped[str] = mapped_column(PlainText)
    content: Mapped[SharedCopy] = mapped_column(AsJson(SharedCopy))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)

    def value(self) -> SharedLink:
        return SharedLink(
            id=self.id,
            owner_id=self.owner_id,
            conversation_id=self.conversation_id,
            title=self.title,
            created_at=self.created_at,
            expires_at=self.expires_at,
        )
