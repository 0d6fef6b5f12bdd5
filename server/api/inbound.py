"""Calls from outside: queues now and over time, calls and their way, the funnel of flows, surveys, what agents do."""

from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, HTTPException, Query
from pydantic import BaseModel, Field

from campaigns.phone import mask
from dialer.inbound.orders import Act, Target, TargetOf
from server.api.house import TheHouse
from server.house import House
from storage.calls import CallbackState, EndCount, QueueWait, StoredCall

router = APIRouter(tags=["inbound"])
Since = Annotated[float, Query(ge=0, description="Seconds since 1970, UTC; 0: the last day.")]
_DAY_S = 86_400.0


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


class QueueHistory(BaseModel):
    """How a queue served in a stretch of time, from what is written down."""

    queue_id: str
    offered: int
    answered: int
    answered_in_time: int
    abandoned: int
    abandoned_at_once: int
    overflowed: int
    chose_out: int
    service_level: float | None
    abandonment: float | None
    asa_s: float | None
    longest_wait_s: float


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


class NodeView(BaseModel):
    """A node of the funnel: how many came, how many hung up there, how long it takes."""

    flow: str
    node: str
    kind: str
    entered: int
    left: int
    left_share: float
    mean_s: float


class SurveyView(BaseModel):
    """One question. csat: share of 4 and 5; nps: promoters (9-10) minus detractors (0-6), in points."""

    flow: str
    question: str
    scale: str
    answers: int
    mean: float
    scores: dict[int, int]
    csat: float | None = None
    nps: float | None = None


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


class FlowEnds(BaseModel):
    """How the calls of one flow ended ("": lines without a flow), of those that are over.

    contained: the menu alone served the caller to its good-bye. to_people: an agent or somebody outside talked.
    promised: a callback or a message. left: hung up in the menu or in a queue. ended: every way, with its count.
    """

    flow: str
    calls: int
    contained: int
    containment: float
    to_people: int
    promised: int
    left: int
    ended: dict[str, int]


class FirstContactView(BaseModel):
    """First-contact resolution: callers who were served and did not call again within `within_h` hours.

    contacts: served callers of the period who had not called in the hours before it; the latest `within_h` hours are
    left out, because their callers may still come back. resolution: None when nobody counts.
    """

    contacts: int
    came_back: int
    resolution: float | None
    within_h: float


class Done(BaseModel):
    """Whether it was done now."""

    done: bool


def _since(house: House, since_s: float) -> float:
    return since_s or house.clock.now_s() - _DAY_S


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


@router.get("/queues/{queue_id}/history")
async def history(queue_id: str, house: TheHouse, since_s: Since = 0.0, until_s: float = 0.0) -> QueueHistory:
    """Service level, ASA and abandonment of a stretch of time."""
    queue = house.inbound.hall.queues.get(queue_id)
    if queue is None:
        raise HTTPException(404, f"there is no queue {queue_id}")
    until_s = until_s or house.clock.now_s()
    waits = await house.stores.calls.waits(_since(house, since_s), until_s, queue_id)
    return _history(queue_id, list(waits), queue.settings.service_level_s, queue.settings.short_abandon_s)


def _history(queue_id: str, waits: list[QueueWait], in_time_s: float, short_s: float) -> QueueHistory:
    answered = [wait.waited_s for wait in waits if wait.ended_how == "answered"]
    gone = [wait.waited_s for wait in waits if wait.ended_how == "abandoned"]
    at_once = sum(waited_s < short_s for waited_s in gone)
    counted = len(answered) + len(gone) - at_once
    in_time = sum(waited_s <= in_time_s for waited_s in answered)
    return QueueHistory(
        queue_id=queue_id,
        offered=len(waits),
        answered=len(answered),
        answered_in_time=in_time,
        abandoned=len(gone),
        abandoned_at_once=at_once,
        overflowed=sum(wait.ended_how == "overflowed" for wait in waits),
        chose_out=sum(wait.ended_how == "chose_out" for wait in waits),
        service_level=in_time / counted if counted else None,
        abandonment=(len(gone) - at_once) / counted if counted else None,
        asa_s=sum(answered) / len(answered) if answered else None,
        longest_wait_s=max((wait.waited_s for wait in waits), default=0.0),
    )


@router.get("/inbound/calls")
async def calls(
    house: TheHouse, since_s: Since = 0.0, limit: Annotated[int, Query(ge=1, le=1000)] = 100, after: str = ""
) -> list[CallView]:
    """A page of calls by id, which sorts by time."""
    return [_call(call) for call in await house.stores.calls.list(_since(house, since_s), limit, after)]


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


@router.get("/inbound/funnel")
async def funnel(house: TheHouse, since_s: Since = 0.0, until_s: float = 0.0) -> list[NodeView]:
    """Where callers leave: containment node by node."""
    counts = await house.stores.calls.nodes(_since(house, since_s), until_s or house.clock.now_s())
    return [NodeView(**asdict(each), left_share=each.left / each.entered) for each in counts]


@router.get("/inbound/ends")
async def ends(house: TheHouse, since_s: Since = 0.0, until_s: float = 0.0) -> list[FlowEnds]:
    """Containment of each flow, and every other way its calls ended."""
    flows: dict[str, list[EndCount]] = {}
    for each in await house.stores.calls.ends(_since(house, since_s), until_s or house.clock.now_s()):
        flows.setdefault(each.flow, []).append(each)
    return [_ends(flow, counts) for flow, counts in flows.items()]


def _ends(flow: str, counts: list[EndCount]) -> FlowEnds:
    total = sum(each.count for each in counts)
    alone = [each for each in counts if not each.talked]
    ended: dict[str, int] = {}
    for each in counts:
        ended[each.ended_how] = ended.get(each.ended_how, 0) + each.count
    contained = sum(each.count for each in alone if each.ended_how == "goodbye")
    return FlowEnds(
        flow=flow,
        calls=total,
        contained=contained,
        containment=contained / total,
        to_people=sum(each.count for each in counts if each.talked),
        promised=sum(each.count for each in alone if each.ended_how in ("callback", "message")),
        left=sum(each.count for each in alone if each.ended_how in ("caller_left", "abandoned in queue")),
        ended=ended,
    )


@router.get("/inbound/first-contact")
async def first_contact(
    house: TheHouse,
    since_s: Since = 0.0,
    until_s: float = 0.0,
    within_h: Annotated[float, Query(gt=0, le=2160)] = 168.0,
) -> FirstContactView:
    """First-contact resolution, by who called again; since_s 0: the 30 days before the last within_h hours."""
    within_s = within_h * 3600.0
    until_s = min(until_s or house.clock.now_s(), house.clock.now_s() - within_s)
    found = await house.stores.calls.first_contacts(since_s or until_s - 30 * _DAY_S, until_s, within_s)
    resolution = 1 - found.came_back / found.contacts if found.contacts else None
    return FirstContactView(
        contacts=found.contacts, came_back=found.came_back, resolution=resolution, within_h=within_h
    )


@router.get("/inbound/survey")
async def survey(house: TheHouse, since_s: Since = 0.0, until_s: float = 0.0) -> list[SurveyView]:
    """What callers answered."""
    questions: dict[tuple[str, str, str], dict[int, int]] = {}
    for each in await house.stores.promises.survey(_since(house, since_s), until_s or house.clock.now_s()):
        questions.setdefault((each.flow, each.question, each.scale), {})[each.score] = each.count
    return [_question(*key, scores) for key, scores in questions.items()]


def _question(flow: str, question: str, scale: str, scores: dict[int, int]) -> SurveyView:
    count = sum(scores.values())
    view = SurveyView(
        flow=flow,
        question=question,
        scale=scale,
        answers=count,
        mean=sum(score * times for score, times in scores.items()) / count,
        scores=scores,
    )
    if scale == "csat":
        view.csat = sum(times for score, times in scores.items() if score >= 4) / count
    if scale == "nps":
        promoters = sum(times for score, times in scores.items() if score >= 9)
        view.nps = 100.0 * (promoters - sum(times for score, times in scores.items() if score <= 6)) / count
    return view


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
