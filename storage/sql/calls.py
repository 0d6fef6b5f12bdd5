"""Calls from outside, over SQL."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson
from sqlalchemy import Integer, Table, bindparam, case, cast, exists, func, select, update

from agents.first_contact import FirstContacts
from storage.calls import (
    CallbackState,
    CallStage,
    CallStep,
    EndCount,
    NodeCount,
    QueueCallback,
    QueueWait,
    StoredAnswer,
    StoredCall,
    StoredMessage,
    SurveyCount,
    Talk,
)
from storage.sql.database import Database
from storage.sql.schema import (
    call_steps,
    calls,
    queue_callbacks,
    queue_waits,
    survey_answers,
    talks,
    voice_messages,
)
from storage.sql.statement import InsertIgnore, Row, Statement, Upsert


def _columns(table: Table, kind: type[Any]) -> Sequence[Any]:
    return [table.c[name] for name in kind.__dataclass_fields__]


def _row(fact: Any) -> dict[str, Any]:
    return {name: getattr(fact, name) for name in fact.__dataclass_fields__}


_CALL = select(*_columns(calls, StoredCall))
_PUT = Upsert(calls)
_GET = Statement(_CALL.where(calls.c.call_id == bindparam("call_id")))
_LIVE = Statement(
    _CALL.where(calls.c.node == bindparam("node"), calls.c.ended_at_s.is_(None)).order_by(calls.c.call_id)
)
_PAGE = Statement(
    _CALL.where(calls.c.started_at_s >= bindparam("since_s"), calls.c.call_id > bindparam("after"))
    .order_by(calls.c.call_id)
    .limit(bindparam("limit"))
)
_OF_CALLER = Statement(
    _CALL.where(calls.c.caller == bindparam("caller")).order_by(calls.c.started_at_s.desc()).limit(bindparam("limit"))
)
_STEP = Upsert(call_steps)
_STEPS = Statement(
    select(*_columns(call_steps, CallStep))
    .where(call_steps.c.call_id == bindparam("call_id"))
    .order_by(call_steps.c.step)
)
_WAITED = InsertIgnore(queue_waits)
_WAIT = select(*_columns(queue_waits, QueueWait))
_IN_TIME = (queue_waits.c.ended_at_s >= bindparam("since_s"), queue_waits.c.ended_at_s < bindparam("until_s"))
_WAITS = Statement(_WAIT.where(*_IN_TIME).order_by(queue_waits.c.ended_at_s))
_QUEUE_WAITS = Statement(
    _WAIT.where(*_IN_TIME, queue_waits.c.queue == bindparam("queue")).order_by(queue_waits.c.ended_at_s)
)
_PUT_TALK = Upsert(talks, keep=("disposition", "note", "began_at_s"))
_TALK = select(*_columns(talks, Talk))
_ONE_TALK = Statement(_TALK.where(talks.c.talk_id == bindparam("talk_id")))
_TALKS = Statement(_TALK.where(talks.c.call_id == bindparam("call_id")).order_by(talks.c.began_at_s))
_DISPOSE = Statement(
    update(talks)
    .where(
        talks.c.talk_id == bindparam("the_talk"),
        (talks.c.disposition != bindparam("code")) | (talks.c.note != bindparam("said")),
    )
    .values(disposition=bindparam("code"), note=bindparam("said"))
)
_NODES = Statement(
    select(
        call_steps.c.flow,
        call_steps.c.node,
        call_steps.c.kind,
        func.count(),
        func.sum(case((call_steps.c.caller_left, 1), else_=0)),
        func.avg(call_steps.c.spent_s),
    )
    .where(call_steps.c.at_s >= bindparam("since_s"), call_steps.c.at_s < bindparam("until_s"))
    .group_by(call_steps.c.flow, call_steps.c.node, call_steps.c.kind)
    .order_by(call_steps.c.flow, func.min(call_steps.c.step), call_steps.c.node)
)

# A promised call that we place has no number that was called: it is nobody's contact.
_FROM_OUTSIDE = (
    calls.c.did != "",
    calls.c.started_at_s >= bindparam("since_s"),
    calls.c.started_at_s < bindparam("until_s"),
)
_TALKED = case((calls.c.talk_s > 0, 1), else_=0)
_ENDS = Statement(
    select(calls.c.flow, calls.c.ended_how, _TALKED, func.count())
    .where(*_FROM_OUTSIDE, calls.c.ended_at_s.is_not(None))
    .group_by(calls.c.flow, calls.c.ended_how, _TALKED)
    .order_by(calls.c.flow, calls.c.ended_how, _TALKED)
)
# First contacts, as `agents.first_contact` defines them. Ends in the menu's good-bye: contained; "talked" without an
# agent's seconds: with somebody outside.
_OTHER = calls.alias("other")


def _served(table: Any) -> Any:
    helped = (table.c.talk_s > 0) | (table.c.ended_how == "goodbye") | (table.c.ended_how == "talked")
    return table.c.ended_at_s.is_not(None) & helped


_SAME = (_OTHER.c.caller == calls.c.caller, _OTHER.c.did == calls.c.did)
_SERVED_BEFORE = exists().where(
    *_SAME,
    _served(_OTHER),
    _OTHER.c.started_at_s < calls.c.started_at_s,
    _OTHER.c.started_at_s > calls.c.started_at_s - bindparam("within_s"),
)
_AGAIN = exists().where(
    *_SAME,
    _OTHER.c.started_at_s >= calls.c.ended_at_s,
    _OTHER.c.started_at_s > calls.c.started_at_s,
    _OTHER.c.started_at_s < calls.c.started_at_s + bindparam("within_s"),
)
_KNOWN = calls.c.caller != ""
_FIRST_CONTACTS = Statement(
    select(
        calls.c.did,
        func.sum(case((_KNOWN, 1), else_=0)),
        func.sum(case((_KNOWN & _AGAIN, 1), else_=0)),
        func.sum(case((_KNOWN, 0), else_=1)),
    )
    .where(*_FROM_OUTSIDE, _served(calls), ~_KNOWN | ~_SERVED_BEFORE)
    .group_by(calls.c.did)
    .order_by(calls.c.did)
)


class SqlCallStore:
    """`storage.calls.CallStore` over SQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def put(self, call: StoredCall) -> None:
        """Add a call or change it."""
        row = _row(call) | {"stage": call.stage.value}
        await self._database.write(lambda tx: tx.run(_PUT, row), urgent=True)  # somebody is on the line

    async def get(self, call_id: str) -> StoredCall | None:
        """One call."""
        row = await self._database.read(lambda tx: tx.one(_GET, {"call_id": call_id}))
        return _call_of(row) if row else None

    async def live(self, node: str) -> Sequence[StoredCall]:
        """Calls of this node that have not ended."""
        return [_call_of(row) for row in await self._database.read(lambda tx: tx.all(_LIVE, {"node": node}))]

    async def list(self, since_s: float, limit: int = 100, after: str = "") -> Sequence[StoredCall]:
        """A page of the calls that began since then, by id."""
        wanted = {"since_s": since_s, "limit": limit, "after": after}
        return [_call_of(row) for row in await self._database.read(lambda tx: tx.all(_PAGE, wanted))]

    async def of_caller(self, caller: str, limit: int = 20) -> Sequence[StoredCall]:
        """The latest calls of a number, newest first."""
        wanted = {"caller": caller, "limit": limit}
        return [_call_of(row) for row in await self._database.read(lambda tx: tx.all(_OF_CALLER, wanted))]

    async def step(self, step: CallStep) -> None:
        """Add a node of a call's way, or how it was left."""
        await self._database.write(lambda tx: tx.run(_STEP, _row(step)))

    async def steps(self, call_id: str) -> Sequence[CallStep]:
        """A call's way."""
        rows = await self._database.read(lambda tx: tx.all(_STEPS, {"call_id": call_id}))
        return [_step_of(row) for row in rows]

    async def waited(self, wait: QueueWait) -> None:
        """A wait is over."""
        await self._database.write(lambda tx: tx.run(_WAITED, _row(wait)))

    async def waits(self, since_s: float, until_s: float, queue: str = "") -> Sequence[QueueWait]:
        """Waits that ended in [since_s, until_s)."""
        wanted: dict[str, Any] = {"since_s": since_s, "until_s": until_s}
        if queue:
            rows = await self._database.read(lambda tx: tx.all(_QUEUE_WAITS, wanted | {"queue": queue}))
        else:
            rows = await self._database.read(lambda tx: tx.all(_WAITS, wanted))
        return [QueueWait(*row) for row in rows]

    async def put_talk(self, talk: Talk) -> None:
        """A talk began or ended."""
        await self._database.write(lambda tx: tx.run(_PUT_TALK, _row(talk)))

    async def dispose(self, talk_id: str, code: str, note: str) -> bool:
        """The agent's word on a talk."""
        said = {"the_talk": talk_id, "code": code, "said": note}
        return bool(await self._database.write(lambda tx: tx.run(_DISPOSE, said)))

    async def talk(self, talk_id: str) -> Talk | None:
        """One talk."""
        row = await self._database.read(lambda tx: tx.one(_ONE_TALK, {"talk_id": talk_id}))
        return Talk(*row) if row else None

    async def talks(self, call_id: str) -> Sequence[Talk]:
        """A call's talks, oldest first."""
        return [Talk(*row) for row in await self._database.read(lambda tx: tx.all(_TALKS, {"call_id": call_id}))]

    async def nodes(self, since_s: float, until_s: float) -> Sequence[NodeCount]:
        """The funnel."""
        wanted = {"since_s": since_s, "until_s": until_s}
        rows = await self._database.read(lambda tx: tx.all(_NODES, wanted))
        return [_node_of(row) for row in rows]

    async def ends(self, since_s: float, until_s: float) -> Sequence[EndCount]:
        """How calls from outside ended."""
        wanted = {"since_s": since_s, "until_s": until_s}
        rows = await self._database.read(lambda tx: tx.all(_ENDS, wanted))
        return [EndCount(row[0], row[1], bool(row[2]), int(row[3])) for row in rows]

    async def first_contacts(self, since_s: float, until_s: float, within_s: float) -> Sequence[FirstContacts]:
        """Served callers who had not been served for a while, and those who called again."""
        wanted = {"since_s": since_s, "until_s": until_s, "within_s": within_s}
        rows = await self._database.read(lambda tx: tx.all(_FIRST_CONTACTS, wanted))
        return [FirstContacts(row[0], int(row[1]), int(row[2]), int(row[3])) for row in rows]


_ADD_CALLBACK, _PUT_CALLBACK = InsertIgnore(queue_callbacks), Upsert(queue_callbacks)
_CALLBACKS = Statement(
    select(*_columns(queue_callbacks, QueueCallback))
    .where(queue_callbacks.c.state == bindparam("state"))
    .order_by(queue_callbacks.c.due_at_s, queue_callbacks.c.since_s)
    .limit(bindparam("limit"))
)
_ADD_ANSWER, _ADD_MESSAGE = InsertIgnore(survey_answers), InsertIgnore(voice_messages)
_SURVEY = Statement(
    select(
        survey_answers.c.flow,
        survey_answers.c.question,
        survey_answers.c.scale,
        survey_answers.c.score,
        cast(func.count(), Integer),
    )
    .where(survey_answers.c.at_s >= bindparam("since_s"), survey_answers.c.at_s < bindparam("until_s"))
    .group_by(survey_answers.c.flow, survey_answers.c.question, survey_answers.c.scale, survey_answers.c.score)
    .order_by(survey_answers.c.flow, survey_answers.c.question, survey_answers.c.score)
)
_MESSAGES = Statement(
    select(*_columns(voice_messages, StoredMessage))
    .where(voice_messages.c.mailbox == bindparam("mailbox"))
    .order_by(voice_messages.c.at_s.desc())
    .limit(bindparam("limit"))
)


class SqlPromiseStore:
    """`storage.calls.PromiseStore` over SQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add_callback(self, callback: QueueCallback) -> bool:
        """Keep a promise; False when it was kept before."""
        return bool(await self._database.write(lambda tx: tx.run(_ADD_CALLBACK, _callback_row(callback))))

    async def put_callback(self, callback: QueueCallback) -> None:
        """Change a promise."""
        await self._database.write(lambda tx: tx.run(_PUT_CALLBACK, _callback_row(callback)))

    async def callbacks(self, state: CallbackState, limit: int = 1000) -> Sequence[QueueCallback]:
        """Promises in a state, the one due soonest first."""
        wanted = {"state": state.value, "limit": limit}
        return [_callback_of(row) for row in await self._database.read(lambda tx: tx.all(_CALLBACKS, wanted))]

    async def add_answer(self, answer: StoredAnswer) -> None:
        """Keep a survey answer."""
        await self._database.write(lambda tx: tx.run(_ADD_ANSWER, _row(answer)))

    async def survey(self, since_s: float, until_s: float) -> Sequence[SurveyCount]:
        """Answers, counted."""
        wanted = {"since_s": since_s, "until_s": until_s}
        return [SurveyCount(*row) for row in await self._database.read(lambda tx: tx.all(_SURVEY, wanted))]

    async def add_message(self, message: StoredMessage) -> None:
        """Keep a mailbox message."""
        await self._database.write(lambda tx: tx.run(_ADD_MESSAGE, _row(message)))

    async def messages(self, mailbox: str, limit: int = 100) -> Sequence[StoredMessage]:
        """A mailbox, newest first."""
        wanted = {"mailbox": mailbox, "limit": limit}
        rows = await self._database.read(lambda tx: tx.all(_MESSAGES, wanted))
        return [_message_of(row) for row in rows]


def _call_of(row: Row) -> StoredCall:
    values = list(row)
    values[6] = CallStage(values[6])
    return StoredCall(*values)


def _callback_row(callback: QueueCallback) -> dict[str, Any]:
    return _row(callback) | {"state": callback.state.value, "fields": orjson.dumps(dict(callback.fields)).decode()}


def _callback_of(row: Row) -> QueueCallback:
    values = list(row)
    values[8], values[9] = orjson.loads(values[8]), CallbackState(values[9])
    return QueueCallback(*values)


def _step_of(row: Row) -> CallStep:
    values = list(row)
    values[8] = bool(values[8])
    return CallStep(*values)


def _node_of(row: Row) -> NodeCount:
    flow, node, kind, entered, left, mean_s = row
    return NodeCount(flow, node, kind, entered, int(left or 0), float(mean_s or 0.0))


def _message_of(row: Row) -> StoredMessage:
    values = list(row)
    values[8] = bool(values[8])
    return StoredMessage(*values)
