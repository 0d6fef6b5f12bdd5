"""The demo: a predictive campaign on a real Asterisk against a second one that plays the telephone network."""

import asyncio
import random
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from campaigns.lead import LeadState
from media import soundfiles
from media.softphone.fleet import RobotFleet
from media.softphone.messages import EventKind, RobotEvent, RobotSpec
from server.demo import campaign_file
from server.demo.folder import fresh
from server.demo.invariants import check_invariants
from server.demo.leads import draw_leads, write_leads
from server.demo.network import Network, prepare_network
from server.demo.options import DemoOptions, agent_name, demo_settings, network_settings
from server.demo.report import DemoResult
from server.demo.truth import CallTruth, read_truth
from server.demo.voices import agent_voice_files
from server.demo.witness import Witness
from server.house import House
from server.managed_asterisk import agent_secret, asterisk_settings
from server.run import open_node
from server.settings import Settings
from telephony.asterisk import install
from telephony.asterisk.process import AsteriskInstance

Say = Callable[[str], None]
Watch = Callable[[Witness, float, DemoResult], None]
CAMPAIGN_ID, LIST_ID = "demo", "demo"
# Below the noise of a simulated line (-62 dBFS) and above digital silence: the callee is heard from its first frame.
_LINE_NOISE_PEAK = 24
_LOOK_EVERY_S = 0.5
_LAST_CALLS_S = 60.0


async def run_demo(options: DemoOptions, say: Say, watch: Watch) -> DemoResult:
    """Run the whole demo; `watch` sees it twice a second. Raises what a person has to mend."""
    async with fresh(options.folder, say), telephone_network(options, say) as network:
        settings = demo_settings(options, network.settings.sip_port)
        async with open_node(settings, say) as house:
            async with RobotFleet(agent_phones(settings, options)) as robots:
                await robots.wait_all(EventKind.REGISTERED)
                say(f"{options.agents} agents' phones are registered")
                return await _campaign(house, robots, network, options, say, watch)


async def _campaign(
    house: House, robots: RobotFleet, network: Network, options: DemoOptions, say: Say, watch: Watch
) -> DemoResult:
    witness, sounds = Witness(house.desk), defaultdict[str, list[float]](list)
    robots.subscribe(lambda event: _note_sound(event, sounds))
    await sign_in_all(house, options)
    say("every agent's line is standing")
    await _add_campaign(house, options, say)
    house.hub.listen(witness.take)
    say(f"the campaign dials for {options.seconds:.0f} s; Ctrl-C stops it")
    began_s = house.clock.monotonic_s()
    await house.start_campaign(CAMPAIGN_ID)
    law = house.engine.runs[CAMPAIGN_ID].law.name
    result = DemoResult(witness, [], {}, 0.0, str(house.settings.recordings_dir), "", law, sounds)
    await _dial(house, witness, options.seconds, lambda now_s: watch(witness, now_s - began_s, result))
    witness.close_books(house.clock.monotonic_s())
    result.seconds = house.clock.monotonic_s() - began_s
    say("time is over: ringing calls are taken back, conversations end in their own time")
    house.engine.drain_s = _LAST_CALLS_S
    await house.stop_campaign(CAMPAIGN_ID)
    await house.recorder.close()
    result.truths = await _truth(network)
    result.network_recordings = str(network.settings.recordings_dir)
    result.invariants = await check_invariants(house, witness, result.truths, CAMPAIGN_ID)
    return result


async def _dial(house: House, witness: Witness, seconds: float, look: Callable[[float], None]) -> None:
    """Until the time is over, or every lead is done with."""
    clock = house.clock
    until_s = clock.monotonic_s() + seconds
    while (now_s := clock.monotonic_s()) < until_s:
        look(now_s)
        if not witness.first_half_s and now_s >= until_s - seconds / 2:
            witness.halfway(now_s)
        await asyncio.sleep(_LOOK_EVERY_S)
        run = house.engine.runs[CAMPAIGN_ID]
        if run.idle and witness.attempts and not await _left(house):
            return


async def _left(house: House) -> int:
    counts = await house.stores.leads.counts(CAMPAIGN_ID)
    return sum(counts.get(state.value, 0) for state in (LeadState.NEW, LeadState.IN_ATTEMPT))


async def sign_in_all(house: House, options: DemoOptions) -> None:
    """Every agent signed in, ready, with a standing line."""
    for index in range(options.agents):
        await house.staff.sign_in(agent_name(index))
        house.desk.ready(agent_name(index))
    async with asyncio.timeout(20):
        while not all(seat.leg_up for seat in house.desk.pool.seats()):  # noqa: ASYNC110 - legs come one by one
            await asyncio.sleep(0.05)


async def _add_campaign(house: House, options: DemoOptions, say: Say) -> None:
    text = await asyncio.to_thread(campaign_file().read_text, "utf-8")
    await house.catalogue.put(text, "demo campaign")
    leads = options.folder / "leads.csv"
    await asyncio.to_thread(write_leads, leads, draw_leads(options.leads, random.Random(options.seed)))
    report = await house.importer.file(leads, LIST_ID, "ES")
    say(f"{report.added} fictional leads imported from {leads}, {len(report.rejections)} rejected")


def _note_sound(event: RobotEvent, sounds: dict[str, list[float]]) -> None:
    if event.kind is EventKind.FIRST_AUDIO:
        sounds[event.robot].append(event.at_monotonic_s)


def agent_phones(settings: Settings, options: DemoOptions) -> list[RobotSpec]:
    """The agents' phones: each says its own recorded voice, turn by turn."""
    asterisk = asterisk_settings(settings)
    voices = agent_voice_files()
    folder = options.folder / "agents"
    folder.mkdir(parents=True, exist_ok=True)
    specs = []
    for index, agent in enumerate(settings.agents):
        voice = folder / f"{agent.name}-voice.wav"
        soundfiles.save(voice, soundfiles.load(voices[index % len(voices)]))
        specs.append(
            RobotSpec(
                agent.name,
                f"{settings.asterisk.sip_host}:{settings.asterisk.sip_port}",
                agent_secret(agent, asterisk),
                str(voice),
                record_file=str(folder / f"{agent.name}-heard.wav"),
                sound_peak=_LINE_NOISE_PEAK,
            )
        )
    return specs


@asynccontextmanager
async def telephone_network(options: DemoOptions, say: Say) -> AsyncIterator[Network]:
    """The second Asterisk, as long as the context lasts."""
    installation = install.require()
    network = await asyncio.to_thread(prepare_network, network_settings(options), installation)
    instance = AsteriskInstance(network.settings, installation)
    try:
        await instance.start()
        say(f"telephone network: a second Asterisk, SIP on 127.0.0.1:{network.settings.sip_port}")
        yield network
    finally:
        await instance.stop()


async def _truth(network: Network) -> list[CallTruth]:
    if not await asyncio.to_thread(network.truth_file.exists):
        return []
    return await asyncio.to_thread(read_truth, network.truth_file, network.prompts)
