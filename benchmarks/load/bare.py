"""The same calls on an Asterisk that is left to its dialplan: what telephony alone costs on this machine."""

import asyncio
import random
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp

from benchmarks.load.folders import open_folder
from benchmarks.load.meter import Cost, Meter
from telephony.asterisk import install, ports
from telephony.asterisk.process import AsteriskInstance
from telephony.asterisk.settings import AsteriskSettings, PortRange, Trunk

_DIALPLAN = """
[load]
exten => wait,1,Wait(86400)
exten => amd,1,AMD()
 same => n,Goto(amd,1)
"""
_RAMP_PER_S = 20.0
_SETTLE_S = 3.0
_WARM_UP_S = 4.0
_RTP_PORTS = 1600


@asynccontextmanager
async def _bare(trunk_port: int) -> AsyncIterator[AsteriskInstance]:
    """An Asterisk whose dialplan is all there is."""
    with open_folder("timbre-bare-") as folder:
        rtp: PortRange = ports.free_rtp_range(random.Random(), _RTP_PORTS)
        settings = AsteriskSettings(
            directory=folder / "asterisk",
            name="bare",
            http_port=ports.free_tcp_port(),
            ami_port=ports.free_tcp_port(),
            sip_port=ports.free_udp_port(),
            rtp_ports=rtp,
            trunks=(Trunk("carrier", "127.0.0.1", trunk_port, codecs=("alaw",), qualify_s=0),),
            extra_dialplan=_DIALPLAN,
        )
        instance = AsteriskInstance(settings, await asyncio.to_thread(install.require))
        await instance.start()
        try:
            yield instance
        finally:
            await instance.stop()


class _Dialer:
    """Places calls into the dialplan. Its own CPU is not measured."""

    def __init__(self, instance: AsteriskInstance, extension: str) -> None:
        credentials = instance.credentials
        login = {"Authorization": aiohttp.encode_basic_auth(credentials.ari_user, credentials.ari_password)}
        self._session = aiohttp.ClientSession(headers=login)
        self._url = f"{instance.ari_url}/channels"
        self._extension = extension

    async def place(self) -> None:
        number = f"+34788{random.randrange(10**6):06d}"
        query = {
            "endpoint": f"PJSIP/{number}@carrier",
            "context": "load",
            "extension": self._extension,
            "priority": "1",
            "timeout": "20",
            "channelId": str(uuid.uuid4()),
        }
        async with self._session.post(self._url, params=query) as answer:
            answer.raise_for_status()

    async def close(self) -> None:
        await self._session.close()


async def hold(trunk_port: int, extension: str, calls: int, seconds: float) -> Cost:
    """What Asterisk costs while `calls` answered calls stay in the extension ("wait" or "amd")."""
    async with _bare(trunk_port) as instance:
        dialer = _Dialer(instance, extension)
        try:
            for _ in range(calls):
                await dialer.place()
                await asyncio.sleep(1 / _RAMP_PER_S)
        finally:
            await dialer.close()
        await asyncio.sleep(_SETTLE_S)
        return await _measured(instance, seconds)


async def dial(trunk_port: int, rate: float, seconds: float, warm_up_s: float = _WARM_UP_S) -> Cost:
    """What Asterisk costs while `rate` calls a second are placed that nobody answers."""
    async with _bare(trunk_port) as instance:
        dialer = _Dialer(instance, "wait")
        placing = asyncio.create_task(_place_steadily(dialer, rate), name="placing")
        try:
            await asyncio.sleep(warm_up_s)
            return await _measured(instance, seconds)
        finally:
            placing.cancel()
            await asyncio.gather(placing, return_exceptions=True)
            await dialer.close()


async def _place_steadily(dialer: _Dialer, rate: float) -> None:
    loop = asyncio.get_running_loop()
    next_s = loop.time()
    async with asyncio.TaskGroup() as group:
        while True:
            group.create_task(dialer.place(), name="place")
            next_s += 1 / rate
            await asyncio.sleep(max(0.0, next_s - loop.time()))


async def _measured(instance: AsteriskInstance, seconds: float) -> Cost:
    assert instance.pid
    meter = Meter({"asterisk": instance.pid})
    meter.begin()
    await asyncio.sleep(seconds)
    return meter.end()["asterisk"]
