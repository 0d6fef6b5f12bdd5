"""From "it is a person" to a conversation, or to an honest message when no agent is there in time."""

import asyncio
from typing import TYPE_CHECKING

from agents.agent import AgentError
from agents.pool import InterruptRule, WaitingCall
from amd.verdict import Verdict
from campaigns.attempt import AttemptState
from campaigns.outcome import Outcome
from dialer.agent_desk import Conversation
from dialer.doubts import listen_on
from dialer.ending import words_of
from dialer.events import ConversationEnded, PersonConnected, Trouble
from dialer.journal import Detail
from dialer.line import Line, LineGone
from dialer.pacing.plan import PacingEventKind
from telephony.errors import LinkDown, RequestRejected, TelephonyError

if TYPE_CHECKING:
    from dialer.call_flow import CallFlow

# The message must be heard inside the limit: the exchange needs a moment from the request to the first audio.
_MESSAGE_LEAD_S = 0.15
# Somebody who was still speaking when judged to be a person is let finish, at most for so long.
_LONGEST_GREETING_S = 5.0
# An agent whose bridge is gone is replaced by another one; more than this many broken agents is a broken exchange.
_TRIES = 3


async def connect(flow: "CallFlow", line: Line, verdict: Verdict | None) -> tuple[Outcome, Detail]:
    """Put a person through to an agent and follow the conversation to its end.

    With nobody free by the campaign's limit, counted from the end of the greeting, the safe-harbour message is played
    and the attempt counts as abandoned. Raises LineGone when the customer hangs up before that.
    """
    flow.journal.move(AttemptState.CONNECTING, detail=words_of(verdict))
    agent_id, was_free = await _put_through(flow, line, flow.services.clock.monotonic_s())
    return await (_talk(flow, line, agent_id, was_free) if agent_id else _abandon(flow, line))


async def _put_through(flow: "CallFlow", line: Line, asked_s: float) -> tuple[str | None, bool]:
    """The agent with whom the customer is in a bridge now, and whether it was idle at once; None when there is none."""
    recorder, attempt = flow.services.recorder, flow.journal.attempt
    try:
        for _ in range(_TRIES):
            agent_id, was_free = await _agent(flow, line, asked_s)
            if agent_id is None:
                break
            if await _bridge(flow, line, agent_id):
                return agent_id, was_free
            flow.agent_id = None
    except BaseException:
        recorder.discard(attempt)
        raise
    recorder.discard(attempt)
    return None, False


async def _agent(flow: "CallFlow", line: Line, asked_s: float) -> tuple[str | None, bool]:
    """The agent for this call, and whether it was idle at once. None: nobody came free in time."""
    if flow.agent_id:
        return flow.agent_id, True
    services = flow.services
    since_s = services.clock.monotonic_s()
    call = WaitingCall(flow.attempt_id, flow.campaign.campaign_id, since_s, interrupt=_interrupt_rule(flow))
    if agent_id := services.desk.reserve_now(call):
        return agent_id, True
    agent = asyncio.create_task(services.desk.wait_for_agent(call), name=f"agent for {flow.attempt_id}")
    too_late = asyncio.create_task(_until_message_due(flow, asked_s), name=f"patience of {flow.attempt_id}")
    try:
        await line.unless_gone(asyncio.wait((agent, too_late), return_when=asyncio.FIRST_COMPLETED))
        return (agent.result(), False) if agent.done() else (None, False)
    finally:
        agent.cancel()
        too_late.cancel()


def _interrupt_rule(flow: "CallFlow") -> InterruptRule | None:
    agreed = flow.campaign.wrap_up
    if agreed.interruptible_share <= 0.0:
        return None
    return InterruptRule(agreed.interruptible_share, agreed.interruptible_after_s, agreed.interruptible_back_s)


async def _until_message_due(flow: "CallFlow", asked_s: float) -> None:
    """Wait until the safe-harbour message must begin: the limit counts from the end of the greeting.

    asked_s: when an agent was first asked for, which counts where nobody listened for a greeting.
    """
    greeting_end_s = await flow.hearing.greeting_end_s(asked_s, _LONGEST_GREETING_S)
    due_s = greeting_end_s + flow.campaign.safe_harbour.max_wait_s - _MESSAGE_LEAD_S
    await asyncio.sleep(max(0.0, due_s - flow.services.clock.monotonic_s()))


async def _bridge(flow: "CallFlow", line: Line, agent_id: str) -> bool:
    """Add the customer to the agent's bridge; False when it is the agent's side that is gone.

    Raises LineGone when the customer is: the agent is free again then. A lost link is waited for.
    """
    services, attempt_id = flow.services, flow.attempt_id
    try:
        if flow.campaign.recording:
            # A server that dies between this and the next line loses nothing of the conversation.
            services.recorder.begin(flow.journal.attempt)
            await asyncio.sleep(0)  # it is asked for before the bridge is; nobody waits until it is done
        await services.control.add_to_bridge(services.desk.bridge_of(agent_id), line.channel_id)
        return True
    except LinkDown:
        services.desk.release(agent_id, attempt_id)
        await line.unless_gone(services.link.up())
        await flow.leave_bridge(line)  # whether we are in is not known: the next agent must be alone with the customer
        return False
    except (RequestRejected, AgentError) as error:
        services.desk.release(agent_id, attempt_id)
        # "Not found" names no one: had it been the customer, the end of its channel is on its way.
        try:
            raise LineGone(await line.gone(0.2))
        except TimeoutError:
            words = f"agent {agent_id} had no bridge, the call goes to another agent: {error}"
            services.sink(Trouble(services.clock.now_s(), "connect", words, attempt_id))
            services.desk.doubt(agent_id)
            return False
    except BaseException:
        services.desk.release(agent_id, attempt_id)
        raise


async def _talk(flow: "CallFlow", line: Line, agent_id: str, was_free: bool) -> tuple[Outcome, Detail]:
    services, attempt_id, campaign_id = flow.services, flow.attempt_id, flow.campaign.campaign_id
    bridged_at_s = services.clock.monotonic_s()
    conversation = services.desk.connected(agent_id, attempt_id, campaign_id)
    verdict_at_s = flow.hearing.verdict_at_s or bridged_at_s
    flow.journal.move(
        AttemptState.BRIDGED, agent_id, {"verdict_to_bridge_ms": round((bridged_at_s - verdict_at_s) * 1000, 1)}
    )
    flow.observe(PacingEventKind.CONNECTED, agent_id=agent_id)
    services.sink(
        PersonConnected(services.clock.now_s(), attempt_id, campaign_id, agent_id, verdict_at_s, bridged_at_s, was_free)
    )
    listening = asyncio.create_task(listen_on(flow, line, agent_id), name=f"doubts of {attempt_id}")
    try:
        return await converse(flow, line, conversation)
    finally:
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)
        flow.hearing.end()  # a task that was cancelled before it began ended nothing


async def converse(flow: "CallFlow", line: Line, conversation: Conversation) -> tuple[Outcome, Detail]:
    """Follow a conversation until either side ends it; the agent then wraps up. Recovery comes in here too."""
    services, attempt = flow.services, flow.journal.attempt
    recording = asyncio.create_task(_record(flow), name=f"record {attempt.attempt_id}")
    try:
        await line.unless_gone(conversation.over.wait())
        if conversation.agent_lost:
            await _apologise(flow, line, conversation.agent_id)
    except LineGone:
        pass
    except BaseException:
        recording.cancel()
        raise
    talk_s = services.clock.monotonic_s() - conversation.began_s
    services.desk.talk_ended(conversation.agent_id, attempt.attempt_id, flow.campaign.wrap_up.max_s)
    flow.observe(PacingEventKind.TALK_ENDED, talk_s, conversation.agent_id)
    path = await recording
    now_s = services.clock.now_s()
    services.sink(
        ConversationEnded(now_s, attempt.attempt_id, attempt.campaign_id, conversation.agent_id, talk_s, path)
    )
    if path:
        await services.recorder.finish(attempt)
    return Outcome.BRIDGED, {"talk_s": round(talk_s, 2), "ended_by": "agent" if line.hung_up is None else "customer"}


async def _record(flow: "CallFlow") -> str:
    return await flow.services.recorder.start(flow.journal.attempt) if flow.campaign.recording else ""


async def _abandon(flow: "CallFlow", line: Line) -> tuple[Outcome, Detail]:
    """Nobody in time: say who called, as the law wants, and hang up."""
    flow.abandoning = True
    flow.observe(PacingEventKind.ABANDONED)  # now, not when the message ends: the law must slow down at once
    await flow.hearing.let_go(line)
    started_s = flow.services.clock.monotonic_s()
    played = await flow.say(line, flow.services.prompts.safe_harbour(flow.campaign), "sh")
    detail: Detail = {"message_s": round(flow.services.clock.monotonic_s() - started_s, 2)}
    if not played:
        words = f"the safe-harbour message {flow.campaign.safe_harbour.prompt!r} could not be played: check the prompt"
        flow.services.sink(Trouble(flow.services.clock.now_s(), "connect", words, flow.attempt_id))
        detail["why"] = "message not played"
    return Outcome.ABANDONED, detail


async def _apologise(flow: "CallFlow", line: Line, agent_id: str) -> None:
    """The agent's line broke and did not come back: nobody hears silence and a hang-up."""
    try:
        await flow.services.control.remove_from_bridge(flow.services.desk.bridge_of(agent_id), line.channel_id)
        await flow.say(line, flow.services.prompts.agent_lost(flow.campaign), "al")
    except (TelephonyError, AgentError) as error:
        words = f"agent {agent_id} was lost in a conversation, and the customer could not be told: {error}"
        flow.services.sink(Trouble(flow.services.clock.now_s(), "connect", words, flow.attempt_id))
