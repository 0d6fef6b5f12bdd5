"""Where recordings are, and the audit trail, over SQL."""

from __future__ import annotations

from typing import Any

import orjson
from sqlalchemy import bindparam, select

from storage.port import AuditEvent, RecordingState, StoredRecording
from storage.sql.database import Database
from storage.sql.schema import audit, recordings
from storage.sql.statement import InsertIgnore, Row, Statement, Upsert

_FIELDS = tuple(StoredRecording.__dataclass_fields__)
_COLUMNS = [recordings.c[name] for name in _FIELDS]
_PUT = Upsert(recordings, keep=("attempt_id", "started_at_s"))
_OF_ATTEMPT = Statement(
    select(*_COLUMNS)
    .where(recordings.c.attempt_id == bindparam("attempt_id"))
    .order_by(recordings.c.started_at_s, recordings.c.recording_id)
)
_IN_STATE = Statement(
    select(*_COLUMNS)
    .where(recordings.c.state == bindparam("state"), recordings.c.recording_id > bindparam("after"))
    .order_by(recordings.c.recording_id)
    .limit(bindparam("limit"))
)
_EVENT_FIELDS = tuple(AuditEvent.__dataclass_fields__)
EVENT = InsertIgnore(audit)
_OF_SUBJECT = Statement(
    select(*(audit.c[name] for name in _EVENT_FIELDS))
    .where(audit.c.subject == bindparam("subject"), audit.c.event_id > bindparam("after"))
    .order_by(audit.c.event_id)
    .limit(bindparam("limit"))
)


class SqlRecordingStore:
    """`storage.port.RecordingStore` over SQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def put(self, recording: StoredRecording) -> None:
        """Add a recording or change its state, duration and detail."""
        row = {name: getattr(recording, name) for name in _FIELDS} | {"state": recording.state.value}
        await self._database.write(lambda tx: tx.run(_PUT, row))

    async def of_attempt(self, attempt_id: str) -> list[StoredRecording]:
        """Recordings of one attempt, oldest first."""
        rows = await self._database.read(lambda tx: tx.all(_OF_ATTEMPT, {"attempt_id": attempt_id}))
        return [_recording_of(row) for row in rows]

    async def in_state(self, state: RecordingState, limit: int = 100, after: str = "") -> list[StoredRecording]:
        """A page of recordings in a state, by id."""
        wanted = {"state": state.value, "limit": limit, "after": after}
        return [_recording_of(row) for row in await self._database.read(lambda tx: tx.all(_IN_STATE, wanted))]


def row_of_event(event: AuditEvent) -> dict[str, Any]:
    """An event as a row of the audit log."""
    row = {name: getattr(event, name) for name in _EVENT_FIELDS}
    return row | {"detail": orjson.dumps(event.detail).decode()}


class SqlAuditLog:
    """`storage.port.AuditLog` over SQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def record(self, event: AuditEvent) -> None:
        """Commit an event."""
        await self._database.write(lambda tx: tx.run(EVENT, row_of_event(event)))

    async def of_subject(self, subject: str, limit: int = 100, after: str = "") -> list[AuditEvent]:
        """A page of a subject's events, by id."""
        wanted = {"subject": subject, "limit": limit, "after": after}
        rows = await self._database.read(lambda tx: tx.all(_OF_SUBJECT, wanted))
        return [_event_of(row) for row in rows]


def _recording_of(row: Row) -> StoredRecording:
    values = [*row]
    values[4] = RecordingState(values[4])
    return StoredRecording(*values)


def _event_of(row: Row) -> AuditEvent:
    values = [*row]
    values[5] = orjson.loads(values[5])
    return AuditEvent(*values)
