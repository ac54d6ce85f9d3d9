"""What results are filtered by lies together: rows are long, and a list of all is read at once."""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

COLUMNS = ["rated_at", "id", "campaign_id", "preset_id", "model", "language"]


def upgrade() -> None:
    op.create_index(f"ix_evidence_{'_'.join(COLUMNS)}", "evidence", COLUMNS)
    for column in ("rated_at", "preset_id", "model"):
        op.drop_index(f"ix_evidence_{column}", "evidence")
    op.create_index("ix_evidence_conversation_id", "evidence", ["conversation_id"])
