"""Calls from outside, composed: queues, reception, flows and their world."""

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from agents.queue import QueueError, QueueSettings
from campaigns.calling_window import CallingWindow, is_zone, parse_span
from campaigns.clock import Clock
from dialer.agent_desk import AgentDesk
from dialer.engine import Engine
from dialer.events import EventSink, Trouble
from dialer.inbound.callbacks import Callbacks
from dialer.inbound.hall import QueueHall
from dialer.inbound.reception import Reception
from dialer.inbound.routes import Route, number_key
from dialer.inbound.services import InboundServices
from dialer.link_watch import LinkWatch
from dialer.patience import Patience
from dialer.trunk import Trunk
from ivr.events import FlowEvent
from ivr.library import FlowLibrary, Reloaded
from ivr.port import World
from ivr.speech import FlowSpeech
from media.prompts import PromptLibrary
from media.recordings import RecordingStore as RecordingFolder
from media.speech.speaker import Speaker
from server.flow_ports import FlowPorts, flow_ports
from server.flow_world import Answers, DurableLocks, EmergencySwitches, FlowHouse, FlowNotes
from server.house_sounds import NodeSounds
from server.settings import QueuePart, Settings, SettingsError
from server.stores import Stores
from server.talk_recorder import MessageRecorder, TalkRecorder
from server.voice import asterisk_sounds
from storage.errors import StorageError
from telephony.errors import TelephonyError
from telephony.port import CallControl

_STUMBLE_S = 1.0


def queue_settings(part: QueuePart) -> QueueSettings:
    """A queue as the pure floor knows it. Raises SettingsError that says what to mend."""
    fields = part.model_dump(exclude={"hours", "holidays", "skills"})
    try:
        window = CallingWindow(tuple(map(parse_span, part.hours)), part.holidays) if part.hours else None
        if not is_zone(part.time_zone):
            raise QueueError(f"time_zone {part.time_zone!r} is no IANA time zone such as Europe/Madrid")
        return QueueSettings(**fields, skills=frozenset(part.skills), hours=window)
    except (ValueError, QueueError) as error:
        raise SettingsError(f"queues, {part.queue_id}: {error}") from None


def check_lines(settings: Settings) -> None:
    """Refuse lines and queues that lead nowhere. Raises SettingsError with every problem, one per line."""
    known = {part.queue_id for part in settings.queues}
    wrong = [
        f"queues, {part.queue_id}: overflow_to names no queue: {part.overflow_to!r}"
        for part in settings.queues
        if part.overflow_to and part.overflow_to not in known
    ]
    for line in settings.lines:
        if not (line.flow or line.queue or line.agent):
            wrong.append(f"lines, {line.number}: name a flow, a queue or an agent")
        if line.queue and line.queue not in known:
            wrong.append(f"lines, {line.number}: there is no queue {line.queue!r}")
    if wrong:
        raise SettingsError("\n".join(wrong))


@dataclass(slots=True)
class Inbound:
    """What the API and the commands work with."""

    reception: Reception
    hall: QueueHall
    flows: FlowHouse
    switches: EmergencySwitches
    callbacks: Callbacks
    recorder: TalkRecorder
    sounds: NodeSounds
    ports: FlowPorts
    flow_of_line: dict[str, str]
    clock: Clock
    sink: EventSink
    reloaded: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self, engine: Engine) -> None:
        """Prepare, wait until the engine and the exchange agree, then take calls until cancelled."""
        async with self.ports:
            await self._serve(engine)

    async def _serve(self, engine: Engine) -> None:
        await asyncio.to_thread(self.sounds.prepare, self.clock.now_s(), self.sink)
        await self.reload_flows()
        while True:
            await engine.recovered.wait()
            try:
                await self.switches.load()
                async with asyncio.TaskGroup() as group:
                    group.create_task(self._rehearse(), name="rehearsal of flows")
                    group.create_task(self.reception.run(), name="reception")
                    group.create_task(self.callbacks.run(), name="callbacks")
            except* TelephonyError as errors:
                self._stumbled(errors)
            except* Exception as errors:  # the supervisor of calls from outside
                self._stumbled(errors)
            await asyncio.sleep(_STUMBLE_S)

    async def reload_flows(self) -> Reloaded:
        """Read the flows again and tell the operator what is broken; calls in progress keep theirs."""
        done = await self.flows.reload()
        self.reloaded.set()
        for problem in (*map(str, done.refused), *done.unkept):
            self.sink(Trouble(self.clock.now_s(), "flows", problem))
        for did, flow in self.flow_of_line.items():
            if not self.flows.has(flow):
                words = f"line {did} leads to flow {flow!r}, which is not there: its callers are told to call later"
                self.sink(Trouble(self.clock.now_s(), "flows", words))
        return done

    async def _rehearse(self) -> None:
        """Whenever flows changed, say their fixed texts once, so that no caller waits for the first time."""
        while True:
            await self.reloaded.wait()
            self.reloaded.clear()
            for problem in await self.flows.rehearse():
                self.sink(Trouble(self.clock.now_s(), "flows", problem))

    async def default_disposition(self, talk_id: str) -> None:
        """Wrap-up of a talk ended without the agent's word: the queue's first code counts; others are left alone."""
        calls = self.reception.services.calls
        try:
            talk = await calls.talk(talk_id)
            settings = self.hall.settings.get(talk.queue) if talk else None
            if talk and settings and not talk.disposition:
                await calls.dispose(talk_id, settings.dispositions[0], "")
        except StorageError as error:
            words = f"the default disposition could not be set: {error}"
            self.sink(Trouble(self.clock.now_s(), "wrap-up", words, talk_id))

    def _stumbled(self, errors: BaseExceptionGroup[BaseException]) -> None:
        words = "; ".join(str(error) or repr(error) for error in errors.exceptions)
        self.sink(Trouble(self.clock.now_s(), "inbound", f"stumbled and goes on: {words}"))


def compose_inbound(
    settings: Settings,
    control: CallControl,
    link: LinkWatch,
    clock: Clock,
    rng: random.Random,
    desk: AgentDesk,
    hall: QueueHall,
    stores: Stores,
    library: PromptLibrary,
    speaker: Speaker,
    folder: RecordingFolder,
    trunks: dict[str, Trunk],
    sink: EventSink,
    flow_event: Callable[[FlowEvent], None],
) -> Inbound:
    """Put the parts together; nothing runs yet. Raises SettingsError."""
    check_lines(settings)
    music = asterisk_sounds(settings)[1]
    own_music = [Path(settings.media.music).absolute()] if settings.media.music else []
    sounds = NodeSounds(library, speaker, [*own_music, settings.var_dir / "sounds" / "music", *music])
    recorder = TalkRecorder(folder, control, clock, sink)
    messages = settings.recordings_dir
    services = InboundServices(
        settings.node, control, link, clock, rng, desk, hall, stores.calls, stores.promises,
        Patience(clock, sink, "facts of calls"), recorder, MessageRecorder(messages, control), sounds,
        lambda: max(trunks.values(), key=lambda trunk: trunk.free, default=None),
        {part.number: part.agent for part in settings.extensions}, sink,
    )  # fmt: skip
    routes = {
        "*" if part.number == "*" else number_key(part.number): Route(
            part.number, part.flow, part.queue, part.agent, part.language
        )
        for part in settings.lines
    }
    ports = flow_ports(settings.ivr, clock)
    flows = FlowHouse(
        FlowLibrary(
            settings.ivr.flows, lambda: ports.known(settings, library.names()), settings.var_dir / "flow-versions"
        )
    )
    reception = Reception(services, flows, routes)
    callbacks = Callbacks(services, reception)
    notes, switches = FlowNotes(reception, flow_event), EmergencySwitches(stores.switches)
    flows.world = World(
        FlowSpeech(speaker, country=settings.asterisk.country.upper()), ports.lookup, ports.messages, ports.hooks, hall,
        Answers(stores.promises, callbacks.promised, next(iter(hall.queues), "")),
        DurableLocks(stores.locks, clock.now_s), ports.tokeniser, switches, notes, notes, clock,
        random.SystemRandom(),
    )  # fmt: skip
    led = {part.number: part.flow for part in settings.lines if part.flow}
    return Inbound(reception, hall, flows, switches, callbacks, recorder, sounds, ports, led, clock, sink)
