"""Flows while calls are up: what is served, publishing, versions, roll-back, the funnel as a picture; the switches."""

from typing import Annotated

from fastapi import APIRouter, Body, HTTPException, Path, Query, Response
from pydantic import BaseModel, Field

from campaigns.ids import new_id
from ivr.drawing import Passed, draw
from ivr.fields import NAME_PATTERN
from ivr.flow import LoadedFlow
from ivr.library import Reloaded
from ivr.port import SayAs, Spoken
from ivr.values import PortTrouble
from server.api.house import TheHouse
from server.flow_world import switches_of
from server.house import House
from storage.flows import StoredSwitch
from storage.port import AuditEvent

router = APIRouter(tags=["flows"])
_DAY_S = 86_400.0
FlowName = Annotated[str, Path(pattern=NAME_PATTERN)]
VersionName = Annotated[str, Path(pattern=r"^[0-9a-f]{12}$")]
By = Annotated[str, Field(max_length=60, description="Who does it, for the audit log.")]


class FlowView(BaseModel):
    """A flow that new calls get. version: of its text; calls: callers in it now."""

    flow: str
    title: str
    version: str
    languages: list[str]
    nodes: int
    calls: int


class FlowText(BaseModel):
    """A flow's text."""

    flow: str
    version: str
    text: str


class ReloadView(BaseModel):
    """What a reload did. refused: one message for each thing to mend, with file and line; the old flows go on."""

    flows: list[str]
    taken: list[str]
    removed: list[str]
    problems: list[str]


class VersionView(BaseModel):
    """A version that was served. number counts from 1; served: new calls get it now."""

    number: int
    version: str
    served: bool


class PublishBody(BaseModel):
    """A flow's new text."""

    text: Annotated[str, Field(max_length=262_144)]
    by: By = ""


class RollBackBody(BaseModel):
    """version: "" for the one before the present."""

    version: Annotated[str, Field(max_length=40)] = ""
    by: By = ""


class SwitchView(BaseModel):
    """An emergency switch that is on. text, prompt: what is said instead of the flow's own words."""

    name: str
    text: str
    prompt: str
    since_s: float
    flipped_by: str


class Flipped(BaseModel):
    """Whether the switch is on now."""

    on: bool


@router.get("/flows")
async def flows(house: TheHouse) -> list[FlowView]:
    """Every flow that is served."""
    house_flows = house.inbound.flows
    in_flow = [call.journal.call.flow for call in house.inbound.reception.calls.values()]
    loaded = [each for name in house_flows.names() if (each := house_flows.get(name)) is not None]
    return [
        FlowView(
            flow=each.flow.flow,
            title=each.flow.title,
            version=each.version,
            languages=list(each.flow.spoken_languages()),
            nodes=len(each.flow.nodes),
            calls=in_flow.count(each.flow.flow),
        )
        for each in loaded
    ]


@router.post("/flows/reload")
@router.post("/inbound/flows/reload", include_in_schema=False)
async def reload_flows(house: TheHouse) -> ReloadView:
    """Read the folder of flows again; calls in progress keep theirs."""
    return _reloaded(house, await house.inbound.reload_flows())


def _reloaded(house: House, done: Reloaded) -> ReloadView:
    problems = [line for error in done.refused for line in str(error).splitlines()]
    return ReloadView(
        flows=house.inbound.flows.names(),
        taken=list(done.taken),
        removed=list(done.removed),
        problems=[*problems, *done.unkept],
    )


@router.get("/flows/{name}")
async def flow(name: FlowName, house: TheHouse) -> FlowText:
    """A flow as new calls get it."""
    loaded = _served(house, name)
    return FlowText(flow=name, version=loaded.version, text=loaded.source)


def _served(house: House, name: str) -> LoadedFlow:
    loaded = house.inbound.flows.get(name)
    if loaded is None:
        raise HTTPException(404, f"there is no flow {name!r}; there are: {', '.join(house.inbound.flows.names())}")
    return loaded


@router.put("/flows/{name}")
async def publish(name: FlowName, body: PublishBody, house: TheHouse) -> FlowText:
    """Check a text, write it to the folder, serve it to new calls. 422 says what to mend, a line each."""
    try:
        loaded = await house.inbound.flows.publish(name, body.text)
    except OSError as error:
        raise HTTPException(503, f"flow {name!r} could not be written: {error}") from None
    house.inbound.reloaded.set()
    await _audit(house, body.by, "flow published", name, loaded.version)
    return FlowText(flow=name, version=loaded.version, text=loaded.source)


@router.get("/flows/{name}/versions")
async def versions(name: FlowName, house: TheHouse) -> list[VersionView]:
    """Versions that were served, the oldest first."""
    served = house.inbound.flows.get(name)
    known = await house.inbound.flows.versions(name)
    if not known:
        _served(house, name)
    last = {each.version: each.number for each in known}
    return [
        VersionView(
            number=each.number,
            version=each.version,
            served=served is not None and each.version == served.version and last[each.version] == each.number,
        )
        for each in known
    ]


@router.get("/flows/{name}/versions/{version}")
async def version(name: FlowName, version: VersionName, house: TheHouse) -> FlowText:
    """A flow as it was once."""
    loaded = await house.inbound.flows.at_version(name, version)
    if loaded is None:
        raise HTTPException(404, f"flow {name!r} has no version {version}: `timbre ivr versions {name}` lists them")
    return FlowText(flow=name, version=version, text=loaded.source)


@router.post("/flows/{name}/roll-back")
async def roll_back(name: FlowName, body: RollBackBody, house: TheHouse) -> FlowText:
    """Serve an older version again; calls in progress keep theirs."""
    try:
        loaded = await house.inbound.flows.roll_back(name, body.version)
    except KeyError as error:
        raise HTTPException(404, str(error.args[0])) from None
    except OSError as error:
        raise HTTPException(503, f"flow {name!r} could not be written: {error}") from None
    house.inbound.reloaded.set()
    await _audit(house, body.by, "flow rolled back", name, loaded.version)
    return FlowText(flow=name, version=loaded.version, text=loaded.source)


@router.get("/flows/{name}/picture.svg")
async def picture(
    name: FlowName,
    house: TheHouse,
    since_s: Annotated[float, Query(ge=0, description="Seconds since 1970, UTC; 0: the last day.")] = 0.0,
    until_s: float = 0.0,
    language: Annotated[str, Query(pattern=r"^(es|en)?$")] = "",
) -> Response:
    """The flow with how many callers came to each node, and how many hung up there."""
    loaded = _served(house, name)
    now_s = house.clock.now_s()
    counts = await house.stores.calls.nodes(since_s or now_s - _DAY_S, until_s or now_s)
    passed = {each.node: Passed(each.entered, each.left) for each in counts if each.flow == name}
    return Response(draw(loaded.flow, language, passed), media_type="image/svg+xml")


@router.get("/inbound/emergency")
async def switches(house: TheHouse) -> list[SwitchView]:
    """Emergency switches that are on."""
    fields = SwitchView.model_fields
    return [SwitchView(**{name: getattr(each, name) for name in fields}) for each in house.inbound.switches.all()]


@router.put("/inbound/emergency/{name}")
async def emergency(
    name: Annotated[str, Path(pattern=r"^[A-Za-z0-9_-]{1,60}$")],
    house: TheHouse,
    on: Annotated[bool, Body()],
    text: Annotated[str, Body(max_length=1000)] = "",
    prompt: Annotated[str, Body(pattern=r"^[\w.-]{0,80}$")] = "",
    by: Annotated[str, Body(max_length=60)] = "",
) -> Flipped:
    """Flip a switch that flows look at; it survives a restart. text or prompt: said instead of the flow's message."""
    switches = house.inbound.switches
    if on:
        await _effective(house, name, text, prompt)
        await switches.flip(StoredSwitch(name, text, prompt, house.clock.now_s(), by))
    else:
        await switches.off(name)
    await _audit(house, by, f"switch {'on' if on else 'off'}", name, "")
    return Flipped(on=switches.on(name) is not None)


async def _effective(house: House, name: str, text: str, prompt: str) -> None:
    """Refuse a switch that no flow looks at, and a message that nobody would hear: emergencies are no time for it."""
    flows = house.inbound.flows
    looking = flows.looking_at(name)
    if not looking:
        known = sorted({switch for each in flows.looking_at("") for switch in switches_of(each.flow)})
        raise HTTPException(404, f"no flow looks at a switch {name!r}; flows look at: {', '.join(known) or 'none'}")
    if flows.world is None or not (text or prompt):
        return
    message = Spoken(SayAs.PROMPT, prompt) if prompt else Spoken(SayAs.TEXT, text)
    for language in dict.fromkeys(spoken for each in looking for spoken in each.flow.spoken_languages()):
        try:
            await flows.world.speech.render((message,), language)
        except PortTrouble as error:
            raise HTTPException(422, f"callers would not hear it: {error}") from None


async def _audit(house: House, by: str, action: str, subject: str, version: str) -> None:
    detail: dict[str, str | int | float] = {"version": version} if version else {}
    now_s, rng = house.clock.now_s(), house.inbound.reception.services.rng
    await house.stores.audit.record(AuditEvent(new_id(now_s, rng), now_s, by or "api", action, subject, detail))
