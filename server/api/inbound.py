"""Calls from outside: queues now, calls and their way, promised calls, what agents do."""

from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, HTTPException, Query
from pydantic import BaseModel, Field

from campaigns.phone import mask
from dialer.inbound.orders import Act, Target, TargetOf
from server.api.figures import Since, since
from server.api.house import TheHouse
from storage.calls import CallbackState, StoredCall

router = APIRouter(tags=["inbound"])


class QueueView(BaseModel):
    """One queue. Figures are of the last half hour; shares and times are None when nobody counts.

    service_level: answered in time / (answered + abandoned, without those who left at once). waits now: waiting,
    longest_s. agents: at work for this queue. pace_s: measured seconds per place.
    """

    queue_id: str
    name: str
    agents: int
    open: bool
    waiting: int
    longest_s: float
    callbacks_waiting: int
    answered: int
    abandoned: int
    overflowed: int
    service_level: float | None
    service_level_target: float
    abandonment: float | None
    asa_s: float | None
    pace_s: float | None


class CallView(BaseModel):
    """One call from outside. caller is masked; times are seconds since 1970, UTC."""

    call_id: str
    did: str
    caller: str
    stage: str
    flow: str
    flow_node: str
    language: str
    queue: str
    agent_id: str
    started_at_s: float
    ended_at_s: float | None
    ended_how: str
    waited_s: float
    talk_s: float


class StepView(BaseModel):
    """One node of a caller's way."""

    step: int
    at_s: float
    flow: str
    node: str
    kind: str
    branch: str
    spent_s: float
    caller_left: bool


class TalkView(BaseModel):
    """One agent's talk."""

    talk_id: str
    queue: str
    agent_id: str
    began_at_s: float
    ended_how: str
    talk_s: float
    recording: str
    disposition: str


class CallDetail(CallView):
    """A call with its way and its talks."""

    steps: list[StepView]
    talks: list[TalkView]


class ScreenView(BaseModel):
    """What an agent's screen shows of the caller it talks with; call_id None: it talks to nobody who called in."""

    call_id: str | None
    talk_id: str = ""
    caller: str = ""
    did: str = ""
    queue: str = ""
    language: str = ""
    waited_s: float = 0.0
    screen: dict[str, str] = Field(default_factory=dict)
    earlier_calls: int = 0
    dispositions: list[str] = Field(default_factory=list)


class ActBody(BaseModel):
    """What an agent does with its caller. target: for transfer and consult."""

    act: Act
    kind: TargetOf | None = None
    name: str = ""


class TalkDisposition(BaseModel):
    """What came of a talk."""

    talk_id: str
    code: str
    note: Annotated[str, Field(max_length=2000)] = ""


class CallbackView(BaseModel):
    """A promised call. phone is masked."""

    request_id: str
    queue: str
    phone: str
    state: str
    attempts: int
    since_s: float
    wanted_at_s: float | None
    due_at_s: float


class Done(BaseModel):
    """Whether it was done now."""

    done: bool


@router.get("/queues")
async def queues(house: TheHouse) -> list[QueueView]:
    """Every queue now."""
    hall, now_s = house.inbound.hall, house.clock.monotonic_s()
    views = []
    for queue_id, queue in hall.queues.items():
        figures = asdict(queue.figures(now_s))
        views.append(
            QueueView(
                queue_id=queue_id,
                name=queue.settings.name,
                agents=hall.staffed(queue_id),
                open=queue.settings.is_open(house.clock.now_s()),
                service_level_target=queue.settings.service_level_target,
                **{name: figures[name] for name in QueueView.model_fields if name in figures},
            )
        )
    return views


@router.get("/inbound/calls")
async def calls(
    house: TheHouse, since_s: Since = 0.0, limit: Annotated[int, Query(ge=1, le=1000)] = 100, after: str = ""
) -> list[CallView]:
    """A page of calls by id, which sorts by time."""
    return [_call(call) for call in await house.stores.calls.list(since(house, since_s), limit, after)]


@router.get("/inbound/calls/{call_id}")
async def call(call_id: str, house: TheHouse) -> CallDetail:
    """One call with its way through the flow and its talks."""
    stored = await house.stores.calls.get(call_id)
    if stored is None:
        raise HTTPException(404, f"there is no call {call_id}")
    steps = [asdict(step) for step in await house.stores.calls.steps(call_id)]
    talks = [asdict(talk) for talk in await house.stores.calls.talks(call_id)]
    return CallDetail(**_call(stored).model_dump(), steps=steps, talks=talks)


def _call(call: StoredCall) -> CallView:
    values = {name: getattr(call, name) for name in CallView.model_fields}
    return CallView(**values | {"caller": mask(call.caller) if call.caller else "", "stage": call.stage.value})


@router.get("/inbound/callbacks")
async def callbacks(house: TheHouse, state: CallbackState = CallbackState.PENDING) -> list[CallbackView]:
    """Promised calls."""
    return [
        CallbackView(
            **{name: getattr(each, name) for name in CallbackView.model_fields if name not in ("phone", "state")},
            phone=mask(each.phone),
            state=each.state.value,
        )
        for each in await house.stores.promises.callbacks(state)
    ]


@router.get("/agents/{agent_id}/caller")
async def screen(agent_id: str, house: TheHouse) -> ScreenView:
    """The screen pop of the caller an agent talks with. The number is not masked: the agent needs it."""
    found = house.inbound.reception.call_of(agent_id)
    if found is None:
        return ScreenView(call_id=None)
    stored = found.journal.call
    seat = house.desk.pool.seat(agent_id)
    settings = house.inbound.hall.settings.get(stored.queue)
    earlier = await house.stores.calls.of_caller(stored.caller) if stored.caller else []
    return ScreenView(
        call_id=stored.call_id,
        talk_id=seat.call_id,
        caller=stored.caller,
        did=stored.did,
        queue=stored.queue,
        language=stored.language,
        waited_s=stored.waited_s,
        screen={name: str(value) for name, value in found.screen.items()},
        earlier_calls=len(earlier) - 1 if earlier else 0,
        dispositions=list(settings.dispositions) if settings else [],
    )


@router.post("/agents/{agent_id}/caller")
async def act(agent_id: str, body: ActBody, house: TheHouse) -> Done:
    """Hold, resume, transfer, consult, conference, complete, back, survey."""
    target = Target(body.kind, body.name) if body.kind else None
    if body.act in (Act.TRANSFER, Act.CONSULT) and target is None:
        raise HTTPException(422, f"{body.act} needs kind (agent, queue or number) and name")
    await house.inbound.reception.order(agent_id, body.act, target)
    return Done(done=True)


@router.post("/agents/{agent_id}/talk-disposition")
async def disposition(agent_id: str, body: TalkDisposition, house: TheHouse) -> Done:
    """Say what came of a talk; wrap-up ends with it."""
    talk = await house.stores.calls.talk(body.talk_id)
    if talk is None or talk.agent_id != agent_id:
        raise HTTPException(404, f"agent {agent_id} had no talk {body.talk_id}")
    settings = house.inbound.hall.settings.get(talk.queue)
    if settings and body.code not in settings.dispositions:
        raise HTTPException(422, f"queue {talk.queue} has no disposition {body.code!r}; it has {settings.dispositions}")
    done = await house.stores.calls.dispose(body.talk_id, body.code, body.note)
    house.desk.finish_wrap_up(agent_id)
    return Done(done=done)
