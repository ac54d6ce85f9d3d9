"""Why a tester skipped a comparison instead of voting on it."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("duels", sa.Column("skip_reason", sa.Text(), nullable=False, server_default=""))
