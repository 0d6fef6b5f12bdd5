"""A caller and somebody outside: put through, talking, and found again after a restart of the server."""

import asyncio
from collections.abc import Awaitable, Mapping

from dialer.inbound.call import InboundCall
from dialer.inbound.outsider import Outsider
from ivr.line import TransferEnd, Transferred
from storage.calls import CallStage
from telephony.port import CallControl, ExchangeState

_RING_TONE = ("tone:ring",)


async def to_number(call: InboundCall, number: str, ring_s: float) -> Transferred:
    """Ring a number outside with ring-back for the caller, and join both until either hangs up.

    Raises LineGone when the caller hangs up, TelephonyError.
    """
    services, control = call.services, call.services.control
    call.journal.note(stage=CallStage.TRANSFER)
    async with Outsider(services, f"{call.new_id()}-xfer", number, call.journal.call.did) as outsider:
        async with call.playing(ring_back(call)):
            refused = await call.line.unless_gone(outsider.ring(ring_s))
        if refused is not None:
            return Transferred(refused)
        bridge_id = f"{call.new_id()}-xfrb"
        await call.ask(lambda: control.create_bridge(bridge_id))

        async def joined() -> None:
            await call.ask(lambda: control.add_to_bridge(bridge_id, outsider.line.channel_id))
            await call.ask(lambda: control.add_to_bridge(bridge_id, call.line.channel_id))

        return await _talk_outside(call, outsider, bridge_id, joined())


async def goes_on_outside(call: InboundCall, channel_id: str, bridge_id: str) -> Transferred:
    """Caller and somebody outside talked all the while a server was restarted; to the end. talk_s: since then.

    Raises LineGone when the caller hangs up, TelephonyError.
    """
    async with Outsider.adopted(call.services, channel_id) as outsider:
        return await _talk_outside(call, outsider, bridge_id)


async def _talk_outside(
    call: InboundCall, outsider: Outsider, bridge_id: str, joining: Awaitable[None] | None = None
) -> Transferred:
    """Until either hangs up; a server that stops leaves them to the next one."""
    clock, control = call.services.clock, call.services.control
    began_s, stopped = clock.monotonic_s(), False
    try:
        if joining is not None:
            await joining
        await call.line.unless_gone(outsider.line.gone())
    except asyncio.CancelledError:
        stopped = True
        outsider.talks_on()
        raise
    finally:
        if not stopped:
            call.journal.note(talk_s=call.journal.call.talk_s + clock.monotonic_s() - began_s)
            await control.destroy_bridge(bridge_id)
    return Transferred(TransferEnd.TALKED, clock.monotonic_s() - began_s)


async def ring_back(call: InboundCall) -> None:
    """Ring tone for the caller, until cancelled."""
    while True:
        await call.loop_once(_RING_TONE)


def outside_talks(state: ExchangeState, callers: set[str]) -> dict[str, str]:
    """Which of these callers talk with somebody outside, and who that is, both by their channels."""
    found: dict[str, str] = {}
    for bridge in state.bridges:
        if bridge.bridge_id.endswith("-xfrb"):
            outsiders = [each for each in bridge.channel_ids if each.endswith("-xfer")]
            found |= {caller: outsiders[0] for caller in callers & set(bridge.channel_ids) if outsiders}
    return found


async def sweep(control: CallControl, state: ExchangeState, talking: set[str], outside: Mapping[str, str]) -> None:
    """Legs to outside and their bridges belong to calls whose coroutine is gone.

    talking: channels of calls that go on: who is called back and talks with an agent is one of them. outside: who talks
    with somebody outside, and with whom.
    """
    for bridge in state.bridges:
        if bridge.bridge_id.endswith("-xfrb") and not outside.keys() & set(bridge.channel_ids):
            await control.destroy_bridge(bridge.bridge_id)
    keep = talking | set(outside.values())
    for channel in state.channels:
        if channel.channel_id.endswith(("-xfer", "-cbck")) and channel.channel_id not in keep:
            await control.hang_up(channel.channel_id)
