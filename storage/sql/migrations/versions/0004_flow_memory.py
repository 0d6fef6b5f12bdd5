"""What menus remember: emergency switches that are on, failed identity checks."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "emergency_switches",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("prompt", sa.Text(), nullable=False),
        sa.Column("since_s", sa.Float(), nullable=False),
        sa.Column("flipped_by", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_emergency_switches")),
    )
    op.create_table(
        "identity_locks",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("failures", sa.Text(), nullable=False),
        sa.Column("until_s", sa.Float(), nullable=False),
        sa.Column("changed_at_s", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_identity_locks")),
    )


def downgrade() -> None:
    op.drop_table("identity_locks")
    op.drop_table("emergency_switches")
