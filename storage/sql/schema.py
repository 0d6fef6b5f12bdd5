"""The tables. Times are seconds since 1970, UTC; ids are `campaigns.ids`; enums are stored by value.

Migrations (storage/sql/migrations) build the same tables; a test holds the two together. A channel id needs no column:
it is derived from the attempt id, so the primary key keeps it unique.
"""

from sqlalchemy import (
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    text,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)
_LIVE = text("state <> 'ended'")
_CALLBACK = text("state = 'callback'")
_ANSWERED = text("answered_at_s IS NOT NULL")

lead_lists = Table(
    "lead_lists",
    metadata,
    Column("list_id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("created_at_s", Float, nullable=False),
    # positions given to leads so far: looking for the highest one would read the whole list for every chunk
    Column("positions", Integer, nullable=False, server_default="0"),
)

leads = Table(
    "leads",
    metadata,
    Column("lead_id", Text, primary_key=True),
    Column("list_id", Text, ForeignKey("lead_lists.list_id"), nullable=False),
    Column("phone", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("time_zone", Text, nullable=False),
    Column("priority", Integer, nullable=False),
    Column("state", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    # 0 means "at once": a number, not NULL, so that one index range finds what is due
    Column("due_at_s", Float, nullable=False),
    Column("position", Integer, nullable=False),
    Column("last_outcome", Text),
    Column("callback_agent_id", Text),
    Column("fields", Text, nullable=False),
    UniqueConstraint("list_id", "phone"),
)
Index("ix_leads_due", leads.c.list_id, leads.c.state, leads.c.priority, leads.c.due_at_s, leads.c.position)
Index("ix_leads_page", leads.c.list_id, leads.c.lead_id)
Index(
    "ix_leads_owner",
    leads.c.callback_agent_id,
    leads.c.due_at_s,
    sqlite_where=_CALLBACK,
    postgresql_where=_CALLBACK,
)
Index("ix_leads_phone", leads.c.phone)

campaigns = Table(
    "campaigns",
    metadata,
    Column("campaign_id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("definition", Text, nullable=False),
    Column("created_at_s", Float, nullable=False),
    Column("changed_at_s", Float, nullable=False),
)

campaign_lists = Table(
    "campaign_lists",
    metadata,
    Column("campaign_id", Text, ForeignKey("campaigns.campaign_id"), primary_key=True),
    Column("list_id", Text, ForeignKey("lead_lists.list_id"), primary_key=True),
    Column("position", Integer, nullable=False),
)

attempts = Table(
    "attempts",
    metadata,
    Column("attempt_id", Text, primary_key=True),
    Column("campaign_id", Text, ForeignKey("campaigns.campaign_id"), nullable=False),
    Column("lead_id", Text, ForeignKey("leads.lead_id"), nullable=False),
    Column("phone", Text, nullable=False),
    Column("node", Text, nullable=False),
    Column("planned_at_s", Float, nullable=False),
    Column("state", Text, nullable=False),
    Column("outcome", Text),
    Column("agent_id", Text),
    Column("answered_at_s", Float),
    Column("ended_at_s", Float),
)
Index(
    "uq_attempts_live_lead", attempts.c.lead_id, unique=True, sqlite_where=_LIVE, postgresql_where=_LIVE
)  # at most one live attempt per lead, whatever a program thinks
Index("ix_attempts_live_node", attempts.c.node, sqlite_where=_LIVE, postgresql_where=_LIVE)
Index("ix_attempts_lead", attempts.c.lead_id, attempts.c.attempt_id)
Index("ix_attempts_page", attempts.c.campaign_id, attempts.c.attempt_id)
Index("ix_attempts_ended", attempts.c.campaign_id, attempts.c.ended_at_s, attempts.c.outcome)
Index(
    "ix_attempts_answered",
    attempts.c.campaign_id,
    attempts.c.answered_at_s,
    attempts.c.outcome,
    sqlite_where=_ANSWERED,
    postgresql_where=_ANSWERED,
)
Index("ix_attempts_phone", attempts.c.phone, attempts.c.planned_at_s)

attempt_moves = Table(
    "attempt_moves",
    metadata,
    Column("attempt_id", Text, ForeignKey("attempts.attempt_id"), primary_key=True),
    # the rank of `target`: no state is entered twice, so a repeated write of one move is the same row
    Column("step", Integer, primary_key=True, autoincrement=False),
    Column("source", Text, nullable=False),
    Column("target", Text, nullable=False),
    Column("at_s", Float, nullable=False),
    Column("outcome", Text),
    Column("detail", Text, nullable=False),
    sqlite_with_rowid=False,
)

agents = Table(
    "agents",
    metadata,
    Column("agent_id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("endpoint", Text, nullable=False),
    Column("skills", Text, nullable=False),
    Column("active", Boolean, nullable=False),
)

agent_states = Table(
    "agent_states",
    metadata,
    Column("change_id", Text, primary_key=True),
    Column("agent_id", Text, ForeignKey("agents.agent_id"), nullable=False),
    Column("session_id", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("at_s", Float, nullable=False),
)
Index("ix_agent_states_agent", agent_states.c.agent_id, agent_states.c.at_s)

dispositions = Table(
    "dispositions",
    metadata,
    Column("command_id", Text, primary_key=True),
    Column("attempt_id", Text, ForeignKey("attempts.attempt_id"), nullable=False),
    Column("lead_id", Text, ForeignKey("leads.lead_id"), nullable=False),
    Column("agent_id", Text, nullable=False),
    Column("code", Text, nullable=False),
    Column("note", Text, nullable=False),
    Column("at_s", Float, nullable=False),
    # what it does to the lead: kept, because the end of a call that is still up must not undo it
    Column("lead_state", Text, nullable=False),
    Column("lead_due_at_s", Float, nullable=False),
    Column("lead_outcome", Text),
    Column("callback_agent_id", Text),
)
Index("ix_dispositions_lead", dispositions.c.lead_id, dispositions.c.at_s)
Index("ix_dispositions_attempt", dispositions.c.attempt_id)

dnc = Table(
    "dnc",
    metadata,
    Column("phone", Text, primary_key=True),
    Column("source", Text, nullable=False),
    Column("at_s", Float, nullable=False),
)

consents = Table(
    "consents",
    metadata,
    Column("consent_id", Text, primary_key=True),
    Column("address", Text, nullable=False),
    Column("channel", Text, nullable=False),
    Column("purpose", Text, nullable=False),
    Column("given", Boolean, nullable=False),
    Column("source", Text, nullable=False),
    Column("at_s", Float, nullable=False),
)
Index("ix_consents_address", consents.c.address, consents.c.channel, consents.c.purpose, consents.c.at_s)

recordings = Table(
    "recordings",
    metadata,
    Column("recording_id", Text, primary_key=True),
    Column("attempt_id", Text, ForeignKey("attempts.attempt_id"), nullable=False),
    Column("path", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("started_at_s", Float, nullable=False),
    Column("duration_s", Float),
    Column("detail", Text, nullable=False),
)
Index("ix_recordings_attempt", recordings.c.attempt_id)
Index("ix_recordings_state", recordings.c.state, recordings.c.started_at_s)

audit = Table(
    "audit",
    metadata,
    Column("event_id", Text, primary_key=True),
    Column("at_s", Float, nullable=False),
    Column("actor", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("detail", Text, nullable=False),
)
Index("ix_audit_subject", audit.c.subject, audit.c.event_id)

calls = Table(
    "calls",
    metadata,
    Column("call_id", Text, primary_key=True),
    Column("node", Text, nullable=False),
    Column("channel_id", Text, nullable=False),
    Column("did", Text, nullable=False),
    Column("caller", Text, nullable=False),
    Column("started_at_s", Float, nullable=False),
    Column("stage", Text, nullable=False),
    Column("flow", Text, nullable=False),
    Column("flow_node", Text, nullable=False),
    Column("bookmark", Text, nullable=False),
    Column("language", Text, nullable=False),
    Column("queue", Text, nullable=False),
    Column("queue_since_s", Float),
    Column("agent_id", Text, nullable=False),
    Column("waited_s", Float, nullable=False),
    Column("talk_s", Float, nullable=False),
    Column("ended_at_s", Float),
    Column("ended_how", Text, nullable=False),
)
Index(
    "ix_calls_live", calls.c.node, sqlite_where=text("ended_at_s IS NULL"), postgresql_where=text("ended_at_s IS NULL")
)
Index("ix_calls_page", calls.c.started_at_s, calls.c.call_id)
Index("ix_calls_caller", calls.c.caller, calls.c.started_at_s)

call_steps = Table(
    "call_steps",
    metadata,
    Column("call_id", Text, ForeignKey("calls.call_id"), primary_key=True),
    Column("step", Integer, primary_key=True, autoincrement=False),
    Column("at_s", Float, nullable=False),
    Column("flow", Text, nullable=False),
    Column("node", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("branch", Text, nullable=False),
    Column("spent_s", Float, nullable=False),
    Column("caller_left", Boolean, nullable=False),
    sqlite_with_rowid=False,
)
Index("ix_call_steps_node", call_steps.c.flow, call_steps.c.node, call_steps.c.at_s)

queue_waits = Table(
    "queue_waits",
    metadata,
    Column("wait_id", Text, primary_key=True),
    Column("call_id", Text, ForeignKey("calls.call_id"), nullable=False),
    Column("queue", Text, nullable=False),
    Column("since_s", Float, nullable=False),
    Column("ended_at_s", Float, nullable=False),
    Column("ended_how", Text, nullable=False),
    Column("waited_s", Float, nullable=False),
    Column("agent_id", Text, nullable=False),
)
Index("ix_queue_waits_queue", queue_waits.c.queue, queue_waits.c.ended_at_s)
Index("ix_queue_waits_call", queue_waits.c.call_id)

talks = Table(
    "talks",
    metadata,
    Column("talk_id", Text, primary_key=True),
    Column("call_id", Text, ForeignKey("calls.call_id"), nullable=False),
    Column("queue", Text, nullable=False),
    Column("agent_id", Text, nullable=False),
    Column("began_at_s", Float, nullable=False),
    Column("ended_at_s", Float),
    Column("ended_how", Text, nullable=False),
    Column("talk_s", Float, nullable=False),
    Column("recording", Text, nullable=False),
    Column("disposition", Text, nullable=False),
    Column("note", Text, nullable=False),
)
Index("ix_talks_call", talks.c.call_id)
Index("ix_talks_agent", talks.c.agent_id, talks.c.began_at_s)

queue_callbacks = Table(
    "queue_callbacks",
    metadata,
    Column("request_id", Text, primary_key=True),
    Column("call_id", Text, nullable=False),
    Column("phone", Text, nullable=False),
    Column("queue", Text, nullable=False),
    Column("since_s", Float, nullable=False),
    Column("wanted_at_s", Float),
    Column("language", Text, nullable=False),
    Column("priority", Integer, nullable=False),
    Column("fields", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("due_at_s", Float, nullable=False),
)
Index("ix_queue_callbacks_state", queue_callbacks.c.state, queue_callbacks.c.due_at_s)

survey_answers = Table(
    "survey_answers",
    metadata,
    Column("answer_id", Text, primary_key=True),
    Column("call_id", Text, nullable=False),
    Column("flow", Text, nullable=False),
    Column("node", Text, nullable=False),
    Column("question", Text, nullable=False),
    Column("scale", Text, nullable=False),
    Column("score", Integer, nullable=False),
    Column("at_s", Float, nullable=False),
    Column("agent_id", Text, nullable=False),
    Column("language", Text, nullable=False),
)
Index("ix_survey_answers_flow", survey_answers.c.flow, survey_answers.c.question, survey_answers.c.at_s)

voice_messages = Table(
    "voice_messages",
    metadata,
    Column("message_id", Text, primary_key=True),
    Column("call_id", Text, nullable=False),
    Column("mailbox", Text, nullable=False),
    Column("caller", Text, nullable=False),
    Column("recording", Text, nullable=False),
    Column("length_s", Float, nullable=False),
    Column("at_s", Float, nullable=False),
    Column("language", Text, nullable=False),
    Column("heard", Boolean, nullable=False),
)
Index("ix_voice_messages_mailbox", voice_messages.c.mailbox, voice_messages.c.at_s)

emergency_switches = Table(
    "emergency_switches",
    metadata,
    Column("name", Text, primary_key=True),
    Column("text", Text, nullable=False),
    Column("prompt", Text, nullable=False),
    Column("since_s", Float, nullable=False),
    Column("flipped_by", Text, nullable=False),
)

identity_locks = Table(
    "identity_locks",
    metadata,
    Column("key", Text, primary_key=True),
    # moments of failures as JSON: a row each would need an index and a sweep for no gain
    Column("failures", Text, nullable=False),
    Column("until_s", Float, nullable=False),
    Column("changed_at_s", Float, nullable=False),
)
