"""A whole node on real Asterisk for tests: dialer, Redis, database, API, a trunk to the simulated network, agents.

`live_house(network, agents=4)` runs it inside the test process, where everything can be looked at. `LiveProcess`
runs the same folder as `timbre up` in a process of its own, to be killed.
"""

import asyncio
import contextlib
import os
import random
import shutil
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import httpx

from agents.agent import AgentState
from campaigns.attempt import Attempt, AttemptState
from campaigns.lead import Lead
from dialer.events import AttemptMoved, DialerEvent, Trouble, VerdictSaid
from media import soundfiles
from media.softphone.fleet import RobotFleet
from media.softphone.messages import EventKind, RobotSpec
from server.compiled import compiled
from server.demo.network import Network
from server.demo.numbering import DemoNumber
from server.demo.truth import CallTruth, TruthIndex, read_truth
from server.demo.voices import agent_voice_files
from server.house import House
from server.managed_asterisk import agent_secret, asterisk_settings
from server.run import asterisk_of, open_node, redis_of
from server.settings import Settings, load
from server.token import api_token
from telephony.asterisk import ports
from tests.support.until import until

E = TypeVar("E", bound=DialerEvent)
_RTP_PORTS = 400
LINE_NOISE_PEAK = 48
"""Between the idle noise of A-law (8) and the noise of a person's line in the network (peaks of 80)."""

_TOML = """
node = "live"
var = "{var}"
campaigns = "{var}/campaigns.d"

[http]
port = {http}

[redis]
port = {redis}

[asterisk]
http_port = {ari}
ami_port = {ami}
sip_port = {sip}
rtp_first = {rtp_first}
rtp_last = {rtp_last}

[[trunks]]
name = "network"
host = "127.0.0.1"
port = {network}
channels = 200
calls_per_s = 20
qualify_s = 0
"""

_CAMPAIGN = """
campaign_id = "{campaign_id}"
name = "{campaign_id}"
seller = "Luz del Norte (empresa ficticia)"
caller_id = "+34788000000"
lists = ["{campaign_id}"]
trunks = ["network"]
mode = "{mode}"
purpose = "research"
country = "ES"
language = "es"
ring_timeout_s = 15
recording = true

[hours]
windows = ["mon-sun 00:00-24:00"]
on_holidays = true

[pacing]
ratio = 10

[safe_harbour]
prompt = "safe_harbour"            # the built-in recording: a sound that tests can look for

[limits]
calls_per_s = {calls_per_s}
channels = 150

[wrap_up]
max_s = {wrap_up_s}
default_disposition = "no_disposition"

[amd]
on_machine = "{on_machine}"
message = "voicemail_message"
enabled = {amd}
"""


def campaign_text(
    campaign_id: str,
    *,
    mode: str = "ratio",
    on_machine: str = "hang_up",
    amd: bool = True,
    calls_per_s: float = 20.0,
    wrap_up_s: float = 0.0,
) -> str:
    """A campaign file over the simulated network; its one list has the campaign's name."""
    return _CAMPAIGN.format(
        campaign_id=campaign_id,
        mode=mode,
        on_machine=on_machine,
        amd=str(amd).lower(),
        calls_per_s=calls_per_s,
        wrap_up_s=wrap_up_s,
    )


@dataclass
class LiveFolder:
    """A node's folder: settings on free ports, the robots' voices and what they recorded."""

    path: Path
    config: Path
    settings: Settings
    network: Network
    agents: tuple[str, ...]

    def specs(self, shift: str = "") -> list[RobotSpec]:
        """One robot per agent: registers at the node's Asterisk, speaks without end, records what it hears.

        shift: a name for robots that take over from others: they speak with another voice, into other files.
        """
        asterisk = asterisk_settings(self.settings)
        secrets = {part.name: agent_secret(part, asterisk) for part in self.settings.agents}
        return [
            RobotSpec(
                name=name,
                registrar=f"127.0.0.1:{self.settings.asterisk.sip_port}",
                secret=secrets[name],
                voice_file=str(self.voice_of(name) if not shift else self.voice_file(shift)),
                record_file=str(self.path / f"{name}{shift}-heard.wav"),
                sound_peak=LINE_NOISE_PEAK,
            )
            for name in self.agents
        ]

    def voice_of(self, agent_id: str) -> Path:
        """What an agent says, as 8 kHz WAV. Blocking."""
        return self._wav_of(self.agents.index(agent_id))

    def voice_file(self, shift: str) -> Path:
        """What the agents of another shift say. Blocking."""
        return self._wav_of(-1 - len(shift) % 3)

    def _wav_of(self, index: int) -> Path:
        files = agent_voice_files()
        voice = files[index % len(files)]
        path = self.path / f"{voice.stem}.wav"
        if not path.exists():
            soundfiles.save(path, soundfiles.load(voice))
        return path

    def truth(self) -> TruthIndex:
        """What the network knows of every call that ended."""
        return TruthIndex(read_truth(self.network.truth_file, self.network.prompts))


@contextmanager
def live_folder(network: Network, agents: int, extra_toml: str = "") -> Iterator[LiveFolder]:
    """A folder for one node with so many agents, removed at the end. extra_toml: more settings."""
    path = Path(tempfile.mkdtemp(prefix="timbre-live-"))
    path.chmod(0o755)  # Asterisk's user passes through it
    names = tuple(f"agent{index:02}" for index in range(agents))
    rtp = ports.free_rtp_range(random.Random(), _RTP_PORTS)
    text = _TOML.format(
        var=path / "var",
        http=ports.free_tcp_port(),
        redis=ports.free_tcp_port(),
        ari=ports.free_tcp_port(),
        ami=ports.free_tcp_port(),
        sip=ports.free_udp_port(),
        rtp_first=rtp.first,
        rtp_last=rtp.last,
        network=network.settings.sip_port,
    )
    config = path / "timbre.toml"
    config.write_text(text + extra_toml + "".join(f'\n[[agents]]\nname = "{name}"\n' for name in names))
    try:
        yield LiveFolder(path, config, load(config), network, names)
    finally:
        shutil.rmtree(path, ignore_errors=True)


@dataclass
class LiveHouse:
    """A running node, its agents' robots, and everything that the engine told."""

    folder: LiveFolder
    house: House
    fleet: RobotFleet
    events: list[DialerEvent] = field(default_factory=list)

    async def agents_ready(self, *agent_ids: str) -> None:
        """Sign agents in (all of them by default), wait for their legs, let them take calls."""
        wanted = agent_ids or self.folder.agents
        for agent_id in wanted:
            assert await self.house.staff.sign_in(agent_id), f"no agent {agent_id}"
        await until(lambda: all(self.house.desk.pool.seat(name).leg_up for name in wanted), 40.0)
        for agent_id in wanted:
            self.house.desk.ready(agent_id)

    async def campaign(self, text: str, numbers: Sequence[DemoNumber], *, start: bool = True) -> list[Lead]:
        """Add a campaign with one lead per number (in their order), start it, return the leads."""
        campaign = await self.house.catalogue.put(text, "campaign")
        list_id = campaign.lists[0]
        rows = "phone\n" + "".join(f"{number.e164}\n" for number in numbers)
        report = await self.house.importer.chunks([rows.encode()], list_id, "ES")
        assert report.added == len(numbers), f"{report.added} of {len(numbers)}: {report.rejections[:3]}"
        if start:
            await self.house.start_campaign(campaign.campaign_id)
        by_phone = {lead.phone: lead for lead in await self.house.stores.leads.list(list_id, 1000)}
        return [by_phone[number.e164] for number in numbers]

    async def dialling(self, campaign_id: str, count: int, timeout_s: float = 40.0) -> None:
        """Wait until the campaign has placed so many calls."""
        await until(lambda: self.house.engine.runs[campaign_id].tally.placed >= count, timeout_s)

    async def dialled(self, campaign_id: str, count: int, timeout_s: float = 90.0) -> list[Attempt]:
        """Wait until the campaign has so many ended attempts and nothing in flight; the attempts out of SQL."""
        ended: set[str] = set()

        def done() -> bool:
            ended.update(
                event.attempt.attempt_id
                for event in self.events
                if isinstance(event, AttemptMoved)
                and event.attempt.campaign_id == campaign_id
                and event.attempt.state is AttemptState.ENDED
            )
            return len(ended) >= count and self.house.engine.runs[campaign_id].idle

        try:
            await until(done, timeout_s)
        except TimeoutError:
            live = [str(flow.journal.attempt) for flow in self.house.engine.runs[campaign_id].flows.values()]
            raise AssertionError(f"{len(ended)} of {count} attempts ended; live: {live}; {self.troubles()}") from None
        return await self.house.stores.attempts.list(campaign_id, 1000)

    async def nobody_busy(self, timeout_s: float = 30.0) -> None:
        """Wait until every agent is idle or paused again."""
        at_rest = {AgentState.IDLE, AgentState.PAUSED}
        await until(lambda: all(seat.state in at_rest for seat in self.house.desk.pool.seats()), timeout_s)

    async def leaks(self, timeout_s: float = 10.0) -> list[str]:
        """Channels and bridges of calls that stay in Asterisk; standing legs are none.

        They are what is there after `timeout_s`: a call is over before its tap, its bridge and its channel are off
        Asterisk's lists.
        """
        left: list[str] = []

        async def clean() -> bool:
            left[:] = await self.listed()
            return not left

        with contextlib.suppress(TimeoutError):
            await until(clean, timeout_s)
        return left

    async def listed(self) -> list[str]:
        """Channels and bridges of calls that Asterisk lists now; standing legs are none."""
        state = await self.house.control.snapshot()
        names = [channel.channel_id for channel in state.channels] + [bridge.bridge_id for bridge in state.bridges]
        return [name for name in names if not name.endswith(("-legc", "-legb"))]

    async def robots_off(self) -> None:
        """End the robots, so that what they recorded is whole."""
        await self.fleet.__aexit__(None, None, None)

    def of(self, kind: type[E], attempt_id: str = "") -> list[E]:
        """Events of a kind, of one attempt."""
        return [
            event
            for event in self.events
            if isinstance(event, kind) and attempt_id in ("", getattr(event, "attempt_id", ""))
        ]

    def troubles(self) -> list[str]:
        """What the operator was told."""
        return [f"{event.where}: {event.words}" for event in self.of(Trouble)]

    def verdicts(self, attempt_id: str) -> list[str]:
        """What was said of a call, in order: "human: 0.32 s then silence"."""
        said = (event.verdict for event in self.of(VerdictSaid, attempt_id))
        return [f"{verdict.call_class}: {verdict.cause}" for verdict in said]

    async def truth_of(self, attempt: Attempt) -> CallTruth:
        """The network's side of an attempt; waits for the line that the network writes when the call is over."""
        found: list[CallTruth] = []

        def written() -> bool:
            call = self.folder.truth().find(attempt.phone, attempt.planned_at_s)
            if call is not None:
                found.append(call)
            return bool(found)

        await until(written, 30.0)
        return found[0]


@asynccontextmanager
async def live_house(
    network: Network, agents: int = 2, *, ready: bool = True, extra_toml: str = ""
) -> AsyncIterator[LiveHouse]:
    """A node in this process, its agents registered and (unless told otherwise) ready for calls."""
    with live_folder(network, agents, extra_toml) as folder:
        async with (
            open_node(folder.settings, lambda line: None) as house,
            RobotFleet(folder.specs()) as fleet,
        ):
            live = LiveHouse(folder, house, fleet)
            house.hub.listen(live.events.append)
            await fleet.wait_all(EventKind.REGISTERED)
            if ready:
                await live.agents_ready()
            yield live


class LiveProcess:
    """`timbre up` over a folder, in a process of its own."""

    def __init__(self, folder: LiveFolder) -> None:
        self.folder = folder
        self.log = folder.path / "server.log"
        self._process: asyncio.subprocess.Process | None = None

    async def start(self, timeout_s: float = 60.0) -> None:
        """Start it and wait until it may dial."""
        await compiled(print)  # new sources take a minute of a busy machine: not out of this patience
        with self.log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "server.cli", "up", "--config", str(self.folder.config)),
                cwd=Path(__file__).parents[2],
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        try:
            await until(self._may_dial, timeout_s)
        except TimeoutError:
            raise AssertionError(f"the server did not come up:\n{self.log_tail()}") from None

    async def kill(self) -> None:
        """KILL it, as a crash would. Asterisk and Redis stay up."""
        assert self._process is not None
        self._process.kill()
        await self._process.wait()

    async def stop(self) -> int:
        """TERM, and wait; its exit status. One that does not run is fine."""
        if self._process is None:
            return 0
        if self._process.returncode is None:
            self._process.send_signal(signal.SIGTERM)
        return await self._process.wait()

    async def end(self) -> None:
        """Stop it, and the Asterisk and Redis that are left of one that was killed or never came up."""
        await self.stop()
        for part in (await asyncio.to_thread(asterisk_of, self.folder.settings), redis_of(self.folder.settings)):
            if part:
                await part.stop()

    async def ask(self, method: str, path: str, **more: Any) -> Any:
        """One API request; its answer as JSON. Raises httpx.HTTPStatusError with what the server said."""
        settings = self.folder.settings
        headers = {"Authorization": f"Bearer {api_token(settings)}"}
        url = f"http://127.0.0.1:{settings.http.port}/api/v1{path}"
        async with httpx.AsyncClient(headers=headers, timeout=30.0) as client:
            answer = await client.request(method, url, **more)
        answer.raise_for_status()
        return answer.json()

    async def asked_until(self, path: str, condition: Callable[[Any], bool], timeout_s: float = 40.0) -> Any:
        """Ask again and again until the answer is as wanted; that answer."""
        answers: list[Any] = []

        async def holds() -> bool:
            await asyncio.sleep(0.05)
            answers[:] = [await self.ask("GET", path)]
            return condition(answers[0])

        try:
            await until(holds, timeout_s)
        except TimeoutError:
            raise AssertionError(f"{path} stays {answers}\n{self.log_tail()}") from None
        return answers[0]

    def log_tail(self) -> str:
        """The end of what it printed."""
        return self.log.read_text(errors="replace")[-4000:]

    async def _may_dial(self) -> bool:
        assert self._process is not None
        if self._process.returncode is not None:
            raise AssertionError(f"the server ended with {self._process.returncode}:\n{self.log_tail()}")
        await asyncio.sleep(0.05)
        try:
            return bool((await self.ask("GET", "/status"))["may_dial"])
        except (httpx.HTTPError, OSError):
            return False


def kill_process(pid: int) -> None:
    """KILL one process that the test started."""
    os.kill(pid, signal.SIGKILL)
