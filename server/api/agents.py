"""Agents: sign in, be ready, pause, hang up, say what came of a call, place one."""

from typing import Annotated

from fastapi import APIRouter, Body, HTTPException, Path
from pydantic import BaseModel, Field

from agents.agent import Seat
from campaigns.phone import PhoneError, parse_phone
from dialer.wrap_up import Said
from server.api.house import TheHouse
from server.house import House
from storage.port import StoredAgent

router = APIRouter(prefix="/agents", tags=["agents"])
AgentId = Annotated[str, Path(pattern=r"^[A-Za-z0-9._-]{1,40}$")]


class AgentView(BaseModel):
    """One agent. state: signed_out when not here; audio: the standing leg is up; attempt_id: the call it is in.

    probably: what the far end is taken for by now, when AMD doubts that it is a person ("machine", "beep"); else "".
    """

    agent_id: str
    name: str
    endpoint: str
    state: str
    audio: bool
    audio_trouble: str
    attempt_id: str
    reason: str
    probably: str = ""


class AgentBody(BaseModel):
    """What an agent is. endpoint: dial string of its phone, such as PJSIP/ana."""

    name: str = ""
    endpoint: str
    skills: dict[str, int] = Field(default_factory=dict)


class DispositionBody(BaseModel):
    """What came of a conversation. command_id: made by the client; a repeat of it changes nothing."""

    command_id: str = Field(min_length=8, max_length=80)
    attempt_id: str
    code: str
    note: str = ""
    callback_at_s: float | None = None
    mine: bool = False


class PlaceBody(BaseModel):
    """A call that the agent places itself (manual and preview)."""

    campaign_id: str
    lead_id: str


class DialBody(BaseModel):
    """A number that the agent dials (manual). phone: as people write it."""

    campaign_id: str
    phone: str
    region: str = "ES"


class OfferView(BaseModel):
    """The lead that an agent looks at before it says go; lead_id None: nobody is due."""

    lead_id: str | None
    name: str = ""
    phone: str = ""
    fields: dict[str, str] = Field(default_factory=dict)


class Done(BaseModel):
    """done: at once; False: after the present call, or it was done before."""

    done: bool


def _view(house: House, agent: StoredAgent) -> AgentView:
    seat: Seat | None = next(
        (seat for seat in house.desk.pool.seats() if seat.profile.agent_id == agent.agent_id), None
    )
    return AgentView(
        agent_id=agent.agent_id,
        name=agent.name,
        endpoint=agent.endpoint,
        state=seat.state.value if seat else "signed_out",
        audio=bool(seat and seat.leg_up),
        audio_trouble=house.desk.leg_trouble(agent.agent_id),
        attempt_id=seat.call_id if seat else "",
        reason=seat.reason if seat else "",
        probably=talk.doubt if seat and (talk := house.desk.conversations.get(seat.call_id)) else "",
    )


@router.get("")
async def agents(house: TheHouse) -> list[AgentView]:
    """Every agent."""
    return [_view(house, agent) for agent in await house.stores.agents.list(limit=10_000) if agent.active]


@router.put("/{agent_id}")
async def put_agent(agent_id: AgentId, body: AgentBody, house: TheHouse) -> AgentView:
    """Add or change an agent."""
    agent = StoredAgent(agent_id, body.name or agent_id, body.endpoint, body.skills)
    await house.stores.agents.put(agent)
    return _view(house, agent)


@router.post("/{agent_id}/sign-in")
async def sign_in(agent_id: AgentId, house: TheHouse) -> AgentView:
    """Sign in, paused; the standing leg is dialled now."""
    if (agent := await house.staff.sign_in(agent_id)) is None:
        raise HTTPException(404, f"there is no agent {agent_id}")
    return _view(house, agent)


@router.post("/{agent_id}/ready")
async def ready(agent_id: AgentId, house: TheHouse) -> Done:
    """Take calls from now on."""
    house.desk.ready(agent_id)
    return Done(done=True)


@router.post("/{agent_id}/pause")
async def pause(agent_id: AgentId, house: TheHouse, reason: Annotated[str, Body(embed=True)] = "") -> Done:
    """Take no calls, at once or after the present one."""
    return Done(done=house.desk.pause(agent_id, reason or "paused"))


@router.post("/{agent_id}/sign-out")
async def sign_out(agent_id: AgentId, house: TheHouse) -> Done:
    """Sign out, at once or after the present call."""
    return Done(done=house.desk.sign_out(agent_id))


@router.post("/{agent_id}/hang-up")
async def hang_up(agent_id: AgentId, house: TheHouse) -> Done:
    """End the conversation the agent is in."""
    house.desk.end_conversation(agent_id)
    return Done(done=True)


@router.post("/{agent_id}/disposition")
async def disposition(agent_id: AgentId, body: DispositionBody, house: TheHouse) -> Done:
    """Say what came of a conversation; wrap-up ends with it."""
    said = Said(body.command_id, agent_id, body.attempt_id, body.code, body.note, body.callback_at_s, body.mine)
    return Done(done=await house.wrap_up.take(said))


@router.post("/{agent_id}/call")
async def call(agent_id: AgentId, body: PlaceBody, house: TheHouse) -> Done:
    """Dial a lead for this agent. done False: the rules or another call forbid it now."""
    return Done(done=await house.engine.place(body.campaign_id, body.lead_id, agent_id))


@router.post("/{agent_id}/preview")
async def preview(agent_id: AgentId, house: TheHouse, campaign_id: Annotated[str, Body(embed=True)]) -> OfferView:
    """Preview: the next lead to look at; the same one until it is called or skipped."""
    lead = await house.preview.offer(agent_id, campaign_id)
    if lead is None:
        return OfferView(lead_id=None)
    return OfferView(lead_id=lead.lead_id, name=lead.name, phone=lead.phone, fields=lead.fields)


@router.post("/{agent_id}/preview/call")
async def preview_call(agent_id: AgentId, house: TheHouse) -> Done:
    """Preview: call the lead that the agent looks at."""
    return Done(done=await house.preview.call(agent_id))


@router.post("/{agent_id}/preview/skip")
async def preview_skip(agent_id: AgentId, house: TheHouse) -> Done:
    """Preview: give the lead back uncalled."""
    await house.preview.skip(agent_id)
    return Done(done=True)


@router.post("/{agent_id}/dial")
async def dial(agent_id: AgentId, body: DialBody, house: TheHouse) -> Done:
    """Manual: dial a number."""
    try:
        phone = parse_phone(body.phone, body.region)
    except PhoneError as error:
        raise HTTPException(422, f"the number cannot be read: {error}") from None
    return Done(done=await house.preview.dial(agent_id, body.campaign_id, phone))
