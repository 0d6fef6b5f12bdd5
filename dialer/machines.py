"""What is done with an answer that is not (yet) a person: voicemail, fax, silence, tones, call screening."""

from typing import TYPE_CHECKING

from amd.verdict import CallClass, Verdict
from campaigns.campaign import OnMachine
from campaigns.outcome import Outcome
from dialer.ending import Ending, words_of
from dialer.line import Line
from telephony.causes import outcome_of_verdict
from telephony.errors import TelephonyError

if TYPE_CHECKING:
    from dialer.call_flow import CallFlow

# Voicemail systems give greetings of up to a minute before the beep.
_BEEP_WAIT_S = 60.0
# A phone that screens calls rings its owner for up to about half a minute after we said who we are.
_SCREENING_WAIT_S = 30.0
_MACHINES = frozenset({CallClass.MACHINE, CallClass.MUSIC, CallClass.BEEP})


async def deal_with(flow: "CallFlow", line: Line, verdict: Verdict) -> Ending | None:
    """End a call that no person answered; None when a person came on after all.

    Raises LineGone when the far end hangs up first.
    """
    match verdict.call_class:
        case CallClass.SCREENING:
            return await _introduce(flow, line)
        case CallClass.RINGBACK:
            return await _until_person(flow, line, flow.campaign.ring_timeout_s, Outcome.NO_ANSWER)
        case CallClass.SILENCE:
            return await _speak_up(flow, line)
        case kind if kind in _MACHINES and flow.campaign.amd.on_machine is OnMachine.LEAVE_MESSAGE:
            return await _leave_message(flow, line, verdict)
        case _:
            return _ending(outcome_of_verdict(verdict), verdict)


async def _introduce(flow: "CallFlow", line: Line) -> Ending | None:
    """Tell the screening assistant who calls, then wait for its owner: an unexplained hang-up would be one more."""
    await _say(flow, line, flow.services.prompts.safe_harbour(flow.campaign))
    return await _until_person(flow, line, _SCREENING_WAIT_S, Outcome.SCREENING)


async def _speak_up(flow: "CallFlow", line: Line) -> Ending:
    """Nothing was heard. Somebody may be listening all the same: say who called before hanging up."""
    assert flow.verdict
    await _say(flow, line, flow.services.prompts.safe_harbour(flow.campaign))
    return _ending(Outcome.SILENCE, flow.verdict)


async def _until_person(flow: "CallFlow", line: Line, timeout_s: float, otherwise: Outcome) -> Ending | None:
    """Go on listening; None as soon as a person speaks."""
    first = flow.verdict
    assert first
    deadline_s = flow.services.clock.monotonic_s() + timeout_s
    while (left_s := deadline_s - flow.services.clock.monotonic_s()) > 0:
        verdict = await flow.next_verdict(line, left_s)
        if verdict.call_class is CallClass.HUMAN:
            return None
        if verdict.call_class is not first.call_class and verdict.call_class in _MACHINES:
            return _ending(outcome_of_verdict(verdict), verdict)
    flow.verdict = first
    return _ending(otherwise, first)


async def _leave_message(flow: "CallFlow", line: Line, verdict: Verdict) -> Ending | None:
    """Wait for the beep, speak after it. A person who picks up meanwhile goes to an agent."""
    deadline_s = flow.services.clock.monotonic_s() + _BEEP_WAIT_S
    heard = verdict
    while heard.call_class is not CallClass.BEEP:
        left_s = deadline_s - flow.services.clock.monotonic_s()
        heard = await flow.next_verdict(line, max(left_s, 0.0))
        if heard.call_class is CallClass.HUMAN:
            return None
        if left_s <= 0 or heard.call_class is CallClass.UNKNOWN:
            flow.verdict = verdict
            return _ending(Outcome.MACHINE, verdict, why="no beep")
    flow.verdict = verdict
    played = await _say(flow, line, flow.services.prompts.voicemail(flow.campaign))
    return _ending(Outcome.MESSAGE_LEFT if played else Outcome.MACHINE, verdict)


async def _say(flow: "CallFlow", line: Line, media: tuple[str, ...]) -> bool:
    try:
        return await flow.say(line, media, "pb")
    except TelephonyError:
        return False


def _ending(outcome: Outcome, verdict: Verdict, why: str = "") -> Ending:
    return Ending(outcome, words_of(verdict) | ({"why": why} if why else {}))
