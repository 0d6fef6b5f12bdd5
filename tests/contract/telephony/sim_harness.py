"""The simulated exchange under the contract."""

import asyncio

import numpy as np

from media.frames import SAMPLE_RATE_HZ
from telephony.sim.exchange import SimExchange
from telephony.sim.far_end import Answer, FarEnd, HangUp, Press, Ring, Say
from telephony.sim.network import Network
from telephony.sim.taps import SimTaps
from telephony.sim.virtual_time import VirtualClock
from tests.contract.telephony.harness import Behaviour, eventually

_TONE = (8000 * np.sin(2 * np.pi * 440 * np.arange(5 * SAMPLE_RATE_HZ) / SAMPLE_RATE_HZ)).astype(np.int16)
_RINGS_AND_ANSWERS = (Ring(0.1), Answer(0.5))
_FAR_ENDS = {
    Behaviour.PERSON: FarEnd((*_RINGS_AND_ANSWERS, Say(0.2, _TONE))),
    Behaviour.AGENT: FarEnd((Answer(), Say(0.2, _TONE))),
    Behaviour.HANGS_UP: FarEnd((*_RINGS_AND_ANSWERS, HangUp(1.0))),
    Behaviour.PRESSES_42: FarEnd((*_RINGS_AND_ANSWERS, Press(2.0, "42"))),
    Behaviour.MUTE: FarEnd(_RINGS_AND_ANSWERS, sends_audio=False),
    Behaviour.NO_ANSWER: FarEnd.no_answer(),
    Behaviour.ANNOUNCEMENT: FarEnd.announcement(_TONE),
    Behaviour.BUSY: FarEnd.refused(486),
    Behaviour.UNALLOCATED: FarEnd.refused(404),
    Behaviour.CONGESTION: FarEnd.refused(503),
    Behaviour.REJECTED: FarEnd.refused(603),
}
_SOUNDS_S = {"sound:prompt": 1.5, "sound:long": 8.0}


class SimHarness:
    prompt = "sound:prompt"
    long_prompt = "sound:long"
    missing_prompt = "sound:missing"
    patience_s = 30.0

    def __init__(self) -> None:
        self.clock = VirtualClock()
        self.taps = SimTaps(self.clock)
        network = Network()
        for behaviour, far_end in _FAR_ENDS.items():
            network.put(behaviour.replace(" ", "-"), far_end)
        self.control = SimExchange(self.clock, network, self.taps, sound_s=_SOUNDS_S.get)
        self._callers: list[str] = []

    async def target(self, behaviour: Behaviour) -> str:
        return f"PJSIP/{behaviour.replace(' ', '-')}@carrier"

    async def unknown_target(self) -> str:
        return "PJSIP/nobody@nowhere"

    async def call_in(self, called: str, caller: str) -> None:
        self._callers.append(self.control.call_in(called, caller, FarEnd.caller(then=(Say(0.1, _TONE),))))

    async def caller_hangs_up(self) -> None:
        self.control.far_end_hangs_up(self._callers[-1])

    async def hears(self, listener: str, source: str) -> bool:
        return self.control.hears(listener, source)

    async def recorded_bytes(self, path: str) -> int:
        _, since_s, until_s = self.control.recordings[path]
        return round(((until_s or asyncio.get_running_loop().time()) - since_s) * SAMPLE_RATE_HZ) * 4

    def recording_path(self, name: str) -> str:
        return f"recordings/{name}"

    async def lose_link(self) -> None:
        self.control.lose_link()

    async def restore_link(self) -> None:
        self.control.restore_link()

    async def restart_exchange(self) -> None:
        self.control.restart()

    async def far_end_answered(self, channel_id: str) -> None:
        async def answered() -> bool:
            return self.control.record(channel_id).answered_s is not None

        await eventually(self, answered, "the far end answered")

    async def far_end_is_gone(self, channel_id: str) -> None:
        async def gone() -> bool:
            return self.control.record(channel_id).ended_s is not None

        await eventually(self, gone, "the far end is gone")
