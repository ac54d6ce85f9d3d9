"""What guests read of their link, apart from the host's label; campaigns that are drafts."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("guest_links", sa.Column("welcome", sa.Text(), nullable=False, server_default=""))
    op.add_column(
        "campaigns", sa.Column("draft", sa.Boolean(), nullable=False, server_default=sa.false())
    )
