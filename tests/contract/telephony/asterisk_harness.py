"""Real Asterisk under the contract: one under test, and a second one as the network behind it.

Everybody and everything in the network says a tone of its own, and the network records what each far end hears: who
hears whom is a question of frequencies.
"""

import asyncio
import contextlib
import itertools
import random
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import soundfile

from media.frames import SAMPLE_RATE_HZ
from media.levels import strongest_hz
from media.tap_hub import TapHub
from telephony.ami.observer import AmiObserver
from telephony.ami.settings import AmiSettings
from telephony.ari.control import AriCallControl
from telephony.ari.settings import AriSettings
from telephony.asterisk.process import AsteriskInstance
from telephony.asterisk.settings import AsteriskSettings, Trunk
from telephony.events import LinkState
from telephony.port import OriginateOrder
from tests.contract.telephony.harness import Behaviour
from tests.support.servers import AsteriskFactory
from tests.support.tcp_gate import TcpGate
from tests.support.until import until

PERSON_HZ, AGENT_HZ, CALLER_HZ, PROMPT_HZ, LONG_PROMPT_HZ = 600, 850, 1100, 1400, 1700
_TALKS = "PlayTones({hz})\n same => n,Wait(8)\n same => n,StopPlayTones()\n same => n,Wait(60)"
_ANSWERS = (
    "Ringing()\n same => n,Wait(0.3)\n same => n,Answer()\n same => n,MixMonitor({recordings}/${{EXTEN}}.raw,D)\n"
)
_SCRIPTS = {
    Behaviour.PERSON: _ANSWERS + f" same => n,{_TALKS.format(hz=PERSON_HZ)}",
    Behaviour.AGENT: _ANSWERS + f" same => n,{_TALKS.format(hz=AGENT_HZ)}",
    Behaviour.HANGS_UP: _ANSWERS + " same => n,Wait(1)",
    Behaviour.PRESSES_42: _ANSWERS + " same => n,Wait(2)\n same => n,SendDTMF(42,200,100)\n same => n,Wait(60)",
    Behaviour.MUTE: _ANSWERS + " same => n,Wait(60)",
    Behaviour.NO_ANSWER: "Ringing()\n same => n,Wait(120)",
    Behaviour.ANNOUNCEMENT: "Progress()\n same => n,PlayTones(480)\n same => n,Wait(3.5)\n same => n,Hangup(1)",
    Behaviour.BUSY: "Hangup(17)",
    Behaviour.UNALLOCATED: "Hangup(1)",
    Behaviour.CONGESTION: "Hangup(34)",
    Behaviour.REJECTED: "Hangup(21)",
}
_CODES = {behaviour: f"{code:02d}" for code, behaviour in enumerate(_SCRIPTS, 10)}


class MachineClock:
    def now_s(self) -> float:
        return time.time()

    def monotonic_s(self) -> float:
        return time.monotonic()


@dataclass(frozen=True, slots=True)
class TwoExchanges:
    """The exchange under test and the network behind it."""

    dialer: AsteriskInstance
    network: AsteriskInstance
    prompts: Path


def _network_dialplan(recordings: Path) -> str:
    lines = ["[far]"]
    for behaviour, script in _SCRIPTS.items():
        lines += [f"exten => _{_CODES[behaviour]}X.,1,{script.format(recordings=recordings)}", " same => n,Hangup(16)"]
    lines += [
        "[calls-in]",
        "exten => _X.,1,Set(CALLERID(num)=${EXTEN:10})",
        " same => n,Dial(PJSIP/${EXTEN:0:9}@dialer)",
        "[caller]",
        f"exten => s,1,{_TALKS.format(hz=CALLER_HZ)}",
    ]
    return "\n".join(lines) + "\n"


def start_two(factory: AsteriskFactory, prompts: Path) -> TwoExchanges:
    """Two instances that know each other as trunks. Blocking: for a synchronous fixture."""
    for name, hz, seconds in (("prompt", PROMPT_HZ, 1.5), ("long", LONG_PROMPT_HZ, 8.0)):
        at = np.arange(int(seconds * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ
        tone = (8000 * np.sin(2 * np.pi * hz * at)).astype(np.int16)
        soundfile.write(prompts / f"{name}.wav", tone, SAMPLE_RATE_HZ)
    dialer, network = factory.make(name="dialer"), factory.make(name="far-network", extra_modules=("res_clioriginate",))
    dialer.settings = _with(dialer, Trunk("far", "127.0.0.1", network.settings.sip_port, match=("127.0.0.1",)), prompts)
    back = Trunk("dialer", "127.0.0.1", dialer.settings.sip_port, match=("127.0.0.1",), context="far")
    network.settings = _with(network, back, prompts, _network_dialplan(network.settings.recordings_dir))
    for instance in (dialer, network):
        asyncio.run(instance.start())
    return TwoExchanges(dialer, network, prompts)


def _with(instance: AsteriskInstance, trunk: Trunk, prompts: Path, dialplan: str = "") -> AsteriskSettings:
    return replace(instance.settings, trunks=(trunk,), readable_dirs=(prompts,), extra_dialplan=dialplan)


class _NotingControl(AriCallControl):
    """Remembers which number each channel dialled: the network files what it hears under that number."""

    dialled: dict[str, str]

    async def originate(self, order: OriginateOrder) -> None:
        self.dialled[order.channel_id] = order.endpoint.removeprefix("PJSIP/").partition("@")[0]
        await super().originate(order)


class AsteriskHarness:
    patience_s = 15.0
    _numbers = itertools.count(int(time.time()) % 10**6 * 1000)

    def __init__(self, both: TwoExchanges, control: _NotingControl, taps: TapHub, gate: TcpGate) -> None:
        self.control = control
        self.taps = taps
        self.prompt, self.long_prompt, self.missing_prompt = (
            f"sound:{both.prompts}/{name}" for name in ("prompt", "long", "missing")
        )
        self._both = both
        self._gate = gate
        control.dialled = {}

    async def target(self, behaviour: Behaviour) -> str:
        return f"PJSIP/{_CODES[behaviour]}{next(self._numbers)}@far"

    async def unknown_target(self) -> str:
        return "PJSIP/600000000@nowhere"

    async def call_in(self, called: str, caller: str) -> None:
        order = f"channel originate Local/{called}0{caller.lstrip('+')}@calls-in extension s@caller"
        await self._both.network.rx(order)

    async def caller_hangs_up(self) -> None:
        await self._both.network.rx("channel request hangup all")

    def _heard_file(self, channel_id: str) -> Path:
        return self._both.network.settings.recordings_dir / f"{self.control.dialled[channel_id]}.raw"

    def _tone_of(self, source: str) -> int:
        prompts = {self.prompt: PROMPT_HZ, self.long_prompt: LONG_PROMPT_HZ}
        number = self.control.dialled.get(source, "")
        codes = {_CODES[Behaviour.PERSON]: PERSON_HZ, _CODES[Behaviour.AGENT]: AGENT_HZ}
        return prompts.get(source) or codes.get(number[:2], CALLER_HZ)

    async def hears(self, listener: str, source: str) -> bool:
        samples = await asyncio.to_thread(_read_raw, self._heard_file(listener))
        recent = samples[-SAMPLE_RATE_HZ:, 0]
        wanted_hz = self._tone_of(source)
        parts = [recent[start : start + 1600] for start in range(0, len(recent) - 1599, 800)]
        return any(np.abs(part).mean() > 300 and abs(strongest_hz(part) - wanted_hz) < 15 for part in parts)

    async def recorded_bytes(self, path: str) -> int:
        file = Path(f"{path}.raw")
        return file.stat().st_size if file.exists() else 0  # noqa: ASYNC240 - a test may look

    def recording_path(self, name: str) -> str:
        return str(self._both.dialer.settings.recordings_dir / f"{name}-{next(self._numbers)}")

    # -- losing the link

    async def lose_link(self) -> None:
        await self._gate.shut()
        await until(lambda: self.control.link_state is LinkState.DOWN)

    async def restore_link(self) -> None:
        await self._gate.open()

    async def far_end_answered(self, channel_id: str) -> None:
        await until(self._heard_file(channel_id).exists)

    async def far_end_is_gone(self, channel_id: str) -> None:
        await self.far_end_answered(channel_id)

        async def gone() -> bool:
            return f"@far:{self.control.dialled[channel_id]}" not in await self._calls()

        await until(gone)

    async def _calls(self) -> str:
        listed = await self._both.network.rx("core show channels concise")
        fields = [line.split("!") for line in listed.splitlines() if "!" in line]
        return " ".join(f"@{field[1]}:{field[2]}" for field in fields)

    async def restart_exchange(self) -> None:
        await self._both.dialer.kill()
        await self._both.dialer.start()


def _read_raw(path: Path) -> "np.ndarray[tuple[int, int], np.dtype[np.int16]]":
    data = path.read_bytes() if path.exists() else b""
    whole = len(data) // 4 * 4
    return np.frombuffer(data[:whole], np.int16).reshape(-1, 2)


async def _bridges_that_stay(control: AriCallControl) -> set[str]:
    """Bridges that are still listed after 10 s: Asterisk answers DELETE before a bridge with callers in it is gone."""
    left: set[str] = set()

    async def gone() -> bool:
        nonlocal left
        left = {bridge.bridge_id for bridge in (await control.snapshot()).bridges}
        return not left

    with contextlib.suppress(TimeoutError):
        await until(gone, 10.0)
    return left


@asynccontextmanager
async def running_harness(both: TwoExchanges) -> AsyncIterator[AsteriskHarness]:
    """A harness whose link is up; at the end every channel that it left is hung up."""
    clock, rng = MachineClock(), random.Random(7)
    dialer, login = both.dialer.settings, both.dialer.credentials
    ami = AmiSettings("127.0.0.1", dialer.ami_port, login.ami_user, login.ami_secret)
    observer = AmiObserver(ami, clock, rng, lambda event: None)
    async with TapHub(clock, slot_count=8) as taps, TcpGate(dialer.http_port) as gate, asyncio.TaskGroup() as group:
        ari = AriSettings(
            *("127.0.0.1", gate.port, login.ari_user, login.ari_password, dialer.stasis_app, "127.0.0.1", taps.port)
        )
        control = _NotingControl(ari, clock, rng, observer, taps.nudge)
        links = [group.create_task(observer.run()), group.create_task(control.run())]
        await observer.wait_up()
        await control.wait_up()
        try:
            yield AsteriskHarness(both, control, taps, gate)
            async with asyncio.timeout(60.0):  # pytest-timeout stops its clock at a failure, nothing else ends this
                await control.wait_up()
            left = await _bridges_that_stay(control)
            for bridge_id in left:  # or one failed test would fail all that follow
                await control.destroy_bridge(bridge_id)
            assert left == set()
        finally:
            for link in links:
                link.cancel()
