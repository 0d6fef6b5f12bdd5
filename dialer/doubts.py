"""Background listening: a person put through who goes on like a recording is told to the agent, and never hung up on.

Of machines taken for people nearly all speak again within two seconds; about two people in a hundred are doubted with
them (docs/amd.md). So a doubt warns, and the agent decides.
"""

from typing import TYPE_CHECKING

from amd.verdict import CallClass
from dialer.events import Doubted
from dialer.line import Line, LineGone

if TYPE_CHECKING:
    from dialer.call_flow import CallFlow

# AMD settles within 2 s of its verdict; the rest is for the way there.
_SETTLING_S = 2.5
# Once in doubt, the beep of a voicemail is worth waiting for.
_BEEP_WAIT_S = 30.0
_NO_DOUBT = frozenset({CallClass.HUMAN, CallClass.UNKNOWN})


async def listen_on(flow: "CallFlow", line: Line, agent_id: str) -> None:
    """Tell the agent's side of doubts, until there is none for a while. Listening ends with it."""
    try:
        if await flow.hearing.overhear(line):
            await _tell_doubts(flow, agent_id)
    except LineGone:
        pass
    finally:
        flow.hearing.end()


async def _tell_doubts(flow: "CallFlow", agent_id: str) -> None:
    clock, attempt = flow.services.clock, flow.journal.attempt
    until_s = clock.monotonic_s() + _SETTLING_S
    while (left_s := until_s - clock.monotonic_s()) > 0:
        verdict = await flow.hearing.later(left_s)
        if verdict is None:
            return
        if verdict.call_class in _NO_DOUBT:
            if verdict.settled:
                return
            continue
        if talk := flow.services.desk.conversations.get(attempt.attempt_id):
            talk.doubt = verdict.call_class.value
        flow.services.sink(Doubted(clock.now_s(), attempt.attempt_id, attempt.campaign_id, agent_id, verdict))
        if verdict.call_class is CallClass.BEEP:
            return
        until_s = clock.monotonic_s() + _BEEP_WAIT_S
