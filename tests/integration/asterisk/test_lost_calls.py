"""Asterisk died with calls up: their far ends got no BYE and go on talking to the ports that they know."""

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from telephony.asterisk.settings import PortRange, Trunk
from tests.support.servers import AsteriskFactory
from tests.support.until import until

pytestmark = pytest.mark.asterisk

_PERSON = """
[far]
exten => _X.,1,Ringing()
 same => n,Wait(1)
 same => n,Answer()
 same => n,PlayTones(600)
 same => n,Wait(4)
 same => n,Hangup()
"""
_RECORD = """
[record]
exten => s,1,Answer()
 same => n,MixMonitor({folder}/said.wav)
 same => n,Wait(20)
"""
_ALAW_SILENCE = b"\xd5" * 160


@asynccontextmanager
async def far_ends_that_go_on(ports: Iterable[int]) -> AsyncIterator[None]:
    """One RTP stream to each port, as somebody sends who does not know that the call is lost."""

    async def talk(port: int) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            for number in range(60_000):
                header = struct.pack("!BBHII", 0x80, 8, number, number * 160, port)
                sender.sendto(header + _ALAW_SILENCE, ("127.0.0.1", port))
                await asyncio.sleep(0.02)

    talks = [asyncio.create_task(talk(port)) for port in ports]
    try:
        yield
    finally:
        for each in talks:
            each.cancel()
        await asyncio.gather(*talks, return_exceptions=True)


def loudness(path: Path) -> float:
    """Of the second half of a sound file, full scale 1."""
    samples, _ = soundfile.read(path)
    return float(np.sqrt(np.mean(samples[len(samples) // 2 :] ** 2)))


async def test_given_an_asterisk_that_died_twice_when_lost_far_ends_go_on_then_a_new_call_hears_its_own_each_time(
    asterisk_instance: AsteriskFactory,
) -> None:
    dialer = asterisk_instance.make(extra_modules=("res_clioriginate",))
    network = asterisk_instance.make()
    first = dialer.settings.rtp_ports.first
    to_network = Trunk("far", "127.0.0.1", network.settings.sip_port, match=("127.0.0.1",), codecs=("alaw",))
    to_dialer = Trunk("back", "127.0.0.1", dialer.settings.sip_port, match=("127.0.0.1",), context="far")
    folder = dialer.settings.recordings_dir
    dialer.settings = replace(
        dialer.settings,
        trunks=(to_network,),
        rtp_ports=PortRange(first, first + 7),
        extra_dialplan=_RECORD.format(folder=folder),
    )
    network.settings = replace(network.settings, trunks=(to_dialer,), extra_dialplan=_PERSON)
    await network.start()
    await dialer.start()

    async def over() -> bool:
        return (folder / "said.wav").exists() and "0 active channels" in await dialer.rx("core show channels")

    for half in (first, first + 4):  # the ports that the calls of this life had, and those of the next one
        await dialer.kill()
        async with far_ends_that_go_on(range(half, half + 4, 2)):
            await dialer.start()
            await dialer.rx("channel originate PJSIP/123@far extension s@record")
            await until(over, 30.0)
        assert loudness(folder / "said.wav") > 0.1
        (folder / "said.wav").unlink()
