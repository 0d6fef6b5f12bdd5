"""Lists count the positions they gave, so that an import need not look for the highest one."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("lead_lists", sa.Column("positions", sa.Integer(), nullable=False, server_default="0"))
    op.execute(
        "UPDATE lead_lists SET positions = "
        "(SELECT coalesce(max(position), 0) + 1 FROM leads WHERE leads.list_id = lead_lists.list_id)"
    )


def downgrade() -> None:
    with op.batch_alter_table("lead_lists") as batch:
        batch.drop_column("positions")
