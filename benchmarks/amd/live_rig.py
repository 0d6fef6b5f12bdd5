"""Two Asterisks: one plays recorded calls as the telephone network does, one dials them with the real tap on it."""

import asyncio
import random
import shutil
import tempfile
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from amd.bank import AmdBank, warm_up
from amd.training.calls import Call
from amd.verdict import AmdSettings, Verdict
from campaigns.ids import call_channel_id, new_id, tap_bridge_id, tap_channel_id
from dialer.line import Line, LineGone
from dialer.listening import Listening
from dialer.tapes import Tape, Tapes
from media import soundfiles
from media.tap_hub import TapHub
from server.clock import SystemClock
from server.demo.network import prepare_network
from telephony.ari.control import AriCallControl
from telephony.ari.settings import AriSettings
from telephony.asterisk import install, ports
from telephony.asterisk.process import AsteriskInstance
from telephony.asterisk.settings import AsteriskSettings, Trunk
from telephony.port import OriginateOrder, TapOrder

RING_TIMEOUT_S = 10.0
SETTLE_S = 2.2
GRACE_S = 3.0
LONGEST_S = 16.0
_DIALPLAN = """
exten => _amdXXXX,1,Answer()
 same => n,Playback({folder}/${{EXTEN}},noanswer)
 same => n,Wait(20)
"""


@dataclass(slots=True)
class LiveCall:
    """One call as it was heard live. Times are monotonic seconds; verdicts with the time they were in our hands."""

    answered_at_s: float
    listening_from_s: float
    said: list[tuple[float, Verdict]] = field(default_factory=list)
    ended_early: str = ""
    tape: Tape | None = None


class NoRecorder:
    """Nothing is recorded here."""

    async def mix_monitor(self, channel_id: str, path: str) -> None:
        """Do nothing."""

    async def stop_mix_monitor(self, channel_id: str) -> None:
        """Do nothing."""


@dataclass(frozen=True)
class Rig:
    """A controller that can call the recorded calls by their number."""

    control: AriCallControl
    listening: Listening
    clock: SystemClock
    tapes: dict[str, Tape]
    rng: random.Random

    async def hear(self, number: int, settings: AmdSettings) -> LiveCall:
        """Call one recording and listen until its first verdict and 2.2 s more. Raises TelephonyError, LineGone."""
        call_id = new_id(self.clock.now_s(), self.rng)
        async with Line(self.control, call_channel_id(call_id)) as line:
            endpoint = f"PJSIP/amd{number:04}@network"
            await self.control.originate(OriginateOrder(line.channel_id, endpoint, "+34910000000", RING_TIMEOUT_S))
            while not line.answered.is_set():
                await line.stir(RING_TIMEOUT_S)
            live = await self._listen(line, call_id, settings)
            await self.control.hang_up(line.channel_id)
        live.tape = self.tapes.pop(call_id)
        return live

    async def _listen(self, line: Line, call_id: str, settings: AmdSettings) -> LiveCall:
        tap_id = str(uuid.UUID(int=self.rng.getrandbits(128), version=4))
        order = TapOrder(line.channel_id, tap_id, tap_channel_id(call_id), tap_bridge_id(call_id))
        live = LiveCall(line.answered_at_s or 0.0, self.clock.monotonic_s())
        with self.listening.open(tap_id, settings, answered=True, call_id=call_id) as ear:
            await self.control.start_tap(order)
            until_s = self.clock.monotonic_s() + settings.deadline_s + GRACE_S
            try:
                while (left_s := until_s - self.clock.monotonic_s()) > 0:
                    verdict = await line.unless_gone(ear.next(), left_s)
                    if not live.said:
                        until_s = self.clock.monotonic_s() + SETTLE_S
                    live.said.append((self.clock.monotonic_s(), verdict))
            except TimeoutError:
                pass
            except LineGone as gone:
                live.ended_early = f"cause {gone.hung_up.q850}"
        await self.control.stop_tap(order)
        return live

    async def hear_all(self, count: int, settings: AmdSettings, at_once: int, every_s: float = 0.15) -> list[LiveCall]:
        """Call recordings 0 to count - 1, at most `at_once` at a time, in their order."""
        room = asyncio.Semaphore(at_once)

        async def one(number: int) -> LiveCall:
            async with room:
                return await self.hear(number, settings)

        async with asyncio.TaskGroup() as group:
            tasks = []
            for number in range(count):
                tasks.append(group.create_task(one(number), name=f"live call {number}"))
                await asyncio.sleep(every_s)
        return [task.result() for task in tasks]


@asynccontextmanager
async def rig(calls: Sequence[Call]) -> AsyncIterator[Rig]:
    """Start both Asterisks and the listening; the calls' sound is played by number. Everything is gone at the end."""
    installation = await asyncio.to_thread(install.require)
    await asyncio.to_thread(warm_up)
    folders = [Path(tempfile.mkdtemp(prefix=f"timbre-live-{name}-")) for name in ("network", "dialer")]
    network = AsteriskInstance(_settings(folders[0], "network"), installation)
    try:
        prepared = prepare_network(network.settings, installation)
        folder = folders[0] / "amd-calls"
        await asyncio.to_thread(_write, calls, folder)
        # The numbers stand in the network's own context, before the section that follows it.
        dialplan = prepared.settings.extra_dialplan.replace(
            "[network]\n", f"[network]{_DIALPLAN.format(folder=folder)}", 1
        )
        network.settings = replace(prepared.settings, extra_dialplan=dialplan)
        trunk = Trunk(name="network", host="127.0.0.1", port=network.settings.sip_port, qualify_s=0)
        dialer = AsteriskInstance(replace(_settings(folders[1], "dialer"), trunks=(trunk,)), installation)
        try:
            await network.start()
            await dialer.start()
            async with _controlled(dialer) as parts:
                yield parts
        finally:
            await dialer.stop()
            await network.stop()
    finally:
        for path in folders:
            shutil.rmtree(path, ignore_errors=True)


@asynccontextmanager
async def _controlled(dialer: AsteriskInstance) -> AsyncIterator[Rig]:
    clock, rng = SystemClock(), random.Random()
    tapes: dict[str, Tape] = {}

    def done(tape: Tape) -> None:
        tapes[tape.call_id] = tape

    async with TapHub(clock, slot_count=128) as hub:
        secrets = dialer.credentials
        settings = AriSettings(
            "127.0.0.1", dialer.settings.http_port, secrets.ari_user, secrets.ari_password,
            dialer.settings.stasis_app, "127.0.0.1", hub.port,
        )  # fmt: skip
        control = AriCallControl(settings, clock, rng, NoRecorder(), hub.nudge)
        witness = Tapes(done, longest_s=LONGEST_S, after_verdict_s=LONGEST_S)
        listening = Listening(hub, AmdBank(128), clock, witness)
        async with asyncio.TaskGroup() as group:
            work = [group.create_task(control.run()), group.create_task(listening.run())]
            await control.wait_up()
            yield Rig(control, listening, clock, tapes, rng)
            for task in work:
                task.cancel()


def _settings(folder: Path, name: str) -> AsteriskSettings:
    return AsteriskSettings(
        directory=folder,
        name=name,
        http_port=ports.free_tcp_port(),
        ami_port=ports.free_tcp_port(),
        sip_port=ports.free_udp_port(),
        rtp_ports=ports.free_rtp_range(random.Random(), 600),
    )


def _write(calls: Sequence[Call], folder: Path) -> None:
    folder.mkdir(mode=0o755)
    folder.chmod(0o755)
    folder.parent.chmod(0o755)
    for number, call in enumerate(calls):
        whole = call.samples[: len(call.samples) // 160 * 160]  # Asterisk would send a shorter packet mid-call
        soundfiles.save(folder / f"amd{number:04}.wav", whole)
