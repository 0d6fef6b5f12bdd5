"""Who talks with a caller, written down: the talk's row, the agent's time, the events, the recording."""

from dataclasses import dataclass, replace

from dialer.agent_desk import Conversation
from dialer.inbound.call import InboundCall
from dialer.inbound.events import TalkBegan, TalkOver
from storage.calls import CallStage, Talk


@dataclass(slots=True)
class Party:
    """An agent in the room."""

    agent_id: str
    talk: Talk
    conversation: Conversation


class TalkBook:
    """The talks of one stay in a room. talk_s: of all agents together; last_agent: who talked last, "" for nobody."""

    def __init__(self, call: InboundCall, queue: str, wrap_up_s: float, recording: bool) -> None:
        """queue: whose call it is, "" for a direct one. wrap_up_s: of every agent who talks."""
        self._call = call
        self._queue = queue
        self._wrap_up_s = wrap_up_s
        self._recording = recording
        self._recorded = ""
        self.talk_s = 0.0
        self.last_agent = ""

    def enter(self, agent_id: str, talk_id: str, adopted: bool = False) -> Party:
        """An agent talks from now on; adopted: it did before a restart of the server. Raises AgentError."""
        services, call = self._call.services, self._call
        if adopted:
            conversation = services.desk.adopt(agent_id, talk_id, self._queue)
        else:
            conversation = services.desk.connected(agent_id, talk_id, self._queue)
        now_s = services.clock.now_s()
        talk = Talk(talk_id, call.call_id, self._queue, agent_id, now_s)
        call.journal.note(stage=CallStage.TALK, agent_id=agent_id, queue=self._queue)
        call.journal.talk(talk)
        services.sink(TalkBegan(now_s, call.call_id, talk_id, agent_id, self._queue))
        return Party(agent_id, talk, conversation)

    def leave(self, party: Party, how: str) -> None:
        """An agent's talk is over: it wraps up."""
        services, call = self._call.services, self._call
        talk_s = services.clock.monotonic_s() - party.conversation.began_s
        self.talk_s += talk_s
        self.last_agent = party.agent_id
        party.talk = replace(
            party.talk, ended_at_s=services.clock.now_s(), ended_how=how, talk_s=talk_s, recording=self._recorded
        )
        call.journal.talk(party.talk)
        call.journal.note(talk_s=call.journal.call.talk_s + talk_s)
        services.desk.talk_ended(party.agent_id, party.talk.talk_id, self._wrap_up_s)
        services.sink(
            TalkOver(
                services.clock.now_s(), call.call_id, party.talk.talk_id, party.agent_id, self._queue, talk_s, how,
                self._recorded,
            )
        )  # fmt: skip

    async def record(self, talk_id: str) -> None:
        """Begin to record when the queue wants it."""
        if self._recording:
            call = self._call
            self._recorded = await call.services.recorder.start(
                talk_id, self._queue, call.caller_masked, call.line.channel_id
            )

    async def finish(self, talk_id: str) -> None:
        """The recording is over."""
        if self._recorded:
            await self._call.services.recorder.finish(talk_id, self._call.line.channel_id)
