"""Calls from outside: their path, waits, talks, callbacks, survey answers, voice messages."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "calls",
        sa.Column("call_id", sa.Text(), nullable=False),
        sa.Column("node", sa.Text(), nullable=False),
        sa.Column("channel_id", sa.Text(), nullable=False),
        sa.Column("did", sa.Text(), nullable=False),
        sa.Column("caller", sa.Text(), nullable=False),
        sa.Column("started_at_s", sa.Float(), nullable=False),
        sa.Column("stage", sa.Text(), nullable=False),
        sa.Column("flow", sa.Text(), nullable=False),
        sa.Column("flow_node", sa.Text(), nullable=False),
        sa.Column("bookmark", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("queue", sa.Text(), nullable=False),
        sa.Column("queue_since_s", sa.Float(), nullable=True),
        sa.Column("agent_id", sa.Text(), nullable=False),
        sa.Column("waited_s", sa.Float(), nullable=False),
        sa.Column("talk_s", sa.Float(), nullable=False),
        sa.Column("ended_at_s", sa.Float(), nullable=True),
        sa.Column("ended_how", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("call_id", name=op.f("pk_calls")),
    )
    op.create_index("ix_calls_caller", "calls", ["caller", "started_at_s"])
    op.create_index(
        "ix_calls_live",
        "calls",
        ["node"],
        sqlite_where=sa.text("ended_at_s IS NULL"),
        postgresql_where=sa.text("ended_at_s IS NULL"),
    )
    op.create_index("ix_calls_page", "calls", ["started_at_s", "call_id"])
    op.create_table(
        "call_steps",
        sa.Column("call_id", sa.Text(), nullable=False),
        sa.Column("step", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("at_s", sa.Float(), nullable=False),
        sa.Column("flow", sa.Text(), nullable=False),
        sa.Column("node", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("branch", sa.Text(), nullable=False),
        sa.Column("spent_s", sa.Float(), nullable=False),
        sa.Column("caller_left", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["call_id"], ["calls.call_id"], name=op.f("fk_call_steps_call_id_calls")),
        sa.PrimaryKeyConstraint("call_id", "step", name=op.f("pk_call_steps")),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_call_steps_node", "call_steps", ["flow", "node", "at_s"])
    op.create_table(
        "queue_waits",
        sa.Column("wait_id", sa.Text(), nullable=False),
        sa.Column("call_id", sa.Text(), nullable=False),
        sa.Column("queue", sa.Text(), nullable=False),
        sa.Column("since_s", sa.Float(), nullable=False),
        sa.Column("ended_at_s", sa.Float(), nullable=False),
        sa.Column("ended_how", sa.Text(), nullable=False),
        sa.Column("waited_s", sa.Float(), nullable=False),
        sa.Column("agent_id", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["call_id"], ["calls.call_id"], name=op.f("fk_queue_waits_call_id_calls")),
        sa.PrimaryKeyConstraint("wait_id", name=op.f("pk_queue_waits")),
    )
    op.create_index("ix_queue_waits_call", "queue_waits", ["call_id"])
    op.create_index("ix_queue_waits_queue", "queue_waits", ["queue", "ended_at_s"])
    op.create_table(
        "talks",
        sa.Column("talk_id", sa.Text(), nullable=False),
        sa.Column("call_id", sa.Text(), nullable=False),
        sa.Column("queue", sa.Text(), nullable=False),
        sa.Column("agent_id", sa.Text(), nullable=False),
        sa.Column("began_at_s", sa.Float(), nullable=False),
        sa.Column("ended_at_s", sa.Float(), nullable=True),
        sa.Column("ended_how", sa.Text(), nullable=False),
        sa.Column("talk_s", sa.Float(), nullable=False),
        sa.Column("recording", sa.Text(), nullable=False),
        sa.Column("disposition", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["call_id"], ["calls.call_id"], name=op.f("fk_talks_call_id_calls")),
        sa.PrimaryKeyConstraint("talk_id", name=op.f("pk_talks")),
    )
    op.create_index("ix_talks_agent", "talks", ["agent_id", "began_at_s"])
    op.create_index("ix_talks_call", "talks", ["call_id"])
    op.create_table(
        "queue_callbacks",
        sa.Column("request_id", sa.Text(), nullable=False),
        sa.Column("call_id", sa.Text(), nullable=False),
        sa.Column("phone", sa.Text(), nullable=False),
        sa.Column("queue", sa.Text(), nullable=False),
        sa.Column("since_s", sa.Float(), nullable=False),
        sa.Column("wanted_at_s", sa.Float(), nullable=True),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("fields", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("due_at_s", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("request_id", name=op.f("pk_queue_callbacks")),
    )
    op.create_index("ix_queue_callbacks_state", "queue_callbacks", ["state", "due_at_s"])
    op.create_table(
        "survey_answers",
        sa.Column("answer_id", sa.Text(), nullable=False),
        sa.Column("call_id", sa.Text(), nullable=False),
        sa.Column("flow", sa.Text(), nullable=False),
        sa.Column("node", sa.Text(), nullable=False),
        sa.Column("question", sa.Text(), nullable=False),
        sa.Column("scale", sa.Text(), nullable=False),
        sa.Column("score", sa.Integer(), nullable=False),
        sa.Column("at_s", sa.Float(), nullable=False),
        sa.Column("agent_id", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("answer_id", name=op.f("pk_survey_answers")),
    )
    op.create_index("ix_survey_answers_flow", "survey_answers", ["flow", "question", "at_s"])
    op.create_table(
        "voice_messages",
        sa.Column("message_id", sa.Text(), nullable=False),
        sa.Column("call_id", sa.Text(), nullable=False),
        sa.Column("mailbox", sa.Text(), nullable=False),
        sa.Column("caller", sa.Text(), nullable=False),
        sa.Column("recording", sa.Text(), nullable=False),
        sa.Column("length_s", sa.Float(), nullable=False),
        sa.Column("at_s", sa.Float(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("heard", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("message_id", name=op.f("pk_voice_messages")),
    )
    op.create_index("ix_voice_messages_mailbox", "voice_messages", ["mailbox", "at_s"])


def downgrade() -> None:
    op.drop_table("voice_messages")
    op.drop_table("survey_answers")
    op.drop_table("queue_callbacks")
    op.drop_table("talks")
    op.drop_table("queue_waits")
    op.drop_table("call_steps")
    op.drop_table("calls")
