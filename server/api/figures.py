"""How the house served: queues over time, where callers leave flows, how calls ended, who came back, surveys."""

from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, HTTPException, Query
from pydantic import BaseModel

from agents.first_contact import DAY_S, closed_window, total
from server.api.house import TheHouse
from server.house import House
from storage.calls import EndCount, QueueWait

router = APIRouter(tags=["inbound"])
Since = Annotated[float, Query(ge=0, description="Seconds since 1970, UTC; 0: the last day.")]


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


class LineContacts(BaseModel):
    """First contacts of one line. resolution: None when there are none.

    anonymous: served callers without a number: nobody can tell whether they called again, so they are left out.
    """

    line: str
    contacts: int
    came_back: int
    anonymous: int
    resolution: float | None


class FirstContactView(BaseModel):
    """First-contact resolution: callers who were served and did not call the same line again within so many days.

    since_s, until_s: the period that was counted. It ends `within_days` ago: callers of later may still come back.
    """

    contacts: int
    came_back: int
    anonymous: int
    resolution: float | None
    within_days: float
    since_s: float
    until_s: float
    lines: list[LineContacts]


def since(house: House, since_s: float) -> float:
    """A beginning that was given, else a day ago."""
    return since_s or house.clock.now_s() - DAY_S


@router.get("/queues/{queue_id}/history")
async def history(queue_id: str, house: TheHouse, since_s: Since = 0.0, until_s: float = 0.0) -> QueueHistory:
    """Service level, ASA and abandonment of a stretch of time."""
    queue = house.inbound.hall.queues.get(queue_id)
    if queue is None:
        raise HTTPException(404, f"there is no queue {queue_id}")
    until_s = until_s or house.clock.now_s()
    waits = await house.stores.calls.waits(since(house, since_s), until_s, queue_id)
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


@router.get("/inbound/funnel")
async def funnel(house: TheHouse, since_s: Since = 0.0, until_s: float = 0.0) -> list[NodeView]:
    """Where callers leave: containment node by node."""
    counts = await house.stores.calls.nodes(since(house, since_s), until_s or house.clock.now_s())
    return [NodeView(**asdict(each), left_share=each.left / each.entered) for each in counts]


@router.get("/inbound/ends")
async def ends(house: TheHouse, since_s: Since = 0.0, until_s: float = 0.0) -> list[FlowEnds]:
    """Containment of each flow, and every other way its calls ended."""
    flows: dict[str, list[EndCount]] = {}
    for each in await house.stores.calls.ends(since(house, since_s), until_s or house.clock.now_s()):
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
    since_s: Annotated[float, Query(ge=0, description="Seconds since 1970; 0: 30 days before the end.")] = 0.0,
    until_s: float = 0.0,
    within_days: Annotated[float, Query(ge=0, le=90, description="0: as the settings say.")] = 0.0,
) -> FirstContactView:
    """First-contact resolution, by who called the same line again (`agents.first_contact`)."""
    days = within_days or house.settings.inbound.first_contact_days
    since_s, until_s = closed_window(house.clock.now_s(), days * DAY_S, since_s, until_s)
    found = await house.stores.calls.first_contacts(since_s, until_s, days * DAY_S)
    lines = [LineContacts(**asdict(each), resolution=each.resolution) for each in found]
    every = total(found)
    return FirstContactView(
        contacts=every.contacts,
        came_back=every.came_back,
        anonymous=every.anonymous,
        resolution=every.resolution,
        within_days=days,
        since_s=since_s,
        until_s=until_s,
        lines=lines,
    )


@router.get("/inbound/survey")
async def survey(house: TheHouse, since_s: Since = 0.0, until_s: float = 0.0) -> list[SurveyView]:
    """What callers answered."""
    questions: dict[tuple[str, str, str], dict[int, int]] = {}
    for each in await house.stores.promises.survey(since(house, since_s), until_s or house.clock.now_s()):
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
