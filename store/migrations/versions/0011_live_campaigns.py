"""What a tester voted before changing the vote; pauses, and what hosts tell their testers."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "duels", sa.Column("earlier_votes", sa.JSON(), nullable=False, server_default="[]")
    )
    op.add_column("campaigns", sa.Column("paused_at", sa.DateTime(timezone=True)))
    op.add_column("campaigns", sa.Column("notice", sa.Text(), nullable=False, server_default=""))
