"""Asterisk's external media into the tap hub: twenty calls with tones, every frame of them."""

import asyncio
import time
import uuid

import numpy as np
import pytest

from media.frames import FRAME_S
from media.levels import dbfs, strongest_hz
from media.tap_hub import TapHub
from tests.integration.media.ari import APP, Ari, connected
from tests.support.servers import AsteriskFactory

TAPS = 20
SECONDS = 5
DIALPLAN = """
[tones]
exten => _X.,1,Answer()
 same => n,PlayTones(${EXTEN})
 same => n,Wait(60)
"""


class MachineClock:
    def now_s(self) -> float:
        return time.time()

    def monotonic_s(self) -> float:
        return time.monotonic()


async def tapped_tone(ari: Ari, hub: TapHub, index: int, frequency_hz: int) -> str:
    """A call that plays a tone, in a bridge with a tap; returns the tap's id."""
    tap_id = str(uuid.uuid4())
    hub.open(tap_id)
    call, tap, bridge = f"{index:02d}-{tap_id}-call", f"{index:02d}-{tap_id}-tapc", f"{index:02d}-{tap_id}-tapb"
    await ari.post(f"bridges/{bridge}", type="mixing")
    await ari.post("channels", channelId=call, endpoint=f"Local/{frequency_hz}@tones", app=APP)
    await ari.post(
        "channels/externalMedia",
        channelId=tap,
        app=APP,
        external_host=f"127.0.0.1:{hub.port}",
        encapsulation="audiosocket",
        transport="tcp",
        format="slin",
        data=tap_id,
    )
    for channel in (call, tap):
        await ari.event("StasisStart", channel)
    await ari.post(f"bridges/{bridge}/addChannel", channel=f"{call},{tap}")
    return tap_id


async def listen(hub: TapHub, heard: dict[int, list[np.ndarray]]) -> None:
    """Read every tick, as the dialer does, and keep what each slot says."""
    start, tick = time.monotonic(), 0
    while True:
        step = hub.read_tick()
        for slot, frame in zip(step.slots[step.present].tolist(), step.frames[step.present], strict=True):
            heard.setdefault(slot, []).append(frame.copy())
        tick += 1
        await asyncio.sleep(max(0.0, start + tick * FRAME_S - time.monotonic()))


@pytest.mark.asterisk
async def test_given_twenty_calls_with_tones_then_no_frame_is_late_or_lost(
    asterisk_instance: AsteriskFactory,
) -> None:
    instance = asterisk_instance.make(extra_dialplan=DIALPLAN, stasis_app=APP)
    await instance.start()
    async with TapHub(MachineClock()) as hub, connected(instance) as ari:
        heard: dict[int, list[np.ndarray]] = {}
        listener = asyncio.create_task(listen(hub, heard), name="listener")
        frequencies_hz = {}
        for index in range(TAPS):
            frequency_hz = 400 + 50 * index
            frequencies_hz[await tapped_tone(ari, hub, index, frequency_hz)] = frequency_hz
        await asyncio.sleep(0.5)
        heard.clear()
        before = hub.totals()
        await asyncio.sleep(SECONDS)
        after = hub.totals()
        listener.cancel()
        slot_of = dict(zip(frequencies_hz, hub.read_tick().slots.tolist(), strict=True))
        for tap_id, frequency_hz in frequencies_hz.items():
            audio = np.concatenate(heard[slot_of[tap_id]])
            assert strongest_hz(audio) == pytest.approx(frequency_hz, abs=1)
            assert np.ptp([dbfs(part) for part in np.array_split(audio, 25)]) < 1, "the tone has no hole"
        assert (after.late, after.lost) == (0, 0)
        share = (after.received - before.received) / (TAPS * SECONDS / FRAME_S)
        print(f"frames that Asterisk sent: {share:.1%}; {after}")
        # 59 % came at a load of 12: a starved Asterisk leaves out frames of PlayTones, a broken tap most of them.
        assert 0.3 < share < 1.05
        for tap_id in frequencies_hz:
            hub.close(tap_id)
    await instance.stop()
