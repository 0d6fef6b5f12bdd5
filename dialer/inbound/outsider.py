"""Somebody outside who is rung for a caller: a blind transfer, a consultation, a call back."""

from types import TracebackType
from typing import Self

from dialer.inbound.services import InboundServices
from dialer.line import Line, LineGone
from ivr.line import TransferEnd
from telephony.errors import EndpointRefused, LinkDown, OriginateOutcomeUnknown, TelephonyError
from telephony.port import OriginateOrder

_RING_GRACE_S = 5.0
# Q.850 causes: user busy; no user responding, no answer, absent, rejected; unallocated, changed, incomplete.
_BUSY, _NO_ANSWER, _UNKNOWN = frozenset({17}), frozenset({18, 19, 20, 21}), frozenset({1, 2, 3, 22, 28})


class Outsider:
    """A call to a number over the house's trunk. Use as `async with`: leaving it hangs up."""

    def __init__(self, services: InboundServices, channel_id: str, number: str, caller_id: str) -> None:
        """Ring `number` as `channel_id` once `ring` is called."""
        self.number = number
        self.line = Line(services.control, channel_id, services.link)
        self._services = services
        self._caller_id = caller_id
        self._placed = False

    @classmethod
    def adopted(cls, services: InboundServices, channel_id: str) -> Self:
        """Somebody who was put through before a restart of the server."""
        outsider = cls(services, channel_id, "", "")
        outsider._placed = True
        return outsider

    def talks_on(self) -> None:
        """The server stops: the talk goes on without it, and the next start takes it over."""
        self._placed = False

    async def __aenter__(self) -> Self:
        """Follow the channel's events."""
        await self.line.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Hang up, wherever the call is."""
        try:
            if self._placed and self.line.hung_up is None:
                await self._services.control.hang_up(self.line.channel_id)
        except TelephonyError as trouble:
            self._services.trouble(f"a call to somebody outside could not be hung up, recovery will: {trouble}")
        finally:
            await self.line.__aexit__(kind, error, trace)

    async def ring(self, timeout_s: float) -> TransferEnd | None:
        """Ring until somebody answers (None), or why nobody did."""
        trunk = self._services.trunk()
        if trunk is None or not trunk.free:
            self._services.trouble("a caller could not be put through outside: no trunk has a free channel")
            return TransferEnd.FAILED
        order = OriginateOrder(
            self.line.channel_id, trunk.settings.dial_string(self.number), self._caller_id, timeout_s
        )
        self._placed = True
        try:
            await self._services.control.originate(order)
            await self.line.unless_gone(self.line.answered.wait(), timeout_s + _RING_GRACE_S)
        except LineGone as gone:
            return _why(gone.hung_up.q850)
        except TimeoutError:
            return TransferEnd.NO_ANSWER
        except EndpointRefused:
            return TransferEnd.UNKNOWN_TARGET
        except (LinkDown, OriginateOutcomeUnknown) as error:
            self._services.trouble(f"a call to somebody outside was lost with the link: {error}")
            return TransferEnd.FAILED
        except TelephonyError as error:
            self._services.trouble(f"a call to somebody outside was refused: {error}")
            return TransferEnd.FAILED
        return None


def _why(q850: int) -> TransferEnd:
    for causes, end in ((_BUSY, TransferEnd.BUSY), (_NO_ANSWER, TransferEnd.NO_ANSWER)):
        if q850 in causes:
            return end
    return TransferEnd.UNKNOWN_TARGET if q850 in _UNKNOWN else TransferEnd.FAILED
