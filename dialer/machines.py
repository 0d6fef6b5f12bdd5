"""What is done with an answer that is not (yet) a person: voicemail, fax, silence, tones, call screening."""

import asyncio
from typing import TYPE_CHECKING

from amd.verdict import CallClass, Verdict
from campaigns.campaign import OnMachine
from campaigns.outcome import Outcome
from dialer.ending import Ending, words_of
from dialer.line import LONGEST_PROMPT_S, Line
from telephony.causes import outcome_of_verdict
from telephony.errors import TelephonyError

if TYPE_CHECKING:
    from dialer.call_flow import CallFlow

# Voicemail systems give greetings of up to a minute before the beep.
_BEEP_WAIT_S = 60.0
# The assistant's question is over when it has been quiet for so long; nobody waits longer than that for it.
_PAUSE_S = 0.8
_QUESTION_S = 15.0
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
    """Tell the screening assistant who calls, then wait for its owner: an unexplained hang-up would be one more.

    We speak in the assistant's pause, not over its words, and are silent as soon as its owner speaks.
    """
    first = flow.hearing.verdict
    assert first
    await flow.hearing.pause(line, _PAUSE_S, _QUESTION_S)
    await _hear_through(flow, line)
    longest_s = LONGEST_PROMPT_S + _SCREENING_WAIT_S
    owner = asyncio.create_task(_until_person(flow, line, longest_s, Outcome.SCREENING), name="screened call's owner")
    speaking = asyncio.create_task(_say(flow, line, flow.services.prompts.safe_harbour(flow.campaign)))
    try:
        await asyncio.wait((owner, speaking), return_when=asyncio.FIRST_COMPLETED)
        await asyncio.wait((owner,), timeout=_SCREENING_WAIT_S)
        if not owner.done():
            flow.hearing.verdict = first
            return _ending(Outcome.SCREENING, first)
        await line.hush()
        return owner.result()
    finally:
        for task in (owner, speaking):
            task.cancel()
        await asyncio.gather(owner, speaking, return_exceptions=True)


async def _speak_up(flow: "CallFlow", line: Line) -> Ending | None:
    """Nothing was heard. Somebody may be listening all the same: say who called; None as soon as they speak."""
    first = flow.hearing.verdict
    assert first
    _, person = await _say_and_listen(flow, line, flow.services.prompts.safe_harbour(flow.campaign))
    if person:
        return None
    flow.hearing.verdict = first
    return _ending(Outcome.SILENCE, first)


async def _until_person(flow: "CallFlow", line: Line, timeout_s: float, otherwise: Outcome) -> Ending | None:
    """Go on listening; None as soon as a person speaks."""
    first = flow.hearing.verdict
    assert first
    deadline_s = flow.services.clock.monotonic_s() + timeout_s
    while (left_s := deadline_s - flow.services.clock.monotonic_s()) > 0:
        verdict = await flow.hearing.next_verdict(line, left_s)
        if verdict.call_class is CallClass.HUMAN:
            return None
        if verdict.call_class is not first.call_class and verdict.call_class in _MACHINES:
            return _ending(outcome_of_verdict(verdict), verdict)
    flow.hearing.verdict = first
    return _ending(otherwise, first)


async def _leave_message(flow: "CallFlow", line: Line, verdict: Verdict) -> Ending | None:
    """Wait for the beep, speak after it. A person who picks up meanwhile goes to an agent."""
    deadline_s = flow.services.clock.monotonic_s() + _BEEP_WAIT_S
    heard = verdict
    while heard.call_class is not CallClass.BEEP:
        left_s = deadline_s - flow.services.clock.monotonic_s()
        heard = await flow.hearing.next_verdict(line, max(left_s, 0.0))
        if heard.call_class is CallClass.HUMAN:
            return None
        if left_s <= 0 or heard.call_class is CallClass.UNKNOWN:
            flow.hearing.verdict = verdict
            return _ending(Outcome.MACHINE, verdict, why="no beep")
    flow.hearing.verdict = verdict
    return await _speak_to_machine(flow, line, verdict)


async def _speak_to_machine(flow: "CallFlow", line: Line, verdict: Verdict) -> Ending | None:
    """The message after the beep. Whoever speaks meanwhile has picked up: silence at once, and an agent."""
    played, person = await _say_and_listen(flow, line, flow.services.prompts.voicemail(flow.campaign))
    if person:
        return None
    flow.hearing.verdict = verdict
    return _ending(Outcome.MESSAGE_LEFT if played else Outcome.MACHINE, verdict)


async def _say_and_listen(flow: "CallFlow", line: Line, media: tuple[str, ...]) -> tuple[bool, bool]:
    """Play a prompt, and be silent as soon as a person speaks: whether it was played, whether a person spoke."""
    await _hear_through(flow, line)
    speaking = asyncio.create_task(_say(flow, line, media), name="a prompt to nobody we know")
    person = asyncio.create_task(_picks_up(flow, line), name="somebody who speaks during a prompt")
    try:
        await asyncio.wait((speaking, person), return_when=asyncio.FIRST_COMPLETED)
        if not speaking.done() and person.result():
            await line.hush()
            return False, True
        return await speaking, False
    finally:
        for task in (speaking, person):
            task.cancel()
        await asyncio.gather(speaking, person, return_exceptions=True)


async def _hear_through(flow: "CallFlow", line: Line) -> None:
    """From now on the call is heard while we speak to it, unless the campaign's lines echo."""
    if flow.campaign.amd.heard_while_speaking:
        await flow.hearing.overhear(line)


async def _picks_up(flow: "CallFlow", line: Line) -> bool:
    """True as soon as a person speaks; False when nobody did while the longest message plays."""
    while True:
        heard = (await flow.hearing.next_verdict(line, LONGEST_PROMPT_S)).call_class
        if heard in (CallClass.HUMAN, CallClass.UNKNOWN):
            return heard is CallClass.HUMAN


async def _say(flow: "CallFlow", line: Line, media: tuple[str, ...]) -> bool:
    try:
        return await flow.say(line, media, "pb")
    except TelephonyError:
        return False


def _ending(outcome: Outcome, verdict: Verdict, why: str = "") -> Ending:
    return Ending(outcome, words_of(verdict) | ({"why": why} if why else {}))
